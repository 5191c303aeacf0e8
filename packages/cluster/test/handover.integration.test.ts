import { existsSync } from 'node:fs';
import { createEtcdClient, type EtcdClient, etcdClientUrl, planCluster, readPatroniKeys } from '@holdfast/components';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { exampleLayout } from '../../components/test/example.js';
import { onFreePorts } from '../../components/test/free-ports.js';
import { Disposables, startUnit, temporaryDirectory, unitOf, waitReady } from '../../components/test/run-unit.js';
import type { ClusterContext } from '../src/context.js';
import { handOver } from '../src/operations/handover.js';
import { testSpec } from './fixtures.js';

const installed = existsSync(exampleLayout().tools.etcd);
const prefix = '/service/demo/';
const plan = { leader: 'pg1', candidate: 'pg2' };

describe.skipIf(!installed)('handing the lock over in a real etcd', () => {
  const { signal } = new AbortController();
  const stack = new Disposables();
  let etcd: EtcdClient;
  let context: ClusterContext;
  let leases: { readonly pg1: string; readonly pg2: string };

  beforeAll(async () => {
    const directory = stack.use(await temporaryDirectory());
    const free = await onFreePorts(testSpec('strict'));
    const [member] = free.etcd.members;
    if (member === undefined) throw new Error('no etcd');
    const spec = {
      ...free,
      etcd: { ...free.etcd, members: [member] },
      failover: { ...free.failover, enabled: false },
    };
    const unit = unitOf(planCluster({ spec, layout: exampleLayout(directory.path) }).units, member.name);
    await waitReady(unit, stack.use(startUnit(unit)));
    etcd = createEtcdClient({ url: etcdClientUrl(member) });
    const dead = createEtcdClient({ url: 'http://127.0.0.1:9' });
    // The first one that is asked does not answer.
    context = {
      spec,
      clients: {
        etcd: [
          { member: 'etcd0', client: dead },
          { member: member.name, client: etcd },
        ],
      },
    } as unknown as ClusterContext;
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  async function grantLease(): Promise<string> {
    const answer = await fetch(`${etcd.url}/v3/lease/grant`, { method: 'POST', body: JSON.stringify({ TTL: 60 }) });
    return ((await answer.json()) as { readonly ID: string }).ID;
  }

  /** As Patroni leaves it: pg1 leads, each member's key hangs on its own lease, the leader key on pg1's. */
  beforeEach(async () => {
    await etcd.deletePrefix(prefix, signal);
    leases = { pg1: await grantLease(), pg2: await grantLease() };
    const success = [
      { put: `${prefix}config`, value: '{"synchronous_mode": true, "synchronous_mode_strict": true}' },
      { put: `${prefix}leader`, value: 'pg1', lease: leases.pg1 },
      { put: `${prefix}members/pg1`, value: '{"role":"primary"}', lease: leases.pg1 },
      { put: `${prefix}members/pg2`, value: '{"role":"replica"}', lease: leases.pg2 },
      { put: `${prefix}sync`, value: '{"leader":"pg1","sync_standby":"pg2"}' },
    ];
    expect((await etcd.transact({ compare: [], success }, signal)).succeeded).toBe(true);
  });

  const read = async () => readPatroniKeys(prefix, await etcd.getPrefix(prefix, signal));

  test('the candidate holds it on its own lease, and the old session has ended', async () => {
    await handOver(context, plan, signal);
    const keys = await read();
    expect(keys.raw.leader).toMatchObject({ value: 'pg2', lease: leases.pg2 });
    expect([...keys.members.keys()]).toEqual(['pg2']);
    expect(keys.sync).toEqual({ leader: 'pg1', standbys: ['pg2'] });
    await expect(etcd.revokeLease(leases.pg1, signal)).rejects.toMatchObject({ code: 'HF_ETCD_REFUSED' });
    // Once more, as after an answer that was lost: nothing is changed.
    const { revision } = await etcd.snapshot(prefix, signal);
    await handOver(context, plan, signal);
    expect((await etcd.snapshot(prefix, signal)).revision).toBe(revision);
  });

  test.each([
    ['somebody else leads', 'leader', 'pg3', 'pg3 holds it now'],
    ['the candidate is not synchronous any more', 'sync', '{"leader":"pg1","sync_standby":"pg3"}', 'not a synchronous'],
    ['the standbys are those of another leader', 'sync', '{"leader":"pg3","sync_standby":"pg2"}', 'not a synchronous'],
    ['another switchover waits', 'failover', '{"leader":"pg1","member":"pg3"}', 'is under way'],
    ['Patroni is paused', 'config', '{"pause": true}', 'paused'],
  ])('refuses and changes nothing when %s', async (_, key, value, words) => {
    await etcd.put(`${prefix}${key}`, value, signal);
    const before = await etcd.snapshot(prefix, signal);
    const refused = handOver(context, plan, signal);
    await expect(refused).rejects.toMatchObject({ code: 'HF_SWITCHOVER_CHANGED', exitCode: 4 });
    await expect(refused).rejects.toThrow(words);
    expect(await etcd.snapshot(prefix, signal)).toEqual(before);
  });
});
