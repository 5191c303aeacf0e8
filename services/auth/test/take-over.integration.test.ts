import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';

/** Rows as the official service, and what is imported into its tables, leave them. */
describe.skipIf(postgresBin === undefined)('a database that another service used', () => {
  let database: TestDatabase;
  let auth: TestAuth;
  const instance = '00000000-0000-0000-0000-000000000000';

  beforeAll(async () => {
    database = await startDatabase();
    auth = await startAuth(database, { email: { autoconfirm: false } });
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  async function insertUser(columns: Readonly<Record<string, unknown>> = {}) {
    const id = randomUUID();
    const email = freshEmail();
    const row = { id, instance_id: instance, aud: 'authenticated', role: 'authenticated', email, ...columns };
    const names = Object.keys(row);
    await database.sql(
      `INSERT INTO auth.users (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
      ...Object.values(row),
    );
    return { id, email };
  }

  test('has users with nothing but an address and a password', async () => {
    const { id, email } = await insertUser({ email_confirmed_at: '2020-01-01T00:00:00+02' });
    await database.sql(
      "UPDATE auth.users SET encrypted_password = extensions.crypt('secret', extensions.gen_salt('bf', 6)) WHERE id = $1",
      id,
    );
    const { data, error } = await auth.client().signInWithPassword({ email, password: 'secret' });
    expect(error).toBeNull();
    expect(data.user).toMatchObject({
      id,
      email_confirmed_at: '2019-12-31T22:00:00Z',
      app_metadata: {},
      user_metadata: {},
      identities: [],
    });
  });

  // Of Argon2's reference implementation.
  test.each([
    ['argon2id', 'password', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
    ['argon2i', 'password', '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA'],
  ])('has users whose passwords were hashed by %s, who sign in', async (_, password, encrypted_password) => {
    const { id, email } = await insertUser({ encrypted_password, email_confirmed_at: '2020-01-01T00:00:00Z' });
    const { data, error } = await auth.client().signInWithPassword({ email, password });
    expect(error).toBeNull();
    expect(data.user?.id).toBe(id);
    const wrong = await auth.client().signInWithPassword({ email, password: `${password}x` });
    expect(wrong.error).toMatchObject({ code: 'invalid_credentials' });
    const admin = await auth.admin();
    const made = await admin.admin.createUser({
      email: freshEmail(),
      password_hash: encrypted_password,
      email_confirm: true,
    });
    const address = made.data.user?.email ?? '';
    expect((await auth.client().signInWithPassword({ email: address, password })).error).toBeNull();
  });

  test.each([
    ['a password of another kind', '$5$rounds=1000$salt$hash'],
    [
      'a hash that would take all memory',
      '$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    ['an encrypted one', '{"key_id":"x","alg":"aes-gcm-hkdf","data":"y","nonce":"z"}'],
    ['an empty one', ''],
    ['none', null],
  ])('has a user with %s, who does not get in by it', async (_, encrypted_password) => {
    const { email } = await insertUser({ encrypted_password, email_confirmed_at: '2020-01-01T00:00:00Z' });
    const { error } = await auth.client().signInWithPassword({ email, password: 'secret' });
    expect(error).toMatchObject({ status: 400, code: 'invalid_credentials' });
  });

  test('has addresses in capitals', async () => {
    const email = `Mixed.${freshEmail()}`;
    const { id } = await insertUser({ email, email_confirmed_at: '2020-01-01T00:00:00Z' });
    await auth.client().resetPasswordForEmail(email.toLowerCase());
    const [mail] = await auth.mails(email);
    expect(mail?.subject).toBe('Reset Your Password');
    const again = await auth.client().signUp({ email: email.toUpperCase(), password: 'correct horse' });
    expect(again.data.user?.id).not.toBe(id);
    expect(await database.sql('SELECT FROM auth.users WHERE lower(email) = lower($1)', email)).toHaveLength(1);
  });

  test('has sessions, which go on', async () => {
    const { id } = await insertUser({ email_confirmed_at: '2020-01-01T00:00:00Z' });
    const session = randomUUID();
    await database.sql(
      'INSERT INTO auth.sessions (id, user_id, created_at, updated_at) VALUES ($1, $2, now(), now())',
      session,
      id,
    );
    await database.sql(
      "INSERT INTO auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, session_id) VALUES ($1, 'A1b2C3d4E5f6G7h8I9j0Kw', $2, false, now(), now(), $3)",
      instance,
      id,
      session,
    );
    const { data, error } = await auth.client().refreshSession({ refresh_token: 'A1b2C3d4E5f6G7h8I9j0Kw' });
    expect(error).toBeNull();
    const claims = await auth.client().getClaims(data.session?.access_token);
    expect(claims.data?.claims).toMatchObject({ sub: id, session_id: session, aal: 'aal1', amr: [] });
  });

  test('has refresh tokens that belong to no session', async () => {
    const { id } = await insertUser();
    await database.sql(
      "INSERT INTO auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at) VALUES ($1, 'orphanorphan', $2, false, now(), now())",
      instance,
      id,
    );
    const { error } = await auth.client().refreshSession({ refresh_token: 'orphanorphan' });
    expect(error).toMatchObject({ status: 400, name: 'AuthSessionMissingError' });
  });

  test('has codes that were sent and not used', async () => {
    const { id, email } = await insertUser({ confirmation_sent_at: new Date().toISOString() });
    await database.sql(
      "INSERT INTO auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to) VALUES (gen_random_uuid(), $1, 'confirmation_token', encode(sha224(convert_to($2, 'UTF8')), 'hex'), $3)",
      id,
      `${email}123456`,
      email,
    );
    const { data, error } = await auth.client().verifyOtp({ email, token: '123456', type: 'signup' });
    expect(error).toBeNull();
    expect(data.user?.id).toBe(id);
  });

  test('has users of SSO, who are not found by their address', async () => {
    const { email } = await insertUser({ is_sso_user: true, email_confirmed_at: '2020-01-01T00:00:00Z' });
    await auth.client().resetPasswordForEmail(email);
    expect(await auth.mails(email)).toHaveLength(0);
  });

  test('has bans without an end', async () => {
    const { id, email } = await insertUser({ banned_until: 'infinity', email_confirmed_at: '2020-01-01T00:00:00Z' });
    await database.sql(
      "UPDATE auth.users SET encrypted_password = extensions.crypt('secret', extensions.gen_salt('bf', 4)) WHERE id = $1",
      id,
    );
    const { error } = await auth.client().signInWithPassword({ email, password: 'secret' });
    expect(error).toMatchObject({ code: 'user_banned' });
  });
});
