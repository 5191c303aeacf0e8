import { HoldfastError } from '@holdfast/spec';
import { describe, expect, test } from 'vitest';
import { planFailover } from '../src/operations/failover.js';
import { findMember, spokesman } from '../src/operations/find-member.js';
import { planPause } from '../src/operations/pause.js';
import { checkReinit } from '../src/operations/reinit.js';
import { planRestart } from '../src/operations/restart.js';
import { awaitsSynchronousStandby, planSwitchover } from '../src/operations/switchover.js';
import { dcsKeys, mute, patroniState, primaryState, said, testView } from './fixtures.js';

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
    expect(planRestart(testView(), { member: 'pg2' })).toBe('restart');
    expect(planRestart(testView(), { member: 'pg2', pendingOnly: true })).toBe('nothing');
    expect(planRestart(testView(pending), { member: 'pg2', pendingOnly: true })).toBe('restart');
    const silent = testView({ patroni: { pg2: mute } });
    expect(refusal(() => planRestart(silent, { member: 'pg2' })).code).toBe('HF_CLUSTER_MEMBER_UNREACHABLE');
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
