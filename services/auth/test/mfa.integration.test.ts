import type { GoTrueClient } from '@supabase/auth-js';
import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  freshEmail,
  freshPhone,
  postgresBin,
  startAuth,
  startDatabase,
  type TestAuth,
  type TestDatabase,
} from './harness.js';
import { SoftwareAuthenticator } from './software-authenticator.js';

const password = 'correct horse';

function codeOf(secret: string, at = Date.now()): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: at });
}

async function signedUp(auth: TestAuth) {
  const client = auth.client();
  const email = freshEmail();
  const { data, error } = await client.signUp({ email, password });
  expect(error).toBeNull();
  const { session, user } = data;
  if (session === null || user === null) throw new Error('no session');
  return { client, email, token: session.access_token, refresh: session.refresh_token, userId: user.id };
}

async function tokenOf(client: GoTrueClient): Promise<string> {
  const { data } = await client.getSession();
  return data.session?.access_token ?? '';
}

async function enroll(client: GoTrueClient, friendlyName?: string) {
  const { data, error } = await client.mfa.enroll({ factorType: 'totp', ...(friendlyName ? { friendlyName } : {}) });
  expect(error).toBeNull();
  if (data === null) throw new Error('not enrolled');
  return data;
}

/** A user whose session is at aal2. */
async function withTotp(auth: TestAuth) {
  const person = await signedUp(auth);
  const factor = await enroll(person.client, 'phone app');
  const { error } = await person.client.mfa.challengeAndVerify({
    factorId: factor.id,
    code: codeOf(factor.totp.secret),
  });
  expect(error).toBeNull();
  return { ...person, factor };
}

