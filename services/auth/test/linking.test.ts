import { describe, expect, test } from 'vitest';
import { ApiError, OAuthError } from '../src/errors.js';
import { judgeLinking, type LinkingEvidence } from '../src/external/judge-linking.js';
import { codeRedirect, errorParameters, errorRedirect, tokenRedirect } from '../src/external/redirect-answer.js';
import { emailAfterUnlinking } from '../src/identities/unlink-identity.js';

const nothing: LinkingEvidence = { owner: undefined, identities: [], users: [], primaryTaken: false };
const person = (email: string, verified: boolean) => ({
  emails: email === '' ? [] : [{ email, verified, primary: true }],
  claims: { sub: '1' },
});

describe('who somebody is that a provider names', () => {
  test('an identity that is known, whatever else there is', () => {
    const evidence = { ...nothing, owner: 'u1', users: ['u2'] };
    expect(judgeLinking('google', person('a@example.com', true), evidence)).toEqual({ kind: 'exists', userId: 'u1' });
  });

  test('a verified address links, an unverified one never does', () => {
    const evidence = { ...nothing, users: ['u1'], primaryTaken: true };
    expect(judgeLinking('google', person('A@Example.com', true), evidence)).toEqual({ kind: 'link', userId: 'u1' });
    expect(judgeLinking('google', person('A@Example.com', false), evidence)).toEqual({ kind: 'create', email: '' });
    expect(judgeLinking('google', person('A@Example.com', false), nothing)).toEqual({
      kind: 'create',
      email: 'a@example.com',
    });
    expect(judgeLinking('web3', person('', false), nothing)).toEqual({ kind: 'create', email: '' });
  });

  test('identities of several users, or none of this domain', () => {
    const identities = [
      { userId: 'u1', provider: 'google' },
      { userId: 'u2', provider: 'github' },
    ];
    expect(judgeLinking('gitlab', person('a@example.com', true), { ...nothing, identities })).toEqual({
      kind: 'ambiguous',
    });
    const sso = [{ userId: 'u3', provider: 'sso:one' }];
    expect(judgeLinking('google', person('a@example.com', true), { ...nothing, identities: sso })).toEqual({
      kind: 'create',
      email: 'a@example.com',
    });
    expect(
      judgeLinking('sso:two', person('a@example.com', true), { ...nothing, identities: sso, users: ['u1'] }),
    ).toEqual({
      kind: 'create',
      email: 'a@example.com',
    });
    expect(judgeLinking('sso:one', person('a@example.com', true), { ...nothing, identities: sso })).toEqual({
      kind: 'link',
      userId: 'u3',
    });
  });
});

test('the address after an identity went', () => {
  const identity = (email: string | null, verified: boolean) => ({
    id: 'i',
    provider_id: 'p',
    user_id: 'u',
    identity_data: { email_verified: verified },
    provider: 'acme',
    last_sign_in_at: null,
    created_at: null,
    updated_at: null,
    email,
  });
  expect(emailAfterUnlinking('a@x.org', [identity('A@x.org', false)], false)).toBe('a@x.org');
  expect(emailAfterUnlinking('a@x.org', [identity('b@x.org', false), identity('c@x.org', true)], false)).toBe(
    'c@x.org',
  );
  expect(emailAfterUnlinking('a@x.org', [identity('b@x.org', false)], false)).toBeNull();
  expect(emailAfterUnlinking('a@x.org', [identity('b@x.org', false)], true)).toBe('b@x.org');
  expect(emailAfterUnlinking(null, [identity(null, true)], true)).toBeNull();
});

describe('redirects', () => {
  test('errors are told in the words of OAuth, and what is inside stays inside', () => {
    const banned = new ApiError({ status: 403, code: 'user_banned', message: 'User is banned' });
    expect(errorParameters(banned)).toMatchObject({ error: 'access_denied', error_code: 'user_banned' });
    const refused = new ApiError({ status: 422, code: 'signup_disabled', message: 'no' });
    expect(errorParameters(refused).error).toBe('access_denied');
    expect(errorParameters(new OAuthError('login_required', 'please'))).toEqual({
      error: 'login_required',
      error_description: 'please',
    });
    expect(JSON.stringify(errorParameters(new Error('password=hunter2')))).not.toContain('hunter2');
  });

  test('keep what the target holds', () => {
    const failed = errorRedirect('https://app.example/x?a=1', new OAuthError('denied', 'a & b'), { fragment: true });
    const url = new URL(failed);
    expect(url.searchParams.get('a')).toBe('1');
    expect(url.searchParams.get('error_description')).toBe('a & b');
    expect(new URLSearchParams(url.hash.slice(1)).get('error_description')).toBe('a & b');
    expect(codeRedirect('com.app://cb?x=1', 'c')).toBe('com.app://cb?x=1&code=c');
    expect(tokenRedirect('https://app.example/#old', { access_token: 'a b' })).toBe(
      'https://app.example/#access_token=a+b&sb=',
    );
  });
});
