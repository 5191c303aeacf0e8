import { randomUUID } from 'node:crypto';
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

describe.skipIf(postgresBin === undefined)('administrators', () => {
  let database: TestDatabase;
  let auth: TestAuth;
  let service: string;

  beforeAll(async () => {
    database = await startDatabase();
    auth = await startAuth(database, {
      siteUrl: 'https://app.example.com',
      redirectAllowList: ['https://app.example.com/**'],
      email: { autoconfirm: false },
      signup: { phone: true },
    });
    service = await auth.token('service_role');
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  test.each([
    ['GET', '/admin/users'],
    ['POST', '/admin/users'],
    ['GET', `/admin/users/${randomUUID()}`],
    ['PUT', `/admin/users/${randomUUID()}`],
    ['DELETE', `/admin/users/${randomUUID()}`],
    ['POST', '/admin/generate_link'],
    ['GET', '/admin/audit'],
    ['POST', '/invite'],
  ])('alone may %s %s', async (method, path) => {
    const body = method === 'GET' ? {} : { body: {} };
    const none = await auth.call(method, path, body);
    expect([none.status, none.body.error_code]).toEqual([401, 'no_authorization']);
    const anon = await auth.call(method, path, { ...body, token: await auth.token('anon') });
    expect([anon.status, anon.body.error_code, anon.body.msg]).toEqual([403, 'not_admin', 'User not allowed']);
  });

  test('make a user, who can sign in', async () => {
    const email = freshEmail();
    const phone = freshPhone();
    const id = randomUUID();
    const { admin } = await auth.admin();
    const { data, error } = await admin.createUser({
      id,
      email,
      phone,
      password,
      email_confirm: true,
      phone_confirm: true,
      user_metadata: { name: 'Ada' },
      app_metadata: { plan: 'gold' },
      role: 'authenticated',
      ban_duration: 'none',
    });
    expect(error).toBeNull();
    expect(data.user).toMatchObject({
      id,
      email,
      phone,
      user_metadata: { name: 'Ada', email_verified: true },
      app_metadata: { provider: 'email', providers: ['email', 'phone'], plan: 'gold' },
    });
    expect(data.user?.identities?.map(({ provider }) => provider).sort()).toEqual(['email', 'phone']);
    expect((await auth.client().signInWithPassword({ email, password })).error).toBeNull();
    expect((await auth.client().signInWithPassword({ phone, password })).error).toBeNull();
    const twice = await admin.createUser({ email, password });
    expect(twice.error).toMatchObject({ status: 422, code: 'email_exists' });
    const samePhone = await admin.createUser({ phone, password });
    expect(samePhone.error).toMatchObject({ status: 422, code: 'phone_exists' });
    const sameId = await admin.createUser({ id, email: freshEmail() });
    expect(sameId.error).toMatchObject({ status: 422, code: 'user_already_exists' });
  });

  test.each([
    ['nothing', {}],
    ['a bad id', { email: 'x@example.com', id: 'me' }],
    ['no id at all', { email: 'x@example.com', id: '00000000-0000-0000-0000-000000000000' }],
    ['a password and a hash', { email: 'x@example.com', password, password_hash: '$2a$10$x' }],
    ['a bad ban', { email: 'x@example.com', ban_duration: 'long' }],
  ])('make no user of %s', async (_, body) => {
    const answer = await auth.call('POST', '/admin/users', { token: service, body });
    expect([answer.status, answer.body.error_code]).toEqual([400, 'validation_failed']);
  });

  test('list users by pages, with links and a total', async () => {
    const { admin } = await auth.admin();
    for (let index = 0; index < 5; index++) await admin.createUser({ email: freshEmail() });
    const [{ count } = {}] = await database.sql<{ readonly count: string }>('SELECT count(*) FROM auth.users');
    const total = Number(count);
    const first = await admin.listUsers({ page: 1, perPage: 2 });
    expect(first.data).toMatchObject({ aud: 'authenticated', total, nextPage: 2, lastPage: Math.ceil(total / 2) });
    expect(first.data.users).toHaveLength(2);
    const last = await admin.listUsers({ page: Math.ceil(total / 2), perPage: 2 });
    expect(last.data).toMatchObject({ nextPage: null });
    const beyond = await admin.listUsers({ page: 1000, perPage: 2 });
    expect(beyond.data.users).toEqual([]);
    const raw = await auth.call('GET', '/admin/users?per_page=2', { token: service });
    expect(raw.headers.get('x-total-count')).toBe(String(total));
    expect(raw.headers.get('link')).toBe(
      `</auth/v1/admin/users?per_page=2&page=2>; rel="next", </auth/v1/admin/users?per_page=2&page=${Math.ceil(total / 2)}>; rel="last"`,
    );
    const filtered = await auth.call(
      'GET',
      `/admin/users?filter=${encodeURIComponent(first.data.users[0]?.email ?? '')}`,
      { token: service },
    );
    expect(filtered.body.users).toHaveLength(1);
    for (const query of ['page=x', 'per_page=0', 'per_page=-1']) {
      const bad = await auth.call('GET', `/admin/users?${query}`, { token: service });
      expect([bad.status, bad.body.error_code]).toEqual([400, 'validation_failed']);
    }
  });

  test('read and change a user', async () => {
    const { admin } = await auth.admin();
    const { data: made } = await admin.createUser({ email: freshEmail(), password, user_metadata: { a: 1, b: 2 } });
    const id = made.user?.id ?? '';
    const email = freshEmail();
    const { data, error } = await admin.updateUserById(id, {
      email,
      email_confirm: true,
      user_metadata: { a: null, c: 3 },
      app_metadata: { plan: 'gold' },
      password: 'another horse',
      role: 'editor',
    });
    expect(error).toBeNull();
    expect(data.user).toMatchObject({
      email,
      role: 'editor',
      user_metadata: { b: 2, c: 3 },
      app_metadata: { plan: 'gold', provider: 'email' },
    });
    expect(data.user?.user_metadata).not.toHaveProperty('a');
    expect(data.user?.identities?.[0]?.identity_data).toMatchObject({ email, email_verified: true });
    expect((await admin.getUserById(id)).data.user).toEqual(data.user);
    expect((await auth.client().signInWithPassword({ email, password: 'another horse' })).error).toBeNull();
  });

  test('ban a user for so long', async () => {
    const { admin } = await auth.admin();
    const { data: made } = await admin.createUser({ email: freshEmail(), password, email_confirm: true });
    const { data } = await admin.updateUserById(made.user?.id ?? '', { ban_duration: '1h30m' });
    const until = Date.parse((data.user as { readonly banned_until?: string } | null)?.banned_until ?? '');
    expect(Math.abs(until - Date.now() - 5_400_000)).toBeLessThan(60_000);
    const { data: free } = await admin.updateUserById(made.user?.id ?? '', { ban_duration: 'none' });
    expect(free.user).not.toHaveProperty('banned_until');
  });

  test('find no user who is not there', async () => {
    const { admin } = await auth.admin();
    expect((await admin.getUserById(randomUUID())).error).toMatchObject({ status: 404, code: 'user_not_found' });
    expect((await admin.deleteUser(randomUUID())).error).toMatchObject({ status: 404, code: 'user_not_found' });
    const bad = await auth.call('GET', '/admin/users/me', { token: service });
    expect([bad.status, bad.body.error_code]).toEqual([404, 'validation_failed']);
  });

  test('delete a user, whole or all but the row', async () => {
    const { admin } = await auth.admin();
    const email = freshEmail();
    const { data: made } = await admin.createUser({ email, password, email_confirm: true });
    const id = made.user?.id ?? '';
    await auth.client().signInWithPassword({ email, password });
    expect((await admin.deleteUser(id, true)).error).toBeNull();
    const [row] = await database.sql(
      'SELECT email, phone, encrypted_password, raw_user_meta_data, deleted_at FROM auth.users WHERE id = $1',
      id,
    );
    expect(row).toMatchObject({ encrypted_password: null, raw_user_meta_data: {} });
    expect(row?.email).not.toContain('@');
    expect(row?.deleted_at).not.toBeNull();
    expect(await database.sql('SELECT FROM auth.sessions WHERE user_id = $1', id)).toHaveLength(0);
    expect((await admin.createUser({ email })).error).toBeNull();
    expect((await admin.deleteUser(id)).error).toBeNull();
    expect(await database.sql('SELECT FROM auth.users WHERE id = $1', id)).toHaveLength(0);
  });

  test('invite somebody, who accepts by the link', async () => {
    const { admin } = await auth.admin();
    const email = freshEmail();
    const { data, error } = await admin.inviteUserByEmail(email, {
      data: { team: 'red' },
      redirectTo: 'https://app.example.com/join',
    });
    expect(error).toBeNull();
    expect(data.user).toMatchObject({ email, user_metadata: { team: 'red' } });
    expect(data.user?.invited_at).toBeDefined();
    const [mail] = await auth.mails(email);
    expect(mail?.subject).toBe('You have been invited');
    const { pathname, search } = new URL(mail?.link ?? '');
    const { headers } = await auth.call('GET', `${pathname.replace('/auth/v1', '')}${search}`);
    expect(headers.get('location')).toMatch(/^https:\/\/app\.example\.com\/join#access_token=.*type=invite/);
    const again = await admin.inviteUserByEmail(email);
    expect(again.error).toMatchObject({ status: 422, code: 'email_exists' });
  });

  describe('make links', () => {
    test('to sign up with', async () => {
      const { admin } = await auth.admin();
      const email = freshEmail();
      const { data, error } = await admin.generateLink({
        type: 'signup',
        email,
        password,
        options: { data: { a: 1 }, redirectTo: 'https://app.example.com/x' },
      });
      expect(error).toBeNull();
      expect(data.properties).toMatchObject({
        verification_type: 'signup',
        redirect_to: 'https://app.example.com/x',
        email_otp: expect.stringMatching(/^\d{6}$/),
      });
      expect(data.properties?.action_link).toContain(`token=${data.properties?.hashed_token}&type=signup`);
      expect(data.user?.user_metadata).toMatchObject({ a: 1 });
      const verified = await auth
        .client()
        .verifyOtp({ email, token: data.properties?.email_otp ?? '', type: 'signup' });
      expect(verified.error).toBeNull();
      const twice = await admin.generateLink({ type: 'signup', email, password });
      expect(twice.error).toMatchObject({ status: 422, code: 'email_exists' });
    });

    test.each(['magiclink', 'recovery'] as const)('to sign in with: %s', async (type) => {
      const { admin } = await auth.admin();
      const email = freshEmail();
      await admin.createUser({ email, email_confirm: true });
      const { data } = await admin.generateLink({ type, email });
      expect(data.properties?.verification_type).toBe(type);
      const { error } = await auth.client().verifyOtp({ token_hash: data.properties?.hashed_token ?? '', type });
      expect(error).toBeNull();
      expect(await auth.mails(email)).toHaveLength(0);
    });

    test('that make the user where there is none', async () => {
      const { admin } = await auth.admin();
      const email = freshEmail();
      const { data } = await admin.generateLink({ type: 'magiclink', email });
      expect(data.properties?.verification_type).toBe('signup');
      const missing = await admin.generateLink({ type: 'recovery', email: freshEmail() });
      expect(missing.error).toMatchObject({ status: 404, code: 'user_not_found' });
    });

    test('to change the address with', async () => {
      const { admin } = await auth.admin();
      const email = freshEmail();
      const newEmail = freshEmail();
      await admin.createUser({ email, email_confirm: true });
      const current = await admin.generateLink({ type: 'email_change_current', email, newEmail });
      const next = await admin.generateLink({ type: 'email_change_new', email, newEmail });
      expect(current.data.properties?.action_link).toContain('type=email_change&');
      await auth.call('POST', '/verify', {
        body: { type: 'email_change', token_hash: current.data.properties?.hashed_token },
      });
      const { data } = await auth
        .client()
        .verifyOtp({ token_hash: next.data.properties?.hashed_token ?? '', type: 'email_change' });
      expect(data.user?.email).toBe(newEmail);
    });

    test('of no unknown kind', async () => {
      const answer = await auth.call('POST', '/admin/generate_link', {
        token: service,
        body: { type: 'door', email: freshEmail() },
      });
      expect([answer.status, answer.body.error_code]).toEqual([400, 'validation_failed']);
    });
  });

  test('read the audit log', async () => {
    const { admin } = await auth.admin();
    const email = freshEmail();
    await admin.createUser({ email, password, email_confirm: true });
    await auth.client().signInWithPassword({ email, password });
    const all = await auth.call('GET', '/admin/audit?per_page=1', { token: service });
    expect(all.body).toMatchObject([{ payload: { action: 'login', actor_username: email }, ip_address: '127.0.0.1' }]);
    expect(Number(all.headers.get('x-total-count'))).toBeGreaterThan(1);
    const found = await auth.call('GET', `/admin/audit?query=${encodeURIComponent(`author:${email}`)}`, {
      token: service,
    });
    expect(found.body).toHaveLength(1);
    const bad = await auth.call('GET', '/admin/audit?query=colour:red', { token: service });
    expect([bad.status, bad.body.error_code]).toEqual([400, 'validation_failed']);
  });

  test('can sign a user out by its token', async () => {
    const { admin } = await auth.admin();
    const email = freshEmail();
    await admin.createUser({ email, password, email_confirm: true });
    const client = auth.client();
    const { data } = await client.signInWithPassword({ email, password });
    expect((await admin.signOut(data.session?.access_token ?? '')).error).toBeNull();
    expect((await client.getUser()).error?.name).toBe('AuthSessionMissingError');
  });
});
