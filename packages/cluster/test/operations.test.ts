import { readPatroniKeys } from '@holdfast/components';
import { HoldfastError } from '@holdfast/spec';
import { describe, expect, test } from 'vitest';
import { planFailover } from '../src/operations/failover.js';
import { findMember, spokesman } from '../src/operations/find-member.js';
import { handoverObstacle, mayHandOver } from '../src/operations/handover.js';
import { planPause } from '../src/operations/pause.js';
import { checkReinit } from '../src/operations/reinit.js';
import { planRestart } from '../src/operations/restart.js';
import { planRollingRestart } from '../src/operations/rolling-restart.js';
import { awaitsSynchronousStandby, planSwitchover } from '../src/operations/switchover.js';
import { planPoolerPause } from '../src/pooler/paused-pooler.js';
import { buildView } from '../src/view/build-view.js';
import {
  dcsKeys,
  mute,
  observation,
  patroniState,
  primaryState,
  said,
  silence,
  testSpec,
  testView,
} from './fixtures.js';

function refusal(plan: () => unknown): HoldfastError {
  try {
    plan();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const paused = said(dcsKeys({ config: '{"pause": true, "synchronous_mode": true}' }));
const leaderless = { keys: said(dcsKeys({ leader: undefined })), patroni: { pg1: mute } };

describe('planSwitchover', () => {
  test('takes the synchronous standby', () => {
    expect(planSwitchover(testView(), {})).toEqual({ leader: 'pg1', candidate: 'pg2' });
  });

  test('without synchronous replication takes who lags least', () => {
    const view = testView(
      {
        keys: said(dcsKeys({ config: '{}', 'members/pg3': '{}' })),
        patroni: { pg3: { state: said(patroniState('pg3', { walBytes: 5900 })) } },
      },
      'off',
    );
    expect(planSwitchover(view, {})).toEqual({ leader: 'pg1', candidate: 'pg3' });
  });

  test('names the members when one is unknown', () => {
    const error = refusal(() => planSwitchover(testView(), { to: 'PG-2' }));
    expect(error).toMatchObject({ code: 'HF_CLUSTER_UNKNOWN_MEMBER', exitCode: 4, suggestion: 'Did you mean pg2?' });
    expect(error.detail).toContain('pg1, pg2, pg3');
  });

  test.each([
    ['the leader', {}, 'pg1', 'HF_SWITCHOVER_ALREADY_LEADER', 'pg1 is the leader already'],
    ['an asynchronous one in a synchronous mode', {}, 'pg3', 'HF_SWITCHOVER_CANDIDATE', 'tagged nofailover'],
    [
      'one that is not a synchronous standby',
      { keys: said(dcsKeys({ 'members/pg3': '{}' })) },
      'pg3',
      'HF_SWITCHOVER_CANDIDATE',
      'not a synchronous standby',
    ],
    [
      'one that lags too much',
      { patroni: { pg1: { state: said(primaryState('pg1', { walBytes: 9_000_000 })) } } },
      'pg2',
      'HF_SWITCHOVER_CANDIDATE',
      '8995000 bytes behind',
    ],
    [
      'one that does not stream',
      { patroni: { pg2: { state: said(patroniState('pg2', { replicationState: 'in archive recovery' })) } } },
      'pg2',
      'HF_SWITCHOVER_CANDIDATE',
      'it is in archive recovery, not streaming',
    ],
    ['a silent one', { patroni: { pg2: mute } }, 'pg2', 'HF_SWITCHOVER_CANDIDATE', 'does not answer'],
    ['anybody without a leader', leaderless, 'pg2', 'HF_CLUSTER_NO_LEADER', 'has no leader'],
    ['anybody while the leader is silent', { patroni: { pg1: mute } }, 'pg2', 'HF_SWITCHOVER_LEADER_SILENT', 'pg1'],
  ])('refuses %s', (_, changes, to, code, words) => {
    const error = refusal(() => planSwitchover(testView(changes), { to }));
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
    expect(error.exitCode).toBe(4);
    expect(error.suggestion).toBeTruthy();
  });

  test('says of each member why nobody can take over', () => {
    const error = refusal(() => planSwitchover(testView({ patroni: { pg2: mute } }), {}));
    expect(error.code).toBe('HF_SWITCHOVER_NO_CANDIDATE');
    expect(error.detail).toBe('pg2: its Patroni does not answer\npg3: it is tagged nofailover');
  });

  test('in a pause wants the member named', () => {
    expect(refusal(() => planSwitchover(testView({ keys: paused }), {})).code).toBe('HF_SWITCHOVER_PAUSED');
    expect(planSwitchover(testView({ keys: paused }), { to: 'pg2' }).candidate).toBe('pg2');
  });
});

describe('awaitsSynchronousStandby', () => {
  const none = said(dcsKeys({ sync: '{}' }));
  test.each([
    ['there is one', {}, 'on', false],
    ['none is named yet', { keys: none }, 'on', true],
    ['none is wanted', { keys: none }, 'off', false],
    ['nobody could be one', { keys: none, patroni: { pg2: mute, pg3: mute } }, 'on', false],
    ['the leader is silent', { keys: none, patroni: { pg1: mute } }, 'on', false],
    ['there is no leader', leaderless, 'on', false],
  ] as const)('%s', (_, changes, mode, expected) => {
    expect(awaitsSynchronousStandby(testView(changes, mode))).toBe(expected);
  });
});

describe('mayHandOver', () => {
  const plan = { leader: 'pg1', candidate: 'pg2' };
  test.each([
    ['every standby acknowledges', {}, 'on', true],
    ['commits need a standby, and another one streams', {}, 'strict', true],
    ['commits need a standby, and there is no other', { patroni: { pg3: mute } }, 'strict', false],
    ['commits go on alone when there is no other', { patroni: { pg3: mute } }, 'on', true],
    ['any standby may be behind', {}, 'quorum', false],
    ['nobody is synchronous', {}, 'off', false],
    ['the candidate is not listed', { keys: said(dcsKeys({ sync: '{}' })) }, 'on', false],
    ['Patroni is paused', { keys: paused }, 'on', false],
  ] as const)('%s', (_, changes, mode, expected) => {
    expect(mayHandOver(testView(changes, mode), plan)).toBe(expected);
  });

  test('what is found in etcd at the last moment may forbid it', () => {
    const obstacle = (change: Readonly<Record<string, string | undefined>>) =>
      handoverObstacle(readPatroniKeys('/service/demo/', dcsKeys(change)), plan);
    expect(obstacle({})).toBeUndefined();
    expect(obstacle({ leader: 'pg3' })).toBe('pg3 holds it now, not pg1');
    expect(obstacle({ leader: undefined })).toBe('nobody holds it now, not pg1');
    expect(obstacle({ failover: '{"member":"pg3"}' })).toBe('another switchover or failover is under way');
    // What Patroni leaves behind of one that is done, and one for later.
    expect(obstacle({ failover: '{}' })).toBeUndefined();
    expect(obstacle({ failover: '{"leader":"pg1","scheduled_at":"2030-01-01T00:00:00+00:00"}' })).toBeUndefined();
    expect(obstacle({ config: '{"pause": true}' })).toBe('Patroni has been paused');
  });
});

describe('planPoolerPause', () => {
  test('pauses a pooler that gives out transactions and answers; says why not', () => {
    const view = testView();
    const withPooler = (change: Partial<typeof view.spec.pooler>) => ({
      ...view,
      spec: { ...view.spec, pooler: { ...view.spec.pooler, ...change } },
    });
    expect(planPoolerPause(view)).toEqual({ pause: true });
    expect(planPoolerPause(withPooler({ enabled: false }))).toEqual({ pause: false });
    expect(planPoolerPause(withPooler({ mode: 'session' }))).toMatchObject({ pause: false });
    expect(planPoolerPause(withPooler({ mode: 'session' })).words).toContain('they are cut');
    expect(planPoolerPause(testView({ pooler: silence })).words).toContain('does not answer');
  });
});

describe('planFailover', () => {
  test('needs no leader when a synchronous standby is there', () => {
    expect(planFailover(testView(leaderless), {})).toEqual({ leader: undefined, candidate: 'pg2', risk: undefined });
  });

  test('a member that may be behind must be wanted expressly', () => {
    const changes = { ...leaderless, keys: said(dcsKeys({ leader: undefined, 'members/pg3': '{}' })) };
    const error = refusal(() => planFailover(testView(changes), { to: 'pg3' }));
    expect(error.code).toBe('HF_FAILOVER_MAY_LOSE_DATA');
    expect(error.message).toContain('what it wrote last is not known');
    expect(planFailover(testView(changes), { to: 'pg3', allowDataLoss: true }).candidate).toBe('pg3');
  });

  test('in quorum mode being listed proves nothing', () => {
    const changes = {
      ...leaderless,
      keys: said(dcsKeys({ leader: undefined, config: '{"synchronous_mode":"quorum"}' })),
    };
    expect(refusal(() => planFailover(testView(changes, 'quorum'), {})).code).toBe('HF_FAILOVER_MAY_LOSE_DATA');
  });

  test('asynchronous, and level with a living primary: nothing is at risk', () => {
    const changes = {
      keys: said(dcsKeys({ config: '{}' })),
      patroni: { pg2: { state: said(patroniState('pg2', { walBytes: 6000 })) } },
    };
    expect(planFailover(testView(changes, 'off'), {})).toMatchObject({ candidate: 'pg2', risk: undefined });
    expect(refusal(() => planFailover(testView({ keys: changes.keys }, 'off'), { to: 'pg2' })).message).toContain(
      '1000 bytes behind',
    );
  });

  test('refuses the leader, the silent, and a cluster with nobody left', () => {
    expect(refusal(() => planFailover(testView(), { to: 'pg1' })).code).toBe('HF_SWITCHOVER_ALREADY_LEADER');
    const silent = testView({ patroni: { pg2: mute, pg3: mute } });
    expect(refusal(() => planFailover(silent, { to: 'pg2' })).code).toBe('HF_SWITCHOVER_CANDIDATE');
    expect(refusal(() => planFailover(silent, {})).code).toBe('HF_SWITCHOVER_NO_CANDIDATE');
  });
});

describe('the other plans', () => {
  test('a restart is done, or left out when nothing waits for it', () => {
    const pending = { patroni: { pg2: { state: said(patroniState('pg2', { pendingRestart: true })) } } };
    expect(planRestart(testView(), { member: 'pg2' })).toBe('replica');
    expect(planRestart(testView(), { member: 'pg2', pendingOnly: true })).toBe('nothing');
    expect(planRestart(testView(pending), { member: 'pg2', pendingOnly: true })).toBe('replica');
    const silent = testView({ patroni: { pg2: mute } });
    expect(refusal(() => planRestart(silent, { member: 'pg2' })).code).toBe('HF_CLUSTER_MEMBER_UNREACHABLE');
  });

  test('the primary steps down before its restart, unless told otherwise or alone', () => {
    expect(planRestart(testView(), { member: 'pg1' })).toBe('step down');
    expect(planRestart(testView(), { member: 'pg1', inPlace: true })).toBe('in place');
    expect(planRestart(testView(), { member: 'pg1', pendingOnly: true })).toBe('nothing');
    const spec = testSpec('on', 1);
    expect(planRestart(buildView(spec, observation(spec)), { member: 'pg1' })).toBe('in place');
  });

  test('a rolling restart takes replicas, then synchronous standbys, and the primary last', () => {
    expect(planRollingRestart(testView(), {})).toEqual(['pg3', 'pg2', 'pg1']);
    const pending = { state: said(patroniState('pg2', { pendingRestart: true })) };
    expect(planRollingRestart(testView({ patroni: { pg2: pending } }), { pendingOnly: true })).toEqual(['pg2']);
    expect(planRollingRestart(testView(), { pendingOnly: true })).toEqual([]);
    expect(refusal(() => planRollingRestart(testView(leaderless), {})).code).toBe('HF_CLUSTER_NO_LEADER');
    const silent = testView({ patroni: { pg3: mute } });
    expect(refusal(() => planRollingRestart(silent, {})).code).toBe('HF_CLUSTER_MEMBER_UNREACHABLE');
  });

  test("a reinitialisation never takes the leader's data, nor anybody's without a leader", () => {
    expect(() => checkReinit(testView(), 'pg3')).not.toThrow();
    expect(refusal(() => checkReinit(testView(), 'pg1')).code).toBe('HF_REINIT_LEADER');
    expect(refusal(() => checkReinit(testView(leaderless), 'pg2')).code).toBe('HF_CLUSTER_NO_LEADER');
    expect(refusal(() => checkReinit(testView(), 'pg9')).code).toBe('HF_CLUSTER_UNKNOWN_MEMBER');
  });

  test('a pause is asked of the leader, or of anybody who answers', () => {
    expect(planPause(testView(), true)).toEqual({ change: true, through: 'pg1' });
    expect(planPause(testView({ keys: paused }), true).change).toBe(false);
    expect(spokesman(testView({ patroni: { pg1: mute } }))).toBe('pg2');
    const dead = testView({ patroni: { pg1: mute, pg2: mute, pg3: mute } });
    expect(refusal(() => planPause(dead, true)).code).toBe('HF_CLUSTER_UNREACHABLE');
  });

  test('a name is only guessed when one is near', () => {
    const suggestion = (name: string) => refusal(() => findMember(testView(), name)).suggestion;
    expect(suggestion('member3')).toBe('Did you mean pg3?');
    expect(suggestion('primary')).toBe('Name one of pg1, pg2, pg3.');
  });
});
