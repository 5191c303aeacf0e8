import { describe, expect, test } from 'vitest';
import { judgeSession } from '../src/sessions/judge-session.js';
import { sessionTag } from '../src/sessions/session-tag.js';
import type { Session } from '../src/store/sessions.js';

const begun = Date.parse('2026-01-01T00:00:00Z');
const session: Session = {
  id: 'a',
  user_id: 'b',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
  factor_id: null,
  aal: 'aal1',
  not_after: null,
  refreshed_at: null,
  user_agent: null,
  ip: null,
  tag: null,
  oauth_client_id: null,
  refresh_token_hmac_key: null,
  refresh_token_counter: null,
  scopes: null,
};
const after = (seconds: number) => new Date(begun + seconds * 1000);
const never = { timeboxSeconds: 0, inactivitySeconds: 0 };

describe('a session', () => {
  test('never ends by itself without rules', () => {
    expect(judgeSession(session, null, never, after(1e9))).toBe('valid');
  });

  test('ends when it was said to', () => {
    const until = { ...session, not_after: '2026-01-01T01:00:00Z' };
    expect(judgeSession(until, null, never, after(3600))).toBe('valid');
    expect(judgeSession(until, null, never, after(3601))).toBe('over');
  });

  test('ends after its time, however often it is refreshed', () => {
    const rules = { ...never, timeboxSeconds: 100 };
    const busy = { ...session, refreshed_at: '2026-01-01T00:01:39Z' };
    expect(judgeSession(busy, null, rules, after(100))).toBe('valid');
    expect(judgeSession(busy, null, rules, after(101))).toBe('over');
  });

  test.each([
    ['since it began', null, null, 100],
    ['since its token was made', null, '2026-01-01T00:00:50Z', 150],
    ['since it was refreshed', '2026-01-01T00:01:00Z', '2026-01-01T00:05:00Z', 160],
  ])('ends when nothing happened %s', (_, refreshed_at, tokenTime, seconds) => {
    const rules = { ...never, inactivitySeconds: 100 };
    expect(judgeSession({ ...session, refreshed_at }, tokenTime, rules, after(seconds))).toBe('valid');
    expect(judgeSession({ ...session, refreshed_at }, tokenTime, rules, after(seconds + 1))).toBe('inactive');
  });

  test.each([
    [null, [], ''],
    ['web', [], ''],
    [null, ['web', 'app'], 'web'],
    ['app', ['web', 'app'], 'app'],
    ['other', ['web', 'app'], 'web'],
  ])('with the tag %j of %j counts as %j', (tag, known, expected) => {
    expect(sessionTag(tag, known)).toBe(expected);
  });
});
