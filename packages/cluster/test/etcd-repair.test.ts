import { HoldfastError } from '@holdfast/spec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EtcdRepairFacts, planEtcdRepair } from '../src/operations/etcd-repair.js';

const url = (number: number) => `http://127.0.0.1:${2380 + number}`;
const listed = [1, 2, 3].map((number) => ({
  id: `${number}00`,
  name: `etcd${number}`,
  peerUrls: [url(number)],
  clientUrls: [],
}));
const facts: EtcdRepairFacts = {
  member: 'etcd2',
  peerUrl: url(2),
  running: false,
  dataMissing: true,
  healthyOthers: ['etcd1', 'etcd3'],
  others: 2,
  othersWithData: ['etcd1', 'etcd3'],
  listed,
};
const existing = { ETCD_INITIAL_CLUSTER_STATE: 'existing' };
const nothing = { removeId: undefined, addPeerUrl: undefined, startEnvironment: {} };

describe('planEtcdRepair', () => {
  test('removes the old member and adds a new one', () => {
    expect(planEtcdRepair(facts)).toEqual({ removeId: '200', addPeerUrl: url(2), startEnvironment: existing });
  });

  test('goes on where it was interrupted after the removal', () => {
    const without = listed.filter(({ name }) => name !== 'etcd2');
    expect(planEtcdRepair({ ...facts, listed: without })).toMatchObject({ removeId: undefined, addPeerUrl: url(2) });
  });

  test('goes on where it was interrupted after the addition', () => {
    const added = listed.map((entry) => (entry.name === 'etcd2' ? { ...entry, id: '999', name: '' } : entry));
    expect(planEtcdRepair({ ...facts, listed: added })).toEqual({
      removeId: undefined,
      addPeerUrl: undefined,
      startEnvironment: existing,
    });
  });

  test.each([
    ['its data is there', { dataMissing: false }],
    ['the cluster is new', { listed: undefined, othersWithData: [], healthyOthers: [] }],
    ['it is alone', { others: 0, listed: undefined, othersWithData: [], healthyOthers: [] }],
  ])('does nothing when %s', (_, change) => {
    expect(planEtcdRepair({ ...facts, ...change })).toEqual(nothing);
  });

  test.each([
    ['the rest has no quorum', { healthyOthers: ['etcd1'] }, 'only 1 of the 2 others'],
    ['nobody can list the members', { listed: undefined, healthyOthers: [] }, 'only 0 of the 2 others'],
    ['it runs', { running: true }, 'it runs although its data is gone'],
  ])('refuses when %s', (_, change, words) => {
    const plan = () => planEtcdRepair({ ...facts, ...change });
    expect(plan).toThrow(HoldfastError);
    expect(plan).toThrow(words);
  });

  test('never removes a member that has data, runs, or whose loss would leave no quorum', () => {
    const anyFacts = fc.record({
      member: fc.constant('etcd2'),
      peerUrl: fc.constant(url(2)),
      running: fc.boolean(),
      dataMissing: fc.boolean(),
      healthyOthers: fc.subarray(['etcd1', 'etcd3', 'etcd4', 'etcd5']),
      others: fc.constantFrom(2, 4),
      othersWithData: fc.subarray(['etcd1', 'etcd3']),
      listed: fc.option(fc.subarray(listed), { nil: undefined }),
    });
    fc.assert(
      fc.property(anyFacts, (given) => {
        let plan: ReturnType<typeof planEtcdRepair>;
        try {
          plan = planEtcdRepair(given);
        } catch {
          return;
        }
        if (plan.removeId === undefined) return;
        expect(plan.removeId).toBe('200');
        expect(given.dataMissing && !given.running).toBe(true);
        expect(given.healthyOthers.length).toBeGreaterThan(given.others / 2);
      }),
    );
  });
});
