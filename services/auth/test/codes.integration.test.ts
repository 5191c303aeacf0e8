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

describe.skipIf(postgresBin === undefined)('codes and links', () => {
  let database: TestDatabase;
  /** Addresses are confirmed by themselves. */
  let open: TestAuth;
  let strict: TestAuth;

  beforeAll(async () => {
    database = await startDatabase();
    const common = {
      siteUrl: 'https://app.example.com',
      redirectAllowList: ['https://app.example.com/**', 'myapp://**'],
      signup: { phone: true },
    };
    open = await startAuth(database, common);
    strict = await startAuth(database, {
      ...common,
      email: { autoconfirm: false },
      phone: { autoconfirm: false, testOtps: { '15550001111': '123456' } },
    });
  });
  afterAll(async () => {
    await open?.[Symbol.asyncDispose]();
    await strict?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  async function person(service: TestAuth) {
    const email = freshEmail();
    const client = service.client();
    await client.signUp({ email, password });
    const [mail] = await service.mails(email);
    if (mail !== undefined) await client.verifyOtp({ email, token: mail.otp, type: 'signup' });
    return { email, client };
  }

  /** Follows a link of a mail, which names the outside address, at the service itself. */
  async function follow(service: TestAuth, link: string) {
    const { pathname, search } = new URL(link);
    const answer = await service.call('GET', `${pathname.replace('/auth/v1', '')}${search}`);
    return { status: answer.status, location: answer.headers.get('location') ?? '' };
  }

  test('a magic link signs in, once', async () => {
    const { email } = await person(open);
    const { error } = await open
      .client()
      .signInWithOtp({ email, options: { emailRedirectTo: 'https://app.example.com/welcome' } });
    expect(error).toBeNull();
    const [mail] = await open.mails(email);
    expect(mail?.subject).toBe('Your Magic Link');
    expect(mail?.link).toMatch(
      /^http:\/\/127\.0\.0\.1:8000\/auth\/v1\/verify\?token=[0-9a-f]{56}&type=magiclink&redirect_to=https%3A%2F%2Fapp\.example\.com%2Fwelcome$/,
    );
    const { pathname, search } = new URL(mail?.link ?? '');
    const checked = await open.call('HEAD', `${pathname.replace('/auth/v1', '')}${search}`);
    expect(checked.status).toBe(405);
    const followed = await follow(open, mail?.link ?? '');
    expect(followed.status).toBe(303);
    const [base, fragment] = followed.location.split('#');
    const tokens = new URLSearchParams(fragment);
    expect(base).toBe('https://app.example.com/welcome');
    expect(tokens.get('type')).toBe('magiclink');
    expect((await open.client().getUser(tokens.get('access_token') ?? '')).data.user?.email).toBe(email);
    const again = await follow(open, mail?.link ?? '');
    expect(new URLSearchParams(again.location.split('#')[1]).get('error_code')).toBe('otp_expired');
    expect(new URL(again.location).search).toBe('');
  });

  test('a link asked for by PKCE gives a code, which its verifier redeems once', async () => {
    const { email } = await person(open);
    const client = open.client({ flowType: 'pkce' });
    await client.signInWithOtp({ email });
    const [mail] = await open.mails(email);
    expect(mail?.link).toContain('token=pkce_');
    const { location } = await follow(open, mail?.link ?? '');
    const code = new URL(location).searchParams.get('code') ?? '';
    expect(location).toMatch(/^https:\/\/app\.example\.com\/?\?code=[0-9a-f-]{36}$/);
    const wrong = await open.call('POST', '/token?grant_type=pkce', {
      body: { auth_code: code, code_verifier: 'x'.repeat(56) },
    });
    expect([wrong.status, wrong.body.error_code]).toEqual([400, 'bad_code_verifier']);
    const { data, error } = await client.exchangeCodeForSession(code);
    expect(error).toBeNull();
    expect(data.user?.email).toBe(email);
    const claims = await client.getClaims();
    expect(claims.data?.claims.amr).toMatchObject([{ method: 'magiclink' }]);
    const again = await open.call('POST', '/token?grant_type=pkce', {
      body: { auth_code: code, code_verifier: 'x'.repeat(56) },
    });
    expect([again.status, again.body.error_code]).toEqual([404, 'flow_state_not_found']);
  });

  test('a code of PKCE ends with its time', async () => {
    await using service = await startAuth(database, { siteUrl: 'https://app.example.com' });
    const { email } = await person(service);
    const client = service.client({ flowType: 'pkce' });
    await client.signInWithOtp({ email });
    const [mail] = await service.mails(email);
    const { location } = await follow(service, mail?.link ?? '');
    service.advance(301);
    const { error } = await client.exchangeCodeForSession(new URL(location).searchParams.get('code') ?? '');
    expect(error).toMatchObject({ status: 422, code: 'flow_state_expired' });
  });

  test('a code in a mail signs in, by address and by hash', async () => {
    const { email } = await person(open);
    await open.client().signInWithOtp({ email });
    const [first] = await open.mails(email);
    const byCode = await open.client().verifyOtp({ email, token: first?.otp ?? '', type: 'email' });
    expect(byCode.data.user?.email).toBe(email);
    await open.client().signInWithOtp({ email });
    const [second] = await open.mails(email);
    const hash = new URL(second?.link ?? '').searchParams.get('token') ?? '';
    const byHash = await open.client().verifyOtp({ token_hash: hash, type: 'email' });
    expect(byHash.error).toBeNull();
  });

  test('what is stored is not the code', async () => {
    const { email } = await person(open);
    await open.client().signInWithOtp({ email });
    const [mail] = await open.mails(email);
    const [row] = await database.sql(
      'SELECT t.token_hash, t.token_type, t.relates_to, u.recovery_token FROM auth.one_time_tokens t JOIN auth.users u ON u.id = t.user_id WHERE u.email = $1',
      email,
    );
    const [{ hash } = {}] = await database.sql(
      "SELECT encode(sha224(convert_to($1, 'UTF8')), 'hex') AS hash",
      email + mail?.otp,
    );
    expect(row).toEqual({ token_hash: hash, token_type: 'recovery_token', relates_to: email, recovery_token: hash });
  });

  test('a code ends with its time', async () => {
    await using service = await startAuth(database, { email: { otpExpirySeconds: 600 } });
    const { email } = await person(service);
    await service.client().signInWithOtp({ email });
    const [mail] = await service.mails(email);
    service.advance(601);
    const { error } = await service.client().verifyOtp({ email, token: mail?.otp ?? '', type: 'email' });
    expect(error).toMatchObject({ status: 403, code: 'otp_expired', message: 'Token has expired or is invalid' });
  });

  test('a new user comes by a magic link, unless it shall not', async () => {
    const email = freshEmail();
    const refused = await open.client().signInWithOtp({ email, options: { shouldCreateUser: false } });
    expect(refused.error).toMatchObject({ status: 422, code: 'otp_disabled' });
    expect((await open.client().signInWithOtp({ email, options: { data: { name: 'New' } } })).error).toBeNull();
    const [mail] = await open.mails(email);
    const { data } = await open.client().verifyOtp({ email, token: mail?.otp ?? '', type: 'magiclink' });
    expect(data.user?.user_metadata).toMatchObject({ name: 'New' });
    const strictEmail = freshEmail();
    await strict.client().signInWithOtp({ email: strictEmail });
    const [confirmation] = await strict.mails(strictEmail);
    expect(confirmation?.subject).toBe('Confirm Your Email');
    const confirmed = await strict
      .client()
      .verifyOtp({ email: strictEmail, token: confirmation?.otp ?? '', type: 'email' });
    expect(confirmed.data.session).not.toBeNull();
  });

  test('a new password is chosen after recovery', async () => {
    const { email } = await person(strict);
    expect((await strict.client().resetPasswordForEmail(email)).error).toBeNull();
    const [mail] = await strict.mails(email);
    expect(mail?.subject).toBe('Reset Your Password');
    const client = strict.client();
    const { error } = await client.verifyOtp({ email, token: mail?.otp ?? '', type: 'recovery' });
    expect(error).toBeNull();
    expect((await client.updateUser({ password: 'another horse' })).error).toBeNull();
    expect((await strict.client().signInWithPassword({ email, password })).error?.code).toBe('invalid_credentials');
    expect((await strict.client().signInWithPassword({ email, password: 'another horse' })).error).toBeNull();
  });

  test('recovery does not tell whether an address is known', async () => {
    const unknown = await strict.call('POST', '/recover', { body: { email: freshEmail() } });
    const { email } = await person(strict);
    const known = await strict.call('POST', '/recover', { body: { email } });
    expect([unknown.status, unknown.body]).toEqual([known.status, known.body]);
  });

  test('codes are not sent all the time', async () => {
    await using slow = await startAuth(database, { email: { maxFrequencySeconds: 60 } });
    const { email } = await person(slow);
    await slow.client().resetPasswordForEmail(email);
    const { error } = await slow.client().resetPasswordForEmail(email);
    expect(error).toMatchObject({ status: 429, code: 'over_email_send_rate_limit' });
    expect(error?.message).toMatch(/^For security purposes, you can only request this after \d+ seconds\.$/);
    slow.advance(61);
    expect((await slow.client().resetPasswordForEmail(email)).error).toBeNull();
  });

  test('a confirmation is sent again, where there is something to confirm', async () => {
    const email = freshEmail();
    await strict.client().signUp({ email, password });
    expect((await strict.client().resend({ type: 'signup', email })).error).toBeNull();
    const mails = await strict.mails(email);
    expect(mails).toHaveLength(2);
    await strict.client().verifyOtp({ email, token: mails[0]?.otp ?? '', type: 'signup' });
    expect((await strict.client().resend({ type: 'signup', email })).error).toBeNull();
    expect((await strict.client().resend({ type: 'signup', email: freshEmail() })).error).toBeNull();
    expect(await strict.mails(email)).toHaveLength(2);
  });

  test.each([
    ['no type', {}, 'Missing one of these types: signup, email_change, sms, phone_change'],
    ['no address', { type: 'signup' }, 'Type provided requires an email address'],
    ['no number', { type: 'sms' }, 'Type provided requires a phone number'],
    [
      'both',
      { type: 'email_change', email: 'a@example.com', phone: '49151' },
      'Only an email address or phone number should be provided.',
    ],
    ['neither', { type: 'phone_change' }, 'Missing email address or phone number'],
  ])('nothing is sent again with %s', async (_, body, message) => {
    const answer = await strict.call('POST', '/resend', { body });
    expect([answer.status, answer.body.error_code, answer.body.msg]).toEqual([400, 'validation_failed', message]);
  });

  test.each([
    ['no type', { token: '1', email: 'a@example.com' }],
    ['no token', { type: 'signup', email: 'a@example.com' }],
    ['two tokens', { type: 'signup', token: '1', token_hash: '2' }],
    ['a hash and an address', { type: 'signup', token_hash: '2', email: 'a@example.com' }],
    ['neither address nor number', { type: 'signup', token: '1' }],
    ['an unknown type', { type: 'telepathy', token: '1', email: 'a@example.com' }],
    ['a hash for a number', { type: 'sms', token_hash: '2' }],
  ])('nothing is proved with %s', async (_, body) => {
    const answer = await strict.call('POST', '/verify', { body });
    expect([answer.status, answer.body.error_code]).toEqual([400, 'validation_failed']);
  });

  test('links lead nowhere else', async () => {
    const { email } = await person(open);
    await open.client().signInWithOtp({ email, options: { emailRedirectTo: 'https://evil.example.com/' } });
    const [mail] = await open.mails(email);
    expect(new URL(mail?.link ?? '').searchParams.get('redirect_to')).toBe('https://app.example.com');
    const changed = (mail?.link ?? '').replace(
      /redirect_to=.*/,
      `redirect_to=${encodeURIComponent('https://evil.example.com')}`,
    );
    expect((await follow(open, changed)).location).toMatch(/^https:\/\/app\.example\.com#/);
    await open.client().signInWithOtp({ email, options: { emailRedirectTo: 'myapp://callback' } });
    const [app] = await open.mails(email);
    expect((await follow(open, app?.link ?? '')).location).toMatch(/^myapp:\/\/callback#access_token=/);
  });

  test('a number gets its code', async () => {
    await database.sql(`CREATE TABLE public.sent (body jsonb)`);
    await database.sql(`CREATE FUNCTION public.keep(event jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER AS $$
      BEGIN INSERT INTO public.sent VALUES (event); RETURN '{}'; END $$`);
    await database.sql('GRANT EXECUTE ON FUNCTION public.keep TO supabase_auth_admin');
    await using service = await startAuth(database, {
      phone: { autoconfirm: false },
      signup: { phone: true },
      hooks: { sendSms: { uri: 'pg-functions://postgres/public/keep' } },
    });
    const phone = freshPhone();
    const client = service.client();
    expect((await client.signInWithOtp({ phone: `+${phone}` })).error).toBeNull();
    const [sms] = await database.sql<{ readonly otp: string; readonly phone: string }>(
      "SELECT body -> 'sms' ->> 'otp' AS otp, body -> 'sms' ->> 'phone' AS phone FROM public.sent ORDER BY ctid DESC LIMIT 1",
    );
    expect(sms?.phone).toBe(phone);
    const { data, error } = await client.verifyOtp({ phone, token: sms?.otp ?? '', type: 'sms' });
    expect(error).toBeNull();
    expect(data.user?.phone_confirmed_at).toBeDefined();
  });

  test('a number of tests has its code', async () => {
    const client = strict.client();
    const { data } = await client.signInWithOtp({ phone: '+15550001111' });
    expect(data).toMatchObject({ user: null, session: null });
    const { error } = await client.verifyOtp({ phone: '+15550001111', token: '123456', type: 'sms' });
    expect(error).toBeNull();
  });
});
