import type { Plan, Unit } from '@holdfast/components';
import { describe, expect, it } from 'vitest';
import { judgePreflight, type MemberFacts, type PreflightFacts } from '../src/up/preflight.js';

const plan: Plan = { cluster: 'test', units: [], dynamicConfiguration: {} };
const etcd = (...ports: readonly number[]): Plan => ({
  ...plan,
  units: ports.map(
    (port, index) =>
      ({
        id: `etcd${index + 1}`,
        component: 'etcd',
        ports: [{ name: 'client', host: '127.0.0.1', port }],
      }) as unknown as Unit,
  ),
});
const marker = {
  name: 'test',
  createdAt: '2026-01-01T00:00:00Z',
  systemIdentifier: '7000000000000000001',
  postgresMajor: 15,
};
const member = (content: MemberFacts['content'], isRunning = false): MemberFacts => ({
  name: 'pg1',
  dataDirectory: '/state/data/pg1/pgdata',
  content,
  isRunning,
});
const database = { kind: 'database', major: '15', systemIdentifier: '7000000000000000001' } as const;
const facts = (given: Partial<PreflightFacts>): PreflightFacts => ({
  plan,
  current: undefined,
  postgresMajor: 15,
  marker: undefined,
  members: [member({ kind: 'absent' })],
  etcdWithoutData: [],
  takenPorts: [],
  namespaces: { named: [], missing: [] },
  isRoot: true,
  stateDirectory: '/state',
  freeBytes: 10 * 1024 ** 3,
  ...given,
});
const codeOf = (given: Partial<PreflightFacts>) => judgePreflight(facts(given)).refusal?.code;

describe('judgePreflight', () => {
  it('lets a fresh cluster and a complete one start', () => {
    expect(judgePreflight(facts({}))).toEqual({
      refusal: undefined,
      incomplete: [],
      lostEtcd: [],
      unfinishedBootstrap: false,
    });
    expect(codeOf({ marker, current: plan, members: [member(database)] })).toBeUndefined();
  });

  it('refuses another major version, before anything else', () => {
    expect(codeOf({ members: [member({ ...database, major: '14' })], takenPorts: ['x'] })).toBe('HF_STATE_MAJOR');
  });

  it('refuses network namespaces that are not there, or that only root could enter', () => {
    const named = ['host1', 'host2'];
    expect(codeOf({ namespaces: { named, missing: [] } })).toBeUndefined();
    expect(codeOf({ namespaces: { named, missing: ['host2'] } })).toBe('HF_NAMESPACES_MISSING');
    expect(codeOf({ namespaces: { named, missing: ['host2'] }, isRoot: false })).toBe('HF_NAMESPACES_NEED_ROOT');
    expect(codeOf({ isRoot: false })).toBeUndefined();
  });

  it("refuses another database's directory once the cluster's own identifier is known", () => {
    const foreign = member({ ...database, systemIdentifier: '7000000000000000002' });
    expect(codeOf({ marker, members: [foreign] })).toBe('HF_STATE_OTHER_CLUSTER');
  });

  it('refuses taken ports and a full disk, but asks no space for members that have their data', () => {
    expect(codeOf({ takenPorts: ['- 127.0.0.1:5432 …'] })).toBe('HF_PORTS_TAKEN');
    expect(codeOf({ freeBytes: 1024 ** 2 })).toBe('HF_DISK_FULL');
    expect(codeOf({ freeBytes: 1024 ** 2, marker, members: [member(database)] })).toBeUndefined();
  });

  it('refuses another number of etcd members, and other ports for them', () => {
    expect(codeOf({ current: etcd(1, 2, 3), plan: etcd(1, 2, 3, 4, 5) })).toBe('HF_ETCD_SIZE');
    expect(codeOf({ current: etcd(1, 2, 3), plan: etcd(1, 2, 9) })).toBe('HF_ADDRESSES_CHANGED');
    expect(codeOf({ current: etcd(1, 2, 3), plan: etcd(1, 2, 3) })).toBeUndefined();
  });

  it('moves incomplete directories aside only where nothing runs', () => {
    const incomplete = member({ kind: 'incomplete' });
    expect(judgePreflight(facts({ marker, members: [incomplete] })).incomplete).toEqual([incomplete]);
    expect(judgePreflight(facts({ marker, members: [{ ...incomplete, isRunning: true }] })).incomplete).toEqual([]);
  });

  it('calls an etcd member without data lost only in a cluster that had a primary', () => {
    expect(judgePreflight(facts({ etcdWithoutData: ['etcd2'] })).lostEtcd).toEqual([]);
    expect(judgePreflight(facts({ etcdWithoutData: ['etcd2'], current: plan })).lostEtcd).toEqual([]);
    expect(judgePreflight(facts({ etcdWithoutData: ['etcd2'], current: plan, marker })).lostEtcd).toEqual(['etcd2']);
  });

  it('sees a first start that was cut off', () => {
    const { systemIdentifier: _, ...young } = marker;
    const cutOff = { marker: young, current: plan, members: [member(database)] };
    expect(judgePreflight(facts(cutOff)).unfinishedBootstrap).toBe(true);
    expect(judgePreflight(facts({ ...cutOff, members: [member(database, true)] })).unfinishedBootstrap).toBe(false);
    expect(judgePreflight(facts({ ...cutOff, marker })).unfinishedBootstrap).toBe(false);
  });
});
