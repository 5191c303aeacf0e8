import { describe, expect, test } from 'vitest';
import { buildView } from '../src/view/build-view.js';
import {
  at,
  dcsKeys,
  memberOf,
  mute,
  muteEtcd,
  observation,
  patroniState,
  primaryState,
  said,
  silence,
  testSpec,
  testView,
} from './fixtures.js';

const roles = (view: { members: readonly { name: string; role: string }[] }) =>
  Object.fromEntries(view.members.map(({ name, role }) => [name, role]));

describe('buildView', () => {
  test('a healthy cluster is known entirely', () => {
    const view = testView();
    expect(view.leader).toBe('pg1');
    expect(view.timeline).toBe(3);
    expect(view.synchronousStandbys).toEqual(['pg2']);
    expect(view.paused).toBe(false);
    expect(view.systemIdentifier).toBe('7000000000000000001');
    expect(roles(view)).toEqual({ pg1: 'primary', pg2: 'sync standby', pg3: 'replica' });
    expect(view.members.map(({ lagBytes }) => lagBytes)).toEqual([0, 1000, 1000]);
    expect(view.members.map(({ state }) => state)).toEqual(['running', 'streaming', 'streaming']);
    expect(memberOf(view, 'pg1').postgresVersion).toBe('15.20');
    expect(memberOf(view, 'pg3').tags).toEqual({ nofailover: true });
    expect(view.etcd.map(({ isLeader, healthy }) => [isLeader, healthy])).toEqual([
      [true, true],
      [false, true],
      [false, true],
    ]);
    expect(view.proxies.map(({ name, healthy }) => [name, healthy])).toEqual([
      ['haproxy', true],
      ['pgbouncer', true],
    ]);
    expect(view.proxies[0]?.servers.map(({ server }) => server)).not.toContain('hold');
    expect(view.unknown).toEqual([]);
  });

  test('a silent replica is unknown, the rest is not', () => {
    const view = testView({ patroni: { pg3: mute } });
    expect(memberOf(view, 'pg3')).toMatchObject({ role: 'unknown', state: 'unreachable', lagBytes: undefined });
    expect(view.leader).toBe('pg1');
    expect(view.unknown).toEqual(['pg3: Patroni: no answer within 1000 ms']);
  });

  test('a silent primary that holds the key stays the primary, and lag counts from its last word', () => {
    const view = testView({ patroni: { pg1: mute } });
    expect(memberOf(view, 'pg1')).toMatchObject({ role: 'primary', state: 'unreachable', timeline: 3 });
    expect(memberOf(view, 'pg2').lagBytes).toBe(900);
    expect(view.timeline).toBe(3);
  });

  test('a former primary that woke up is not shown as a primary', () => {
    const view = testView({
      keys: said(dcsKeys({ leader: 'pg2' })),
      patroni: { pg2: { state: said(primaryState('pg2', { timeline: 4 })) } },
    });
    expect(roles(view)).toEqual({ pg1: 'unknown', pg2: 'primary', pg3: 'replica' });
    expect(memberOf(view, 'pg1').state).toBe('running as primary without the leader key');
    expect(view.timeline).toBe(4);
    expect(view.unknown).toContain('pg1: says it is the primary, but pg2 holds the leader key');
  });

  test('the holder of the key that is still a replica is the leader but not yet the primary', () => {
    const view = testView({
      keys: said(dcsKeys({ leader: 'pg2' })),
      patroni: {
        pg1: { state: said(patroniState('pg1', { state: 'stopped', role: 'demoted', replicationState: undefined })) },
      },
    });
    expect(view.leader).toBe('pg2');
    expect(roles(view)).toEqual({ pg1: 'replica', pg2: 'replica', pg3: 'replica' });
    expect(memberOf(view, 'pg1').state).toBe('stopped');
    expect(view.unknown).toContain('pg2: holds the leader key but is not a primary (yet)');
  });

  test('no leader key means no leader, whatever a member says', () => {
    const view = testView({ keys: said(dcsKeys({ leader: undefined })) });
    expect(view.leader).toBeUndefined();
    expect(view.members.some(({ role }) => role === 'primary')).toBe(false);
    expect(view.unknown).toContain('pg1: says it is the primary, but nobody holds the leader key');
    expect(memberOf(view, 'pg2').lagBytes).toBe(900);
  });

  describe('etcd without a quorum', () => {
    const lonely = {
      etcd1: { status: said({ memberId: '1', leaderId: '0', version: '3.4.23', databaseBytes: 1 }), alarms: silence },
      etcd2: muteEtcd,
      etcd3: muteEtcd,
    };

    test('the only claimant counts, and that is said', () => {
      const view = testView({ keys: silence, etcd: lonely });
      expect(view.leader).toBe('pg1');
      expect(view.etcd.map(({ healthy }) => healthy)).toEqual([false, false, false]);
      expect(view.unknown).toContain("leader: only pg1's own word, etcd could not be asked");
      expect(view.unknown.some((line) => line.startsWith("etcd: Patroni's keys could not be read"))).toBe(true);
      expect(view.synchronousStandbys).toEqual([]);
      expect(view.systemIdentifier).toBe('7000000000000000001');
    });

    test('of two claimants neither is believed', () => {
      const view = testView({
        keys: silence,
        etcd: lonely,
        patroni: { pg2: { state: said(primaryState('pg2', { timeline: 4 })) } },
      });
      expect(view.leader).toBeUndefined();
      expect(roles(view)).toEqual({ pg1: 'unknown', pg2: 'unknown', pg3: 'replica' });
      expect(view.unknown).toContain('leader: pg1 and pg2 both say they are the primary');
    });

    test("a Patroni's list of the cluster takes the keys' place, the leader's first", () => {
      const cluster = (leader: string, sync: string) =>
        said({
          scope: 'demo',
          paused: true,
          members: ['pg1', 'pg2', 'pg3'].map((name) => ({
            name,
            role: name === leader ? 'leader' : name === sync ? 'sync_standby' : 'replica',
            state: 'running',
            host: undefined,
            port: undefined,
            timeline: undefined,
            lagBytes: undefined,
            pendingRestart: false,
            tags: name === 'pg3' ? { nofailover: true } : {},
          })),
        });
      const view = testView({
        keys: silence,
        patroni: { pg1: { cluster: cluster('pg1', 'pg3') }, pg2: { cluster: cluster('pg1', 'pg2') } },
      });
      expect(view.leader).toBe('pg1');
      expect(view.synchronousStandbys).toEqual(['pg3']);
      expect(memberOf(view, 'pg3')).toMatchObject({ role: 'sync standby', tags: { nofailover: true } });
      expect(view.paused).toBe(true);
    });
  });

  test('the newest of several answers of etcd counts', () => {
    const older = said(dcsKeys({ leader: 'pg3' }).map((entry) => ({ ...entry, modRevision: '9' })));
    expect(testView({ etcd: { etcd1: { keys: older } } }).leader).toBe('pg1');
  });

  test('an alarm makes its member unhealthy', () => {
    const [first, second] = testView({ etcd: { etcd1: { alarms: said(['NOSPACE']) } } }).etcd;
    expect(first).toMatchObject({ healthy: false, alarms: ['NOSPACE'] });
    expect(second?.healthy).toBe(true);
  });

  test('without HAProxy and pooler everything else is known', () => {
    const view = testView({ haproxy: silence, pooler: silence });
    expect(view.proxies).toMatchObject([
      { name: 'haproxy', healthy: false, servers: [] },
      { name: 'pgbouncer', healthy: false },
    ]);
    expect(view.unknown).toEqual(['haproxy: no answer within 1000 ms', 'pgbouncer: no answer within 1000 ms']);
    expect(view.leader).toBe('pg1');
  });

  test('a cluster without a pooler shows none', () => {
    expect(testView({ pooler: undefined }).proxies.map(({ name }) => name)).toEqual(['haproxy']);
  });

  test('a pause shows', () => {
    expect(testView({ keys: said(dcsKeys({ config: '{"pause": "on"}' })) }).paused).toBe(true);
  });

  test('during the bootstrap nothing is claimed that is not so', () => {
    const uninitialised = (name: string, state: string) => ({
      state: said(
        patroniState(name, {
          state,
          role: undefined,
          timeline: undefined,
          walBytes: undefined,
          replicationState: undefined,
          serverVersion: undefined,
          systemIdentifier: undefined,
        }),
      ),
    });
    const view = testView({
      keys: said([{ key: '/service/demo/initialize', value: '', modRevision: '2', lease: '0' }]),
      patroni: {
        pg1: uninitialised('pg1', 'initializing new cluster'),
        pg2: uninitialised('pg2', 'stopped'),
        pg3: uninitialised('pg3', 'creating replica'),
      },
    });
    expect(view.leader).toBeUndefined();
    expect(view.systemIdentifier).toBeUndefined();
    expect(roles(view)).toEqual({ pg1: 'unknown', pg2: 'unknown', pg3: 'replica' });
    expect(memberOf(view, 'pg1').state).toBe('initializing new cluster');
    expect(view.unknown).toContain('the first member is being initialised');
  });

  test('nothing runs: nothing is known and nothing throws', () => {
    const view = testView({
      keys: silence,
      patroni: { pg1: mute, pg2: mute, pg3: mute },
      etcd: { etcd1: muteEtcd, etcd2: muteEtcd, etcd3: muteEtcd },
      haproxy: silence,
      pooler: silence,
      units: silence,
    });
    expect(view).toMatchObject({ leader: undefined, timeline: undefined, paused: undefined, units: [] });
    expect(view.members.every(({ role, state }) => role === 'unknown' && state === 'unreachable')).toBe(true);
    expect(view.unknown).toHaveLength(10);
  });

  test("another cluster's Patroni at our address is not ours", () => {
    const view = testView({ patroni: { pg2: { state: said(primaryState('pg2', { scope: 'other' })) } } });
    expect(memberOf(view, 'pg2')).toMatchObject({ role: 'unknown', state: 'unreachable' });
    expect(view.unknown.some((line) => line.includes('is answered by member pg2 of cluster other'))).toBe(true);
  });

  test('data of another system is named', () => {
    const view = testView({ patroni: { pg3: { state: said(patroniState('pg3', { systemIdentifier: '42' })) } } });
    expect(view.unknown).toContain("pg3: its data has system identifier 42, the cluster's is 7000000000000000001");
  });

  test('a Patroni that lost etcd is named', () => {
    const { loopWait, retryTimeout } = testSpec().patroni;
    const seen = (seconds: number) =>
      testView({ patroni: { pg3: { state: said(patroniState('pg3', { dcsLastSeen: at / 1000 - seconds })) } } });
    expect(memberOf(seen(loopWait + retryTimeout), 'pg3').dcsReachable).toBe(true);
    expect(memberOf(seen(loopWait + retryTimeout + 1), 'pg3').dcsReachable).toBe(false);
  });

  test('quorum standbys are called so, and the mode in etcd beats the file', () => {
    const view = testView({ keys: said(dcsKeys({ config: '{"synchronous_mode": "quorum"}' })) });
    expect(memberOf(view, 'pg2').role).toBe('quorum standby');
    expect(testView({ keys: said(dcsKeys({ config: '{"synchronous_mode": false}' })) }).synchronousStandbys).toEqual(
      [],
    );
  });

  test('malformed keys count as absent', () => {
    const view = testView({ keys: said(dcsKeys({ sync: '{', status: '[]', config: '7', 'members/pg1': 'x' })) });
    expect(view.synchronousStandbys).toEqual([]);
    expect(view.paused).toBe(false);
  });

  test('a replica that is ahead of what the primary said a moment ago does not lag', () => {
    const view = testView({ patroni: { pg2: { state: said(patroniState('pg2', { walBytes: 7000 })) } } });
    expect(memberOf(view, 'pg2').lagBytes).toBe(0);
  });

  test('one member is enough', () => {
    const spec = testSpec('on', 1);
    expect(buildView(spec, observation(spec)).members).toHaveLength(1);
  });
});
