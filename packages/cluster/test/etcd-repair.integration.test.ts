import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createEtcdClient, etcdClientUrl, planCluster, unitData } from '@holdfast/components';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleLayout, exampleSpec } from '../../components/test/example.js';
import { onFreePorts } from '../../components/test/free-ports.js';
import {
  Disposables,
  type RunningUnit,
  startUnit,
  temporaryDirectory,
  unitOf,
  waitReady,
  waitUntil,
} from '../../components/test/run-unit.js';
import { repairEtcdMember } from '../src/operations/etcd-repair.js';

const installed = existsSync(exampleLayout().tools.etcd);

describe.skipIf(!installed)('an etcd member that lost its data', async () => {
  const signal = new AbortController().signal;
  const stack = new Disposables();
  const spec = await onFreePorts(exampleSpec());
  const etcd = spec.etcd.members.map((member) => ({
    member: member.name,
    client: createEtcdClient({ url: etcdClientUrl(member) }),
  }));
  const running = new Map<string, RunningUnit>();
  let stateDirectory = '';
  const context = () => ({
    spec,
    stateDirectory,
    clients: {
      etcd,
      patroni: [],
      haproxy: {
        url: '',
        statistics: () => Promise.reject(new Error('none')),
        mark: () => Promise.reject(new Error('none')),
      },
    },
  });
  const units = () => planCluster({ spec, layout: exampleLayout(stateDirectory) }).units;
  const start = (name: string, env: Readonly<Record<string, string>> = {}) => {
    const unit = unitOf(units(), name);
    const started = stack.use(startUnit(unit, { env }));
    running.set(name, started);
    return waitReady(unit, started);
  };
  const lose = async (name: string) => {
    await running.get(name)?.stop();
    await rm(unitData(stateDirectory, name), { recursive: true });
  };
  const client = (name: string) => {
    const found = etcd.find(({ member }) => member === name);
    if (!found) throw new Error(`no ${name}`);
    return found.client;
  };

  beforeAll(async () => {
    stateDirectory = stack.use(await temporaryDirectory()).path;
    await Promise.all(['etcd1', 'etcd2', 'etcd3'].map((name) => start(name)));
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  it('comes back with everything, and a repair that was cut off goes on', async () => {
    await client('etcd1').put('/test/kept', 'yes', signal);
    await lose('etcd2');
    const environment = await repairEtcdMember(context(), 'etcd2', signal);
    expect(environment).toEqual({ ETCD_INITIAL_CLUSTER_STATE: 'existing' });
    expect(await repairEtcdMember(context(), 'etcd2', signal)).toEqual(environment);
    await start('etcd2', environment);

    expect((await client('etcd2').get('/test/kept', signal))?.value).toBe('yes');
    await waitUntil('three started members', async () => {
      const names = (await client('etcd1').members(signal)).map(({ name }) => name).sort();
      return names.join() === 'etcd1,etcd2,etcd3';
    });
    const statuses = await Promise.all(etcd.map((each) => each.client.status(signal)));
    expect(new Set(statuses.map(({ memberId }) => memberId)).size).toBe(3);
    expect(statuses.every(({ leaderId }) => leaderId !== '0')).toBe(true);
  });

  it('needs nothing while its data is there, running or not', async () => {
    expect(await repairEtcdMember(context(), 'etcd3', signal)).toEqual({});
    await running.get('etcd3')?.stop();
    expect(await repairEtcdMember(context(), 'etcd3', signal)).toEqual({});
  });

  it('is refused when the rest is no quorum', async () => {
    await lose('etcd2');
    await expect(repairEtcdMember(context(), 'etcd2', signal, 500)).rejects.toMatchObject({
      code: 'HF_ETCD_REPAIR',
    });
    expect(existsSync(unitData(stateDirectory, 'etcd3'))).toBe(true);
  });
});
