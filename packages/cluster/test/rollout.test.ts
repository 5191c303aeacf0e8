import type { Plan, Unit } from '@holdfast/components';
import type { UnitChange } from '@holdfast/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planRollout } from '../src/up/rollout.js';

const unit = (id: string, version: number): Unit => ({
  id,
  component: id.startsWith('etcd') ? 'etcd' : id.startsWith('pg') && id !== 'pgbouncer' ? 'patroni' : 'haproxy',
  host: '127.0.0.1',
  argv: ['/bin/true', String(version)],
  env: {},
  files: [],
  volumes: [],
  ports: [],
  user: 'postgres',
  workingDirectory: '/',
  readiness: { kind: 'tcp', host: '127.0.0.1', port: 1, timeoutMilliseconds: 1 },
  stop: { signal: 'SIGTERM', graceSeconds: 1 },
  restart: { minMilliseconds: 1, maxMilliseconds: 1 },
  reloadSignal: undefined,
  after: undefined,
  territory: undefined,
});
const ids = ['etcd1', 'etcd2', 'etcd3', 'pg1', 'pg2', 'pg3', 'haproxy'];
const plan = (version: (id: string) => number): Plan => ({
  cluster: 'test',
  units: ids.map((id) => unit(id, version(id))),
  dynamicConfiguration: {},
});
const restartOf = (id: string): UnitChange => ({ unit: id, action: 'restart', because: ['argv'] });

describe('planRollout', () => {
  it('does everything at once when nothing runs', () => {
    const to = plan(() => 2);
    expect(planRollout(undefined, to, [], undefined)).toEqual([
      { plan: to, restarts: undefined, switchoverFirst: false },
    ]);
  });

  it('restarts etcd first, then replicas, the primary last and after a switchover', () => {
    const changes = ids.map(restartOf);
    const steps = planRollout(
      plan(() => 1),
      plan(() => 2),
      changes,
      'pg1',
    );
    expect(steps.map(({ restarts }) => restarts)).toEqual(['etcd1', 'etcd2', 'etcd3', 'pg2', 'pg3', 'pg1', undefined]);
    expect(steps.filter(({ switchoverFirst }) => switchoverFirst).map(({ restarts }) => restarts)).toEqual(['pg1']);
  });

  it('never restarts two members at a time, and ends with the wanted plan', () => {
    fc.assert(
      fc.property(
        fc.subarray(ids),
        fc.option(fc.constantFrom('pg1', 'pg2', 'pg3'), { nil: undefined }),
        (changed, leader) => {
          const from = plan(() => 1);
          const to = plan((id) => (changed.includes(id) ? 2 : 1));
          const steps = planRollout(from, to, changed.map(restartOf), leader);
          let current = from;
          for (const step of steps) {
            const touched = step.plan.units.filter(
              (after) =>
                after.component !== 'haproxy' &&
                !current.units.some((before) => before.argv[1] === after.argv[1] && before.id === after.id),
            );
            expect(touched.length).toBeLessThanOrEqual(1);
            expect(touched[0]?.id).toBe(step.restarts);
            current = step.plan;
          }
          expect(current).toBe(to);
        },
      ),
    );
  });

  it('takes all units of a container in one step', () => {
    const together = (version: number): Plan => {
      const units = ['pg1', 'pg1-agent', 'pg2', 'pg2-agent'].map((id) => ({
        ...unit(id, version),
        component: id.endsWith('-agent') ? ('agent' as const) : ('patroni' as const),
        container: { name: id.replace('-agent', ''), image: 'holdfast/patroni:1' },
      }));
      return { cluster: 'test', units, dynamicConfiguration: {} };
    };
    const changes = together(2).units.map(({ id }) => restartOf(id));
    const steps = planRollout(together(1), together(2), changes, 'pg1');
    const versions = steps.map((step) => step.plan.units.map(({ id, argv }) => `${id} ${argv[1]}`));
    expect(versions).toEqual([
      ['pg1 1', 'pg1-agent 1', 'pg2 2', 'pg2-agent 2'],
      ['pg1 2', 'pg1-agent 2', 'pg2 2', 'pg2-agent 2'],
      ['pg1 2', 'pg1-agent 2', 'pg2 2', 'pg2-agent 2'],
    ]);
    expect(steps.map(({ restarts }) => restarts)).toEqual(['pg2', 'pg1', undefined]);
  });
});
