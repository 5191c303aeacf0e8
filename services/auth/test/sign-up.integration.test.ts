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

describe.skipIf(postgresBin === undefined)('signing up', () => {
  let database: TestDatabase;
  let open: TestAuth;
  let strict: TestAuth;

  beforeAll(async () => {
    database = await startDatabase();
    open = await startAuth(database, { signup: { anonymous: true, phone: true } });
    strict = await startAuth(database, {
      email: { autoconfirm: false },
      phone: { autoconfirm: false },
      signup: { phone: true },
    });
  });
  afterAll(async () => {
    await open?.[Symbol.asyncDispose]();
    await strict?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  test('with automatic confirmation gives a session', async () => {
    const email = freshEmail();
    const { data, error } = await open
      .client()
      .signUp({ email: email.toUpperCase(), password: 'correct horse', options: { data: { name: 'Ada' } } });
    expect(error).toBeNull();
    expect(data.session).toMatchObject({ token_type: 'bearer', expires_in: 3600 });
    expect(data.user).toMatchObject({
      email,
      aud: 'authenticated',
      role: 'authenticated',
      phone: '',
      is_anonymous: false,
      app_metadata: { provider: 'email', providers: ['email'] },
      user_metadata: { name: 'Ada', email, email_verified: true, phone_verified: false, sub: data.user?.id },
    });
    expect(data.user?.identities).toHaveLength(1);
    expect(data.user?.identities?.[0]).toMatchObject({ provider: 'email', id: data.user?.id, email });
    const [row] = await database.sql(
      'SELECT encrypted_password, confirmation_token FROM auth.users WHERE id = $1',
      data.user?.id,
    );
    expect(row?.encrypted_password).toMatch(/^\$2a\$04\$/);
    expect(row?.confirmation_token).toBe('');
  });

  test('the access token says who it is, and the public keys prove it', async () => {
    const client = open.client();
    const { data } = await client.signUp({ email: freshEmail(), password: 'correct horse' });
    const claims = await client.getClaims();
    expect(claims.error).toBeNull();
    expect(claims.data?.header).toMatchObject({ alg: 'ES256', typ: 'JWT', kid: open.keys.signing.current.id });
    expect(claims.data?.claims).toMatchObject({
      sub: data.user?.id,
      aud: 'authenticated',
      role: 'authenticated',
      email: data.user?.email,
      phone: '',
      aal: 'aal1',
      is_anonymous: false,
      amr: [{ method: 'password', timestamp: expect.any(Number) }],
      session_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iss: 'http://127.0.0.1:8000/auth/v1',
    });
  });

  test('twice is refused where addresses are confirmed by themselves', async () => {
    const email = freshEmail();
    await open.client().signUp({ email, password: 'correct horse' });
    const { error } = await open.client().signUp({ email, password: 'another one' });
    expect(error).toMatchObject({ status: 422, code: 'user_already_exists', message: 'User already registered' });
  });

  test('twice at the same time makes one user', async () => {
    const email = freshEmail();
    const results = await Promise.all(
      [1, 2, 3].map(async () => await open.client().signUp({ email, password: 'correct horse' })),
    );
    expect(results.filter(({ error }) => error === null)).toHaveLength(1);
    expect(results.filter(({ error }) => error?.code === 'user_already_exists')).toHaveLength(2);
    expect(await database.sql('SELECT FROM auth.users WHERE email = $1', email)).toHaveLength(1);
  });

  test('with confirmation gives a user and a mail, whose code signs in', async () => {
    const email = freshEmail();
    const client = strict.client();
    const { data, error } = await client.signUp({ email, password: 'correct horse' });
    expect(error).toBeNull();
    expect(data.session).toBeNull();
    expect(data.user?.confirmation_sent_at).toBeDefined();
    expect(data.user?.email_confirmed_at).toBeUndefined();
    const [mail] = await strict.mails(email);
    expect(mail?.subject).toBe('Confirm Your Email');
    const early = await client.signInWithPassword({ email, password: 'correct horse' });
    expect(early.error).toMatchObject({ status: 400, code: 'email_not_confirmed' });
    const verified = await client.verifyOtp({ email, token: mail?.otp ?? '', type: 'signup' });
    expect(verified.error).toBeNull();
    expect(verified.data.user?.email_confirmed_at).toBeDefined();
    expect(verified.data.user?.identities?.[0]?.identity_data).toMatchObject({ email_verified: true });
    const later = await client.signInWithPassword({ email, password: 'correct horse' });
    expect(later.error).toBeNull();
  });

  test('with a known address does not tell that it is known', async () => {
    const email = freshEmail();
    const first = await strict.client().signUp({ email, password: 'correct horse' });
    const [mail] = await strict.mails(email);
    await strict.client().verifyOtp({ email, token: mail?.otp ?? '', type: 'email' });
    const again = await strict.client().signUp({ email, password: 'correct horse' });
    expect(again.error).toBeNull();
    expect(again.data.user?.id).not.toBe(first.data.user?.id);
    expect(again.data.user?.identities).toEqual([]);
    expect(
      Object.keys(again.data.user ?? {})
        .filter((key) => key !== 'role')
        .sort(),
    ).toEqual(
      Object.keys(first.data.user ?? {})
        .filter((key) => key !== 'role')
        .sort(),
    );
    expect(await strict.mails(email)).toHaveLength(1);
  });

  test('again before confirmation sends another mail and leaves the password alone', async () => {
    const email = freshEmail();
    await strict.client().signUp({ email, password: 'of the owner' });
    await strict.client().signUp({ email, password: 'of somebody else' });
    const mails = await strict.mails(email);
    expect(mails).toHaveLength(2);
    const stale = await strict.client().verifyOtp({ email, token: mails[1]?.otp ?? '', type: 'signup' });
    if (mails[0]?.otp !== mails[1]?.otp) expect(stale.error).toMatchObject({ status: 403, code: 'otp_expired' });
    await strict.client().verifyOtp({ email, token: mails[0]?.otp ?? '', type: 'signup' });
    expect((await strict.client().signInWithPassword({ email, password: 'of somebody else' })).error?.code).toBe(
      'invalid_credentials',
    );
    expect((await strict.client().signInWithPassword({ email, password: 'of the owner' })).error).toBeNull();
  });

  test('anonymously, and then as somebody', async () => {
    const client = open.client();
    const { data, error } = await client.signInAnonymously({ options: { data: { theme: 'dark' } } });
    expect(error).toBeNull();
    expect(data.user).toMatchObject({
      is_anonymous: true,
      email: '',
      user_metadata: { theme: 'dark' },
      identities: [],
    });
    const email = freshEmail();
    const refused = await client.updateUser({ password: 'correct horse' });
    expect(refused.error).toMatchObject({ status: 422, code: 'validation_failed' });
    const updated = await client.updateUser({ email, password: 'correct horse' });
    expect(updated.error).toBeNull();
    expect(updated.data.user).toMatchObject({
      id: data.user?.id,
      email,
      is_anonymous: false,
      app_metadata: { provider: 'email' },
    });
    expect((await open.client().signInWithPassword({ email, password: 'correct horse' })).error).toBeNull();
  });

  test('anonymously is refused where it is off', async () => {
    const { error } = await strict.client().signInAnonymously();
    expect(error).toMatchObject({ status: 422, code: 'anonymous_provider_disabled' });
  });

  test('by phone, confirmed by itself', async () => {
    const phone = freshPhone();
    const { data, error } = await open.client().signUp({ phone: `+${phone}`, password: 'correct horse' });
    expect(error).toBeNull();
    expect(data.user).toMatchObject({ phone, email: '', app_metadata: { provider: 'phone' } });
    expect(data.user?.phone_confirmed_at).toBeDefined();
    expect((await open.client().signInWithPassword({ phone, password: 'correct horse' })).error).toBeNull();
  });

  test('by phone is not in before the code', async () => {
    const phone = freshPhone();
    const { data } = await strict.client().signUp({ phone, password: 'correct horse' });
    expect(data.session).toBeNull();
    const early = await strict.client().signInWithPassword({ phone, password: 'correct horse' });
    expect(early.error).toMatchObject({ status: 400, code: 'phone_not_confirmed' });
    const wrong = await strict.client().verifyOtp({ phone, token: '000000x', type: 'sms' });
    expect(wrong.error).toMatchObject({ status: 403, code: 'otp_expired' });
    const { body } = await strict.call('GET', '/inbox/api/v1/sms');
    const messages = body.messages as readonly { readonly To: string; readonly Text: string }[];
    const [, code = ''] = /^Your code is (\d{6})$/.exec(messages.find(({ To }) => To === phone)?.Text ?? '') ?? [];
    const verified = await strict.client().verifyOtp({ phone, token: code, type: 'sms' });
    expect(verified.error).toBeNull();
    expect((await strict.client().signInWithPassword({ phone, password: 'correct horse' })).error).toBeNull();
    const again = await strict.client().verifyOtp({ phone, token: code, type: 'sms' });
    expect(again.error?.code).toBe('otp_expired');
  });

  test.each([
    ['a short password', { email: 'a@example.com', password: '12345' }, 422, 'weak_password'],
    ['no password', { email: 'a@example.com' }, 400, 'validation_failed'],
    ['a bad address', { email: 'not an address', password: 'correct horse' }, 400, 'validation_failed'],
    ['a bad number', { phone: 'call me', password: 'correct horse' }, 400, 'validation_failed'],
    ['both', { email: 'a@example.com', phone: '4915112345', password: 'correct horse' }, 400, 'validation_failed'],
    [
      'a challenge without its method',
      { email: 'a@example.com', password: 'correct horse', code_challenge: 'x'.repeat(43) },
      400,
      'validation_failed',
    ],
    [
      'an unknown channel',
      { phone: '4915112345', password: 'correct horse', channel: 'pigeon' },
      400,
      'validation_failed',
    ],
    ['a password of 73 bytes', { email: 'long@example.com', password: 'x'.repeat(73) }, 400, 'validation_failed'],
    ['an address of another type', { email: 1, password: 'correct horse' }, 400, 'bad_json'],
    ['no JSON', '{"email":', 400, 'bad_json'],
    ['a list', [], 400, 'bad_json'],
  ])('%s is refused', async (_, body, status, code) => {
    const answer = await open.call('POST', '/signup', { body });
    expect([answer.status, answer.body.error_code, answer.body.code]).toEqual([status, code, status]);
    expect(answer.headers.get('x-sb-error-code')).toBe(code);
    const modern = await open.call('POST', '/signup', { body, headers: { 'x-supabase-api-version': '2024-01-01' } });
    expect([modern.status, modern.body.code]).toEqual([status, code]);
    expect(modern.headers.get('x-supabase-api-version')).toBe('2024-01-01');
  });

  test('a weak password says why', async () => {
    await using picky = await startAuth(database, {
      password: { minimumLength: 8, requiredCharacters: ['abc', '0123456789'] },
    });
    const { error } = await picky.client().signUp({ email: freshEmail(), password: 'xyz' });
    expect(error).toMatchObject({ code: 'weak_password', status: 422, reasons: ['length', 'characters'] });
  });

  test.each([
    ['everything', { disabled: true }, { email: 'x@example.com', password: 'correct horse' }, 'signup_disabled'],
    ['email', { email: false }, { email: 'x@example.com', password: 'correct horse' }, 'email_provider_disabled'],
    ['phone', { phone: false }, { phone: '4915112345', password: 'correct horse' }, 'phone_provider_disabled'],
  ])('is refused where %s is off', async (_, signup, body, code) => {
    await using closed = await startAuth(database, { signup });
    const { status, body: answer } = await closed.call('POST', '/signup', { body });
    expect([status, answer.error_code]).toEqual([422, code]);
  });

  test('a trigger in the database may refuse, and nothing of it is left', async () => {
    await database.sql(`CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW.email LIKE 'refused%' THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$`);
    await database.sql(
      'CREATE TRIGGER refuse BEFORE INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.refuse()',
    );
    const { status, body } = await open.call('POST', '/signup', {
      body: { email: 'refused@example.com', password: 'correct horse' },
    });
    await database.sql('DROP TRIGGER refuse ON auth.users');
    expect([status, body.error_code]).toEqual([500, 'unexpected_failure']);
    expect(JSON.stringify(body)).not.toContain('refuse()');
    expect(await database.sql("SELECT FROM auth.users WHERE email LIKE 'refused%'")).toHaveLength(0);
  });

  test('is recorded in the audit log', async () => {
    const email = freshEmail();
    const { data } = await open.client().signUp({ email, password: 'correct horse' });
    const rows = await database.sql(
      "SELECT payload FROM auth.audit_log_entries WHERE payload ->> 'actor_id' = $1 ORDER BY payload ->> 'action'",
      data.user?.id,
    );
    expect(rows.map(({ payload }) => payload)).toMatchObject([
      { action: 'login', actor_username: email, log_type: 'account', actor_via_sso: false },
      { action: 'user_signedup', traits: { provider: 'email' }, log_type: 'team' },
    ]);
  });
});