describe.skipIf(postgresBin === undefined)('second factors', () => {
  let database: TestDatabase;
  let auth: TestAuth;

  beforeAll(async () => {
    database = await startDatabase();
    auth = await startAuth(database, {
      signup: { anonymous: true },
      mfa: {
        maxEnrolledFactors: 3,
        phone: { enroll: true, verify: true, maxFrequencySeconds: 0 },
        webauthn: { enroll: true, verify: true },
      },
    });
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  test('TOTP: enroll, challenge, verify; the session goes on at aal2', async () => {
    const { client, userId, refresh } = await signedUp(auth);
    const factor = await enroll(client, 'phone app');
    expect(factor.totp.qr_code).toMatch(/^data:image\/svg\+xml;utf-8,<svg/);
    expect(factor.totp.uri).toContain(`secret=${factor.totp.secret}`);
    expect(factor.totp.uri).toMatch(/^otpauth:\/\/totp\//);
    expect((await client.mfa.listFactors()).data?.totp).toHaveLength(0);

    const challenge = await client.mfa.challenge({ factorId: factor.id });
    expect(challenge.data).toMatchObject({ type: 'totp', expires_at: expect.any(Number) });
    const before = await client.mfa.getAuthenticatorAssuranceLevel();
    expect(before.data).toMatchObject({ currentLevel: 'aal1', nextLevel: 'aal1' });

    const { data, error } = await client.mfa.verify({
      factorId: factor.id,
      challengeId: challenge.data?.id ?? '',
      code: codeOf(factor.totp.secret),
    });
    expect(error).toBeNull();
    expect(data?.access_token).toBeTypeOf('string');
    expect(data?.refresh_token).not.toBe(refresh);
    const after = await client.mfa.getAuthenticatorAssuranceLevel();
    expect(after.data).toMatchObject({ currentLevel: 'aal2', nextLevel: 'aal2' });
    expect(
      after.data?.currentAuthenticationMethods.map((entry) => (typeof entry === 'string' ? entry : entry.method)),
    ).toEqual(expect.arrayContaining(['totp', 'password']));
    expect((await client.mfa.listFactors()).data?.totp).toMatchObject([{ id: factor.id, status: 'verified' }]);
    const [session] = await database.sql('SELECT aal::text, factor_id FROM auth.sessions WHERE user_id = $1', userId);
    expect(session).toEqual({ aal: 'aal2', factor_id: factor.id });

    const renewed = await client.refreshSession();
    expect(renewed.error).toBeNull();
    const still = await client.mfa.getAuthenticatorAssuranceLevel();
    expect(still.data?.currentLevel).toBe('aal2');
  });

  test('a wrong code, a code of another time, and an empty one are refused', async () => {
    const { client } = await signedUp(auth);
    const factor = await enroll(client);
    const right = codeOf(factor.totp.secret);
    const wrong = right === '000000' ? '111111' : '000000';
    for (const code of [wrong, codeOf(factor.totp.secret, Date.now() - 300_000), 'abcdef']) {
      const { error } = await client.mfa.challengeAndVerify({ factorId: factor.id, code });
      expect(error).toMatchObject({ code: 'mfa_verification_failed', status: 422 });
    }
    const { error } = await client.mfa.challengeAndVerify({ factorId: factor.id, code: '' });
    expect(error).toMatchObject({ code: 'validation_failed', status: 400 });
  });

  test('an answer counts once, for its own challenge, within its time', async () => {
    const { client, token } = await signedUp(auth);
    const factor = await enroll(client);
    const verify = async (challengeId: string, headers = {}) =>
      await auth.call('POST', `/factors/${factor.id}/verify`, {
        token,
        headers,
        body: { challenge_id: challengeId, code: codeOf(factor.totp.secret) },
      });
    const challenge = async () =>
      (await auth.call('POST', `/factors/${factor.id}/challenge`, { token, body: {} })).body.id as string;
    const id = await challenge();
    expect((await verify(id, { 'x-forwarded-for': '203.0.113.9' })).body.error_code).toBe('mfa_ip_address_mismatch');
    expect((await verify('00000000-0000-4000-8000-000000000000')).body.error_code).toBe('mfa_factor_not_found');
    expect((await verify('no uuid')).body.error_code).toBe('mfa_factor_not_found');
    const answers = await Promise.all([verify(id), verify(id)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
    expect((await verify(id)).body.error_code).toBe('mfa_ip_address_mismatch');
  });

  test('a challenge expires', async () => {
    const late = await startAuth(database);
    try {
      const { token, client } = await signedUp(late);
      const factor = await enroll(client);
      const { body } = await late.call('POST', `/factors/${factor.id}/challenge`, { token, body: {} });
      late.advance(301);
      const answer = await late.call('POST', `/factors/${factor.id}/verify`, {
        token,
        body: { challenge_id: body.id, code: codeOf(factor.totp.secret, Date.now() + 301_000) },
      });
      expect(answer).toMatchObject({ status: 422, body: { error_code: 'mfa_challenge_expired' } });
    } finally {
      await late[Symbol.asyncDispose]();
    }
  });

  test('sessions without the factor end once it is proved', async () => {
    const { client, email } = await signedUp(auth);
    const other = auth.client();
    await other.signInWithPassword({ email, password });
    const factor = await enroll(client);
    await client.mfa.challengeAndVerify({ factorId: factor.id, code: codeOf(factor.totp.secret) });
    expect((await other.getUser()).error).toMatchObject({ name: 'AuthSessionMissingError' });
    expect((await client.getUser()).error).toBeNull();
  });

  test('with a verified factor, only aal2 adds or removes factors', async () => {
    const { email, factor, client } = await withTotp(auth);
    const weak = auth.client();
    await weak.signInWithPassword({ email, password });
    expect((await weak.mfa.enroll({ factorType: 'totp', friendlyName: 'mine' })).error).toMatchObject({
      code: 'insufficient_aal',
      status: 403,
    });
    expect((await weak.mfa.unenroll({ factorId: factor.id })).error).toMatchObject({
      code: 'insufficient_aal',
      status: 422,
    });
    expect((await client.mfa.enroll({ factorType: 'totp', friendlyName: 'spare' })).error).toBeNull();
    const { data, error } = await client.mfa.unenroll({ factorId: factor.id });
    expect(error).toBeNull();
    expect(data).toEqual({ id: factor.id });
    await client.refreshSession();
    const { data: level } = await client.mfa.getAuthenticatorAssuranceLevel();
    expect(level?.currentLevel).toBe('aal1');
  });

  test('names do not occur twice, and there is a limit', async () => {
    const { client } = await signedUp(auth);
    await enroll(client, 'first');
    expect((await client.mfa.enroll({ factorType: 'totp', friendlyName: 'first' })).error).toMatchObject({
      code: 'mfa_factor_name_conflict',
      status: 422,
    });
    await enroll(client, 'second');
    await enroll(client, 'third');
    expect((await client.mfa.enroll({ factorType: 'totp', friendlyName: 'fourth' })).error).toMatchObject({
      code: 'too_many_enrolled_mfa_factors',
      status: 422,
    });
  });

  test('five requests at once do not get past the limit', async () => {
    const { token } = await signedUp(auth);
    const answers = await Promise.all(
      Array.from({ length: 5 }, async (_, index) => {
        const body = { factor_type: 'totp', friendly_name: index < 2 ? 'same' : `name ${index}` };
        return await auth.call('POST', '/factors', { token, body });
      }),
    );
    const codes = answers.map(({ status, body }) => (status === 200 ? 'made' : body.error_code));
    expect(codes.filter((code) => code === 'made')).toHaveLength(3);
    expect(codes).toContain('mfa_factor_name_conflict');
  });

  test('with counted refresh tokens too, the token from before does not lead to aal2', async () => {
    const counted = await startAuth(database, { sessions: { refreshTokenVersion: 2, refreshReuseIntervalSeconds: 0 } });
    try {
      const { client, refresh } = await signedUp(counted);
      const factor = await enroll(client);
      const code = codeOf(factor.totp.secret);
      expect((await client.mfa.challengeAndVerify({ factorId: factor.id, code })).error).toBeNull();
      expect((await client.refreshSession()).error).toBeNull();
      expect((await client.mfa.getAuthenticatorAssuranceLevel()).data?.currentLevel).toBe('aal2');
      const old = await counted.call('POST', '/token?grant_type=refresh_token', { body: { refresh_token: refresh } });
      expect(old).toMatchObject({ status: 400, body: { error_code: 'refresh_token_already_used' } });
    } finally {
      await counted[Symbol.asyncDispose]();
    }
  });

  test('what was done is in the audit log, without secrets', async () => {
    const { userId, factor } = await withTotp(auth);
    const rows = await database.sql<{ action: string; payload: unknown }>(
      `SELECT payload ->> 'action' AS action, payload FROM auth.audit_log_entries
       WHERE payload ->> 'actor_id' = $1 ORDER BY created_at`,
      userId,
    );
    expect(rows.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['factor_in_progress', 'challenge_created', 'verification_attempted']),
    );
    expect(JSON.stringify(rows)).not.toContain(factor.totp.secret);
  });

  test('nobody touches factors of others, and anonymous users have none', async () => {
    const { factor } = await withTotp(auth);
    const stranger = await signedUp(auth);
    const { id } = factor;
    for (const [method, path] of [
      ['POST', `/factors/${id}/challenge`],
      ['POST', `/factors/${id}/verify`],
      ['DELETE', `/factors/${id}`],
    ] as const) {
      const answer = await auth.call(method, path, { token: stranger.token, body: { code: '123456' } });
      expect(answer).toMatchObject({ status: 404, body: { error_code: 'mfa_factor_not_found' } });
      expect((await auth.call(method, path, { body: {} })).status).toBe(401);
    }
    const anonymous = auth.client();
    await anonymous.signInAnonymously();
    expect((await anonymous.mfa.enroll({ factorType: 'totp' })).error).toMatchObject({ status: 403 });
  });

  test('unknown kinds, and kinds that are off', async () => {
    const { token } = await signedUp(auth);
    const unknown = await auth.call('POST', '/factors', { token, body: { factor_type: 'smell' } });
    expect(unknown).toMatchObject({ status: 400, body: { error_code: 'validation_failed' } });
    const plain = await startAuth(database, { mfa: { totp: { enroll: false } } });
    try {
      const person = await signedUp(plain);
      for (const [type, code] of [
        ['totp', 'mfa_totp_enroll_not_enabled'],
        ['phone', 'mfa_phone_enroll_not_enabled'],
        ['webauthn', 'mfa_webauthn_enroll_not_enabled'],
      ]) {
        const answer = await plain.call('POST', '/factors', { token: person.token, body: { factor_type: type } });
        expect(answer).toMatchObject({ status: 422, body: { error_code: code } });
      }
    } finally {
      await plain[Symbol.asyncDispose]();
    }
  });

  test('phone: a code by SMS proves the factor', async () => {
    const { client, userId, token } = await signedUp(auth);
    const phone = freshPhone();
    const { data, error } = await client.mfa.enroll({
      factorType: 'phone',
      phone: `+${phone}`,
      friendlyName: 'my phone',
    });
    expect(error).toBeNull();
    expect(data).toMatchObject({ type: 'phone', phone: `+${phone}` });
    const factorId = data?.id ?? '';
    const challenge = await client.mfa.challenge({ factorId, channel: 'sms' });
    expect(challenge.error).toBeNull();
    const [row] = await database.sql<{ otp_code: string }>(
      'SELECT otp_code FROM auth.mfa_challenges WHERE id = $1',
      challenge.data?.id,
    );
    expect(row?.otp_code).toMatch(/^\d{6}$/);
    const bad = await auth.call('POST', `/factors/${factorId}/challenge`, { token, body: { channel: 'pigeon' } });
    expect(bad.body.error_code).toBe('validation_failed');
    const wrong = await client.mfa.verify({ factorId, challengeId: challenge.data?.id ?? '', code: '0' });
    expect(wrong.error).toMatchObject({ code: 'mfa_verification_failed' });
    const right = await client.mfa.verify({
      factorId,
      challengeId: challenge.data?.id ?? '',
      code: row?.otp_code ?? '',
    });
    expect(right.error).toBeNull();
    const again = await client.mfa.enroll({ factorType: 'phone', phone: `+${phone}`, friendlyName: 'again' });
    expect(again.error).toMatchObject({ code: 'mfa_verified_factor_exists' });
    const [{ method } = {}] = await database.sql(
      `SELECT c.authentication_method AS method FROM auth.mfa_amr_claims c JOIN auth.sessions s ON s.id = c.session_id
       WHERE s.user_id = $1 AND c.authentication_method LIKE 'mfa/%'`,
      userId,
    );
    expect(method).toBe('mfa/phone');
    const noNumber = await auth.call('POST', '/factors', {
      token: await tokenOf(client),
      body: { factor_type: 'phone', phone: 'call me' },
    });
    expect(noNumber.body.error_code).toBe('validation_failed');
  });

  test('WebAuthn: a credential is registered once, then asked for', async () => {
    const { client, email, token } = await signedUp(auth);
    const authenticator = new SoftwareAuthenticator();
    const enrolled = await auth.call('POST', '/factors', {
      token,
      body: { factor_type: 'webauthn', friendly_name: 'key' },
    });
    expect(enrolled).toMatchObject({ status: 200, body: { type: 'webauthn' } });
    const { id } = enrolled.body;
    const challenge = async (bearer: string) =>
      (await auth.call('POST', `/factors/${id}/challenge`, { token: bearer, body: {} })).body as {
        readonly id: string;
        readonly webauthn: { readonly type: string; readonly credential_options: { readonly publicKey: never } };
      };
    const verify = async (bearer: string, challengeId: string, type: string, response: unknown) =>
      await auth.call('POST', `/factors/${id}/verify`, {
        token: bearer,
        body: { challenge_id: challengeId, webauthn: { type, credential_response: response } },
      });
    const first = await challenge(token);
    expect(first.webauthn.type).toBe('create');
    const foreign = new SoftwareAuthenticator('https://evil.example');
    const stolen = await verify(token, first.id, 'create', foreign.create(first.webauthn.credential_options.publicKey));
    expect(stolen.body.error_code).toBe('mfa_verification_failed');
    for (const body of [
      undefined,
      { type: 'other' },
      { type: 'create' },
      { type: 'create', credential_response: {} },
    ]) {
      const answer = await auth.call('POST', `/factors/${id}/verify`, {
        token,
        body: { challenge_id: first.id, webauthn: body },
      });
      expect(answer).toMatchObject({ status: 400, body: { error_code: 'validation_failed' } });
    }
    const created = authenticator.create(first.webauthn.credential_options.publicKey);
    expect((await verify(token, first.id, 'create', created)).status).toBe(200);
    expect((await verify(token, first.id, 'create', created)).body.error_code).toBe('mfa_factor_not_found');

    const { data } = await client.signInWithPassword({ email, password });
    const bearer = data.session?.access_token ?? '';
    const second = await challenge(bearer);
    expect(second.webauthn.type).toBe('request');
    const replaced = await verify(
      bearer,
      second.id,
      'create',
      authenticator.create(first.webauthn.credential_options.publicKey),
    );
    expect(replaced.body.error_code).toBe('mfa_verification_failed');
    const answer = await verify(
      bearer,
      second.id,
      'request',
      authenticator.get(second.webauthn.credential_options.publicKey),
    );
    expect(answer.status).toBe(200);
    const [row] = await database.sql<{ web_authn_credential: { authenticator: { signCount: number }; id: string } }>(
      'SELECT web_authn_credential FROM auth.mfa_factors WHERE id = $1',
      id,
    );
    expect(row?.web_authn_credential.id).toBe(authenticator.credentialId.toString('base64'));
    expect(row?.web_authn_credential.authenticator.signCount).toBe(1);
  });

  test('administrators see, rename and remove factors', async () => {
    const { userId, factor } = await withTotp(auth);
    const admin = await auth.admin();
    const listed = await admin.admin.mfa.listFactors({ userId });
    expect(listed.data?.factors).toMatchObject([{ id: factor.id, friendly_name: 'phone app', status: 'verified' }]);
    expect(JSON.stringify(listed.data)).not.toContain(factor.totp.secret);
    const service = await auth.token('service_role');
    const renamed = await auth.call('PUT', `/admin/users/${userId}/factors/${factor.id}`, {
      token: service,
      body: { friendly_name: 'renamed' },
    });
    expect(renamed.body).toMatchObject({ id: factor.id, friendly_name: 'renamed' });
    expect((await admin.admin.mfa.deleteFactor({ userId, id: factor.id })).error).toBeNull();
    expect((await admin.admin.mfa.listFactors({ userId })).data?.factors).toEqual([]);
    const path = `/admin/users/${userId}/factors`;
    expect((await auth.call('GET', path, { token: await auth.token('anon') })).body.error_code).toBe('not_admin');
    expect((await auth.call('GET', '/admin/users/nobody/factors', { token: service })).status).toBe(404);
    expect((await auth.call('DELETE', `${path}/${factor.id}`, { token: service })).status).toBe(404);
  });

  test('a hook may refuse; then the user is signed out everywhere', async () => {
    await database.sql(`CREATE FUNCTION public.refuse_mfa(event jsonb) RETURNS jsonb LANGUAGE sql AS
      $$ SELECT CASE WHEN (event ->> 'valid')::boolean THEN '{"decision": "continue"}'::jsonb
        ELSE '{"decision": "reject", "message": "one try only"}'::jsonb END $$`);
    await database.sql('GRANT EXECUTE ON FUNCTION public.refuse_mfa TO supabase_auth_admin');
    const hooked = await startAuth(database, {
      hooks: { mfaVerificationAttempt: { uri: 'pg-functions://postgres/public/refuse_mfa' } },
    });
    try {
      const { client } = await signedUp(hooked);
      const factor = await enroll(client);
      const wrong = await client.mfa.challengeAndVerify({ factorId: factor.id, code: '000000' });
      expect(wrong.error).toMatchObject({ code: 'mfa_verification_rejected', message: 'one try only', status: 403 });
      expect((await client.getUser()).error).toMatchObject({ name: 'AuthSessionMissingError' });
      const second = await signedUp(hooked);
      const good = await enroll(second.client);
      const right = await second.client.mfa.challengeAndVerify({ factorId: good.id, code: codeOf(good.totp.secret) });
      expect(right.error).toBeNull();
    } finally {
      await hooked[Symbol.asyncDispose]();
    }
  });
});
