import { describe, expect, it } from 'vitest';
import { diffPlans, planInKubernetes } from '../../src/index.js';
import { destinations, reachedSpec } from '../../src/kubernetes/reach.js';
import { images, kubernetesSpec } from './example.js';

const planOf = (text = '') => planInKubernetes(kubernetesSpec(text), images);

describe('the plan in Kubernetes', () => {
  it('says which pod each unit is in', () => {
    expect(Object.fromEntries(planOf().plan.units.map(({ id, container }) => [id, container?.name]))).toEqual({
      etcd1: 'etcd-0',
      etcd2: 'etcd-1',
      etcd3: 'etcd-2',
      pg1: 'postgres-0',
      pg2: 'postgres-1',
      pg3: 'postgres-2',
      'pg1-agent': 'postgres-0',
      'pg2-agent': 'postgres-1',
      'pg3-agent': 'postgres-2',
      haproxy: 'haproxy',
      pgbouncer: 'pgbouncer',
      net: 'net',
    });
  });

  it('is the same for the same spec, and has nothing to do then', () => {
    expect(diffPlans(planOf().plan, planOf().plan)).toEqual([]);
  });

  it('restarts what another size of its pod replaces, and nothing else', () => {
    const changes = diffPlans(planOf().plan, planOf('kubernetes: {resources: {haproxy: {memory: 512MiB}}}').plan);
    expect(changes.map(({ unit, action }) => `${unit} ${action}`)).toEqual(['haproxy restart']);
  });

  it('restarts what another image replaces, an agent with its member', () => {
    const other = planInKubernetes(kubernetesSpec(), { ...images, patroni: 'holdfast/patroni:2' });
    const restarted = diffPlans(planOf().plan, other.plan).filter(({ action }) => action === 'restart');
    expect(restarted.map(({ unit }) => unit).sort()).toEqual([
      'pg1',
      'pg1-agent',
      'pg2',
      'pg2-agent',
      'pg3',
      'pg3-agent',
    ]);
  });

  it('adds a member without touching the others', () => {
    const restarted = diffPlans(planOf().plan, planOf('members: 4').plan).filter(({ action }) => action === 'start');
    expect(restarted.map(({ unit }) => unit)).toContain('pg4');
  });
});

describe('the cluster as it is reached from outside', () => {
  const spec = kubernetesSpec();
  const doors = new Map<string, number>();
  for (const { target, ports } of destinations(spec))
    for (const port of ports) doors.set(`${target} ${port}`, doors.size + 1);
  const reached = reachedSpec(spec, (target, port) => doors.get(`${target} ${port}`) ?? 0);

  it('has a door of its own for everything that is asked', () => {
    const used = [
      ...reached.members.flatMap(({ port, patroniPort, agentPort }) => [port, patroniPort, agentPort]),
      ...reached.etcd.members.map(({ clientPort }) => clientPort),
      ...[reached.haproxy.readWritePort, reached.haproxy.readOnlyPort, reached.haproxy.statsPort, reached.pooler.port],
    ];
    expect([...used].sort((one, other) => one - other)).toEqual(used.map((_, index) => index + 1));
    expect(new Set(reached.members.map(({ host }) => host))).toEqual(new Set(['127.0.0.1']));
  });

  it('is where they are for members outside of it', () => {
    const hosts = 'hosts: [{address: 192.0.2.1}]\nkubernetes: {members: docker, nodes: [192.0.2.9]}\n';
    const split = kubernetesSpec(hosts);
    const targets = destinations(split).map(({ target }) => target);
    expect(targets).toEqual(['pod/etcd-0', 'pod/etcd-1', 'pod/etcd-2', 'deployment/haproxy', 'deployment/pgbouncer']);
    const found = reachedSpec(split, () => 1);
    expect(found.members).toEqual(split.members);
    expect(found.etcd.members.map(({ host, clientPort }) => `${host}:${clientPort}`)[0]).toBe('127.0.0.1:1');
  });

  it('remembers where the cluster itself is', () => {
    expect(reached.inside).toBe(spec);
    expect(reached.members.map(({ name }) => name)).toEqual(spec.members.map(({ name }) => name));
  });
});
