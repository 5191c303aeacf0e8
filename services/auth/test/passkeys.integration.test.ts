import { AuthClient } from '@supabase/auth-js';
import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';
import { SoftwareAuthenticator } from './software-authenticator.js';

const password = 'correct horse';

describe.skipIf(postgresBin === undefined)('passkeys', () => {
  let database: TestDatabase;
  let auth: TestAuth;

  beforeAll(async () => {
    database = await startDatabase();
    auth = await startAuth(database, {
      signup: { anonymous: true },
      passkeys: { enabled: true, origins: ['http://localhost:3000', 'http://localhost:5173'], maxPerUser: 2 },
    });
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  async function signedUp(service = auth) {
    const client = service.client();
    const email = freshEmail();
    const { data } = await client.signUp({ email, password });
    if (data.session === null || data.user === null) throw new Error('no session');
    return { client, email, token: data.session.access_token, userId: data.user.id };
  }

  interface Options {
    readonly challenge_id: string;
    readonly options: never;
    readonly expires_at: number;
  }

  async function registrationOptions(token: string, service = auth) {
    const { status, body } = await service.call('POST', '/passkeys/registration/options', { token, body: {} });
    expect(status).toBe(200);
    return body as unknown as Options;
  }

  async function signInOptions(service = auth) {
    const { status, body } = await service.call('POST', '/passkeys/authentication/options', { body: {} });
    expect(status).toBe(200);
    return body as unknown as Options;
  }

  async function register(token: string, authenticator: SoftwareAuthenticator, service = auth) {
    const { challenge_id, options } = await registrationOptions(token, service);
    return await service.call('POST', '/passkeys/registration/verify', {
      token,
      body: { challenge_id, credential: authenticator.create(options) },
    });
  }

  async function signIn(authenticator: SoftwareAuthenticator, service = auth) {
    const { challenge_id, options } = await signInOptions(service);
    return await service.call('POST', '/passkeys/authentication/verify', {
      body: { challenge_id, credential: authenticator.get(options) },
    });
  }

  test('register, sign in without a name, rename, list, delete', async () => {
    const { client, token, userId } = await signedUp();
    const authenticator = new SoftwareAuthenticator('http://localhost:5173');
    const { options } = await registrationOptions(token);
    expect(options).toMatchObject({
      rp: { id: 'localhost' },
      user: { id: Buffer.from(userId).toString('base64url') },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'preferred' },
    });
    const made = await register(token, authenticator);
    expect(made).toMatchObject({ status: 200, body: { friendly_name: 'Passkey', created_at: expect.any(String) } });

    const session = await signIn(authenticator);
    expect(session).toMatchObject({ status: 200, body: { token_type: 'bearer', user: { id: userId } } });
    const set = await client.setSession({
      access_token: String(session.body.access_token),
      refresh_token: String(session.body.refresh_token),
    });
    expect(set.error).toBeNull();
    const level = await client.mfa.getAuthenticatorAssuranceLevel();
    expect(level.data).toMatchObject({ currentLevel: 'aal1' });

    const { id } = made.body;
    const renamed = await auth.call('PATCH', `/passkeys/${id}`, { token, body: { friendly_name: 'laptop' } });
    expect(renamed).toMatchObject({ status: 200, body: { id, friendly_name: 'laptop' } });
    const listed = await auth.call('GET', '/passkeys', { token });
    expect(listed.body).toMatchObject([{ id, friendly_name: 'laptop', last_used_at: expect.any(String) }]);
    expect((await auth.call('DELETE', `/passkeys/${id}`, { token })).status).toBe(204);
    expect((await auth.call('DELETE', `/passkeys/${id}`, { token })).status).toBe(404);
    expect((await signIn(authenticator)).body.error_code).toBe('webauthn_verification_failed');
  });

  test('through the official client', async () => {
    const stored = new Map<string, string>();
    const client = new AuthClient({
      url: auth.url,
      autoRefreshToken: false,
      detectSessionInUrl: false,
      storage: {
        getItem: (key: string) => stored.get(key) ?? null,
        setItem: (key: string, value: string) => void stored.set(key, value),
        removeItem: (key: string) => void stored.delete(key),
      },
      experimental: { passkey: true },
    });
    const { data: signed } = await client.signUp({ email: freshEmail(), password });
    const authenticator = new SoftwareAuthenticator();
    const begun = await client.passkey.startRegistration();
    expect(begun.error).toBeNull();
    const made = await client.passkey.verifyRegistration({
      challengeId: begun.data?.challenge_id ?? '',
      credential: authenticator.create(begun.data?.options as never) as never,
    });
    expect(made.error).toBeNull();
    const listed = await client.passkey.list();
    expect(listed.data).toMatchObject([{ id: made.data?.id }]);
    await client.signOut();
    const asked = await client.passkey.startAuthentication();
    expect(asked.error).toBeNull();
    const entered = await client.passkey.verifyAuthentication({
      challengeId: asked.data?.challenge_id ?? '',
      credential: authenticator.get(asked.data?.options as never) as never,
    });
    expect(entered.error).toBeNull();
    expect(entered.data?.user?.id).toBe(signed.user?.id);
    const passkeyId = made.data?.id ?? '';
    expect((await client.passkey.update({ passkeyId, friendlyName: 'mine' })).data).toMatchObject({
      friendly_name: 'mine',
    });
    expect((await client.passkey.delete({ passkeyId })).error).toBeNull();
    expect((await client.passkey.list()).data).toEqual([]);
  });

  test('a challenge serves once, and for what it was made', async () => {
    const { token } = await signedUp();
    const authenticator = new SoftwareAuthenticator();
    const { challenge_id, options } = await registrationOptions(token);
    const body = { challenge_id, credential: authenticator.create(options) };
    const stranger = await signedUp();
    const foreign = await auth.call('POST', '/passkeys/registration/verify', { token: stranger.token, body });
    expect(foreign).toMatchObject({ status: 400, body: { error_code: 'webauthn_challenge_not_found' } });
    const crossed = await auth.call('POST', '/passkeys/authentication/verify', { body });
    expect(crossed.body.error_code).toBe('webauthn_challenge_not_found');
    expect((await auth.call('POST', '/passkeys/registration/verify', { token, body })).status).toBe(200);
    const again = await auth.call('POST', '/passkeys/registration/verify', { token, body });
    expect(again.body.error_code).toBe('webauthn_challenge_not_found');
    const signed = await signInOptions();
    const answer = { challenge_id: signed.challenge_id, credential: authenticator.get(signed.options) };
    const both = await Promise.all([
      auth.call('POST', '/passkeys/authentication/verify', { body: answer }),
      auth.call('POST', '/passkeys/authentication/verify', { body: answer }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  test('what does not prove the credential is refused', async () => {
    const { token, userId } = await signedUp();
    const authenticator = new SoftwareAuthenticator();
    await register(token, authenticator);
    const wrong = async (credential: (options: never) => unknown) => {
      const { challenge_id, options } = await signInOptions();
      return await auth.call('POST', '/passkeys/authentication/verify', {
        body: { challenge_id, credential: credential(options) },
      });
    };
    const refused = { status: 400, body: { error_code: 'webauthn_verification_failed' } };
    const tamper = (options: never, change: Record<string, unknown>) => {
      const given = authenticator.get(options);
      return { ...given, response: { ...given.response, ...change } };
    };
    expect(await wrong((options) => tamper(options, { signature: 'AAAA' }))).toMatchObject(refused);
    expect(await wrong((options) => tamper(options, { userHandle: undefined }))).toMatchObject(refused);
    expect(
      await wrong((options) => tamper(options, { userHandle: Buffer.from(`${userId}x`).toString('base64url') })),
    ).toMatchObject(refused);
    expect(await wrong(() => authenticator.get({ challenge: 'another' }))).toMatchObject(refused);
    expect(
      await wrong(({ challenge }: { challenge: string }) => authenticator.get({ challenge, rpId: 'evil.example' })),
    ).toMatchObject(refused);
    expect(await wrong(() => ({ id: 'x', response: {} }))).toMatchObject(refused);
    expect(await wrong(() => ({ id: '../..' }))).toMatchObject(refused);
    expect(await wrong(() => 'text')).toMatchObject({ status: 400, body: { error_code: 'validation_failed' } });
    expect((await signIn(authenticator)).status).toBe(200);
    authenticator.rewind();
    expect(await signIn(authenticator)).toMatchObject(refused);
    for (const body of [{}, { challenge_id: 'no uuid', credential: {} }, { challenge_id: crypto.randomUUID() }]) {
      const answer = await auth.call('POST', '/passkeys/authentication/verify', { body });
      expect(answer).toMatchObject({ status: 400, body: { error_code: 'validation_failed' } });
    }
  });

  test('a foreign origin, a foreign credential, too many', async () => {
    const { token } = await signedUp();
    const evil = await register(token, new SoftwareAuthenticator('https://evil.example'));
    expect(evil).toMatchObject({ status: 400, body: { error_code: 'webauthn_verification_failed' } });
    const authenticator = new SoftwareAuthenticator();
    expect((await register(token, authenticator)).status).toBe(200);
    const twice = await register(token, authenticator);
    expect(twice).toMatchObject({ status: 422, body: { error_code: 'webauthn_credential_exists' } });
    expect((await register(token, new SoftwareAuthenticator())).status).toBe(200);
    const third = await auth.call('POST', '/passkeys/registration/options', { token, body: {} });
    expect(third).toMatchObject({ status: 422, body: { error_code: 'too_many_passkeys' } });
  });

  test('a challenge expires', async () => {
    const late = await startAuth(database, { passkeys: { enabled: true } });
    try {
      const { token } = await signedUp(late);
      const authenticator = new SoftwareAuthenticator();
      const { challenge_id, options, expires_at } = await registrationOptions(token, late);
      expect(Math.abs(expires_at - Date.now() / 1000 - 300)).toBeLessThan(60);
      late.advance(301);
      const answer = await late.call('POST', '/passkeys/registration/verify', {
        token,
        body: { challenge_id, credential: authenticator.create(options) },
      });
      expect(answer).toMatchObject({ status: 400, body: { error_code: 'webauthn_challenge_expired' } });
    } finally {
      await late[Symbol.asyncDispose]();
    }
  });

  test('banned and unconfirmed users do not get in', async () => {
    const { token, userId } = await signedUp();
    const authenticator = new SoftwareAuthenticator();
    await register(token, authenticator);
    await database.sql(`UPDATE auth.users SET banned_until = now() + interval '1 day' WHERE id = $1`, userId);
    expect(await signIn(authenticator)).toMatchObject({ status: 403, body: { error_code: 'user_banned' } });
    await database.sql('UPDATE auth.users SET banned_until = NULL, email_confirmed_at = NULL WHERE id = $1', userId);
    expect(await signIn(authenticator)).toMatchObject({ status: 403, body: { error_code: 'email_not_confirmed' } });
  });

  test('who has a second factor needs it to manage passkeys; anonymous and SSO users have none', async () => {
    const { client, token, email, userId } = await signedUp();
    const authenticator = new SoftwareAuthenticator();
    const made = await register(token, authenticator);
    const { data: factor } = await client.mfa.enroll({ factorType: 'totp' });
    if (factor === null) throw new Error('not enrolled');
    const code = new TOTP({ secret: Secret.fromBase32(factor.totp.secret) }).generate();
    await client.mfa.challengeAndVerify({ factorId: factor.id, code });
    const { data } = await auth.client().signInWithPassword({ email, password });
    const weak = data.session?.access_token ?? '';
    for (const [method, path] of [
      ['POST', '/passkeys/registration/options'],
      ['DELETE', `/passkeys/${made.body.id}`],
    ] as const) {
      const answer = await auth.call(method, path, { token: weak, ...(method === 'POST' ? { body: {} } : {}) });
      expect(answer).toMatchObject({ status: 403, body: { error_code: 'insufficient_aal' } });
    }
    await database.sql('UPDATE auth.users SET is_sso_user = true WHERE id = $1', userId);
    const sso = await auth.call('POST', '/passkeys/registration/options', { token: weak, body: {} });
    expect(sso).toMatchObject({ status: 422, body: { error_code: 'validation_failed' } });
    const anonymous = await auth.client().signInAnonymously();
    const refused = await auth.call('GET', '/passkeys', { token: anonymous.data.session?.access_token ?? '' });
    expect(refused.status).toBe(403);
  });

  test('names are bounded, and others cannot be touched', async () => {
    const { token } = await signedUp();
    const stranger = await signedUp();
    const { body } = await register(token, new SoftwareAuthenticator());
    const rename = async (bearer: string, friendly_name: string) =>
      await auth.call('PATCH', `/passkeys/${body.id}`, { token: bearer, body: { friendly_name } });
    expect((await rename(token, '')).status).toBe(400);
    expect((await rename(token, 'x'.repeat(121))).status).toBe(400);
    expect((await rename(stranger.token, 'mine')).status).toBe(404);
    expect((await auth.call('DELETE', `/passkeys/${body.id}`, { token: stranger.token })).status).toBe(404);
    expect((await auth.call('PATCH', '/passkeys/none', { token, body: {} })).status).toBe(404);
    expect((await auth.call('GET', '/passkeys')).status).toBe(401);
  });

  test('administrators see and remove passkeys', async () => {
    const { token, userId } = await signedUp();
    const { body } = await register(token, new SoftwareAuthenticator());
    const service = await auth.token('service_role');
    const path = `/admin/users/${userId}/passkeys`;
    expect((await auth.call('GET', path, { token: service })).body).toMatchObject([{ id: body.id }]);
    expect((await auth.call('DELETE', `${path}/${body.id}`, { token })).status).toBe(403);
    expect((await auth.call('DELETE', `${path}/${body.id}`, { token: service })).status).toBe(204);
    expect((await auth.call('GET', path, { token: service })).body).toEqual([]);
  });

  test('off, there is no such endpoint', async () => {
    const off = await startAuth(database);
    try {
      const answer = await off.call('POST', '/passkeys/authentication/options', { body: {} });
      expect(answer).toMatchObject({ status: 404, body: { error_code: 'passkey_disabled' } });
    } finally {
      await off[Symbol.asyncDispose]();
    }
  });
});
