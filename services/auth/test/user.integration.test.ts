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

const password = 'correct horse';

describe.skipIf(postgresBin === undefined)('one’s own user', () => {
  let database: TestDatabase;
  let open: TestAuth;
  let strict: TestAuth;

  beforeAll(async () => {
    database = await startDatabase();
    open = await startAuth(database, { signup: { phone: true } });
    strict = await startAuth(database, {
      email: { autoconfirm: false },
      phone: { autoconfirm: false, testOtps: { '15550002222': '654321' } },
      signup: { phone: true },
    });
  });
  afterAll(async () => {
    await open?.[Symbol.asyncDispose]();
    await strict?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  async function person(service: TestAuth = open) {
    const email = freshEmail();
    const client = service.client();
    await client.signUp({ email, password });
    const [mail] = await service.mails(email);
    if (mail !== undefined) await client.verifyOtp({ email, token: mail.otp, type: 'signup' });
    const { data } = await client.getSession();
    return { email, client, token: data.session?.access_token ?? '' };
  }

  test('is what was signed up', async () => {
    const { client, email } = await person();
    const { data, error } = await client.getUser();
    expect(error).toBeNull();
    expect(data.user).toMatchObject({ email, role: 'authenticated' });
    expect(data.user?.last_sign_in_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    expect(JSON.stringify(data.user)).not.toMatch(/password|token/);
  });

  test('keeps and loses metadata by key', async () => {
    const { client } = await person();
    await client.updateUser({ data: { a: 1, b: { c: 2 } } });
    const { data } = await client.updateUser({ data: { b: { d: 3 }, e: 4, a: null } });
    expect(data.user?.user_metadata).toMatchObject({ b: { d: 3 }, e: 4 });
    expect(data.user?.user_metadata).not.toHaveProperty('a');
  });

  test('cannot make itself an administrator', async () => {
    const { token } = await person();
    const answer = await open.call('PUT', '/user', { token, body: { app_metadata: { role: 'service_role' } } });
    expect([answer.status, answer.body.error_code]).toEqual([403, 'not_admin']);
    const role = await open.call('PUT', '/user', { token, body: { role: 'service_role' } });
    expect(role.body.role).toBe('authenticated');
  });

  test('gets a new password, and other sessions end', async () => {
    const { client, email, token } = await person();
    const other = open.client();
    await other.signInWithPassword({ email, password });
    const same = await client.updateUser({ password });
    expect(same.error).toMatchObject({ status: 422, code: 'same_password' });
    const weak = await client.updateUser({ password: 'abc' });
    expect(weak.error).toMatchObject({ status: 422, code: 'weak_password' });
    expect((await client.updateUser({ password: 'another horse' })).error).toBeNull();
    expect((await open.call('GET', '/user', { token })).status).toBe(200);
    expect((await other.getUser()).error?.name).toBe('AuthSessionMissingError');
    expect((await open.client().signInWithPassword({ email, password: 'another horse' })).error).toBeNull();
  });

  test('gets a new password only with a code, when signed in for long', async () => {
    await using careful = await startAuth(database, {
      password: { requireReauthentication: true },
      jwt: { expirySeconds: 1_000_000 },
    });
    const { client, email } = await person(careful);
    careful.advance(25 * 3600);
    const needed = await client.updateUser({ password: 'another horse' });
    expect(needed.error).toMatchObject({ status: 400, code: 'reauthentication_needed' });
    const wrong = await client.updateUser({ password: 'another horse', nonce: '000000x' });
    expect(wrong.error).toMatchObject({ status: 422, code: 'reauthentication_not_valid' });
    expect((await client.reauthenticate()).error).toBeNull();
    const [mail] = await careful.mails(email);
    expect(mail?.subject).toBe('Confirm reauthentication');
    expect((await client.updateUser({ password: 'another horse', nonce: mail?.otp ?? '' })).error).toBeNull();
    const again = await client.updateUser({ password: 'a third horse', nonce: mail?.otp ?? '' });
    expect(again.error?.code).toBe('reauthentication_not_valid');
  });

  test('gets a new password only with the old one, where that is asked for', async () => {
    await using careful = await startAuth(database, { password: { requireCurrentPassword: true } });
    const { token } = await person(careful);
    const put = async (body: unknown) => (await careful.call('PUT', '/user', { token, body })).body.error_code;
    expect(await put({ password: 'another horse' })).toBe('current_password_required');
    expect(await put({ password: 'another horse', current_password: 'wrong' })).toBe('current_password_invalid');
    expect(await put({ password: 'another horse', current_password: password })).toBeUndefined();
  });

  test('changes its address when both addresses agree', async () => {
    const { client, email } = await person(strict);
    const next = freshEmail();
    const { data, error } = await client.updateUser({ email: next });
    expect(error).toBeNull();
    expect(data.user).toMatchObject({ email, new_email: next });
    const [toNew] = await strict.mails(next);
    const [toOld] = await strict.mails(email);
    const first = await strict.call('POST', '/verify', {
      body: { type: 'email_change', email: next, token: toNew?.otp },
    });
    expect(first.body).toEqual({
      code: '200',
      msg: 'Confirmation link accepted. Please proceed to confirm link sent to the other email',
    });
    expect((await client.getUser()).data.user?.email).toBe(email);
    const reused = await strict.call('POST', '/verify', {
      body: { type: 'email_change', email: next, token: toNew?.otp },
    });
    expect(reused.body.error_code).toBe('otp_expired');
    const { data: verified } = await strict
      .client()
      .verifyOtp({ email, token: toOld?.otp ?? '', type: 'email_change' });
    expect(verified.user).toMatchObject({
      email: next,
      identities: [{ identity_data: { email: next, email_verified: true } }],
    });
    expect(verified.user?.new_email).toBeUndefined();
  });

  test('changes its address by links as well, which say what is left to do', async () => {
    const { client, email } = await person(strict);
    const next = freshEmail();
    await client.updateUser({ email: next });
    const visit = async (address: string) => {
      const [mail] = await strict.mails(address);
      const { pathname, search } = new URL(mail?.link ?? '');
      return (await strict.call('GET', `${pathname.replace('/auth/v1', '')}${search}`)).headers.get('location') ?? '';
    };
    expect(new URLSearchParams((await visit(email)).split('#')[1]).get('message')).toContain(
      'proceed to confirm link sent to the other email',
    );
    expect(await visit(next)).toContain('#access_token=');
    expect((await client.getUser()).data.user?.email).toBe(next);
  });

  test('changes its address by one link where two are not asked for', async () => {
    await using single = await startAuth(database, { email: { autoconfirm: false, doubleConfirmChanges: false } });
    const { client, email } = await person(single);
    const before = (await single.mails(email)).length;
    const next = freshEmail();
    await client.updateUser({ email: next });
    expect(await single.mails(email)).toHaveLength(before);
    const [mail] = await single.mails(next);
    const { data } = await single.client().verifyOtp({ email: next, token: mail?.otp ?? '', type: 'email_change' });
    expect(data.user?.email).toBe(next);
  });

  test('does not get an address or a number of somebody else', async () => {
    const { client } = await person();
    const { email: taken } = await person();
    expect((await client.updateUser({ email: taken })).error).toMatchObject({ status: 422, code: 'email_exists' });
    const phone = freshPhone();
    await open.client().signUp({ phone, password });
    expect((await client.updateUser({ phone })).error).toMatchObject({ status: 422, code: 'phone_exists' });
  });

  test('does not get an address that was taken while it was asked to confirm it', async () => {
    const { client } = await person(strict);
    const next = freshEmail();
    await client.updateUser({ email: next });
    const [mail] = await strict.mails(next);
    await database.sql('UPDATE auth.users SET email_change_confirm_status = 1 WHERE email_change = $1', next);
    await open.client().signUp({ email: next, password });
    const { error } = await strict.client().verifyOtp({ email: next, token: mail?.otp ?? '', type: 'email_change' });
    expect(error).toMatchObject({ status: 422, code: 'email_exists' });
  });

  test('gets a number at once where numbers are confirmed by themselves', async () => {
    const { client } = await person();
    const phone = freshPhone();
    const { data, error } = await client.updateUser({ phone });
    expect(error).toBeNull();
    expect(data.user).toMatchObject({ phone, app_metadata: { providers: ['email', 'phone'] } });
  });

  test('gets a number by its code', async () => {
    const { client } = await person(strict);
    const { data } = await client.updateUser({ phone: '+15550002222' });
    expect(data.user).toMatchObject({ new_phone: '15550002222', phone: '' });
    const { data: verified, error } = await client.verifyOtp({
      phone: '15550002222',
      token: '654321',
      type: 'phone_change',
    });
    expect(error).toBeNull();
    expect(verified.user).toMatchObject({ phone: '15550002222' });
    expect(verified.user?.identities?.map(({ provider }) => provider)).toEqual(['email', 'phone']);
  });

  test('cannot confirm that it is itself without an address', async () => {
    await using service = await startAuth(database, { signup: { anonymous: true } });
    const client = service.client();
    await client.signInAnonymously();
    expect((await client.reauthenticate()).error).toMatchObject({ status: 422, code: 'validation_failed' });
  });

  test.each([
    { email: 'no address' },
    { phone: 'call me' },
    { password: 'x'.repeat(80) },
    { data: { 'a\u0000b': 1 } },
    { data: { a: '\ud800' } },
    { data: 'text' },
    { email: `${'a'.repeat(70)}@example.com` },
  ])('is not changed by %j', async (body) => {
    const { token } = await person();
    const answer = await open.call('PUT', '/user', { token, body });
    expect(answer.status).toBeLessThan(500);
    expect(answer.status).toBeGreaterThanOrEqual(400);
  });
});
