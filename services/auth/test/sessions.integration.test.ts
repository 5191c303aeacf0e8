import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';

const password = 'correct horse';

describe.skipIf(postgresBin === undefined)('sessions', () => {
  let database: TestDatabase;
  let auth: TestAuth;

  beforeAll(async () => {
    database = await startDatabase();
    auth = await startAuth(database);
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  async function signedUp(service: TestAuth = auth) {
    const client = service.client();
    const email = freshEmail();
    const { data, error } = await client.signUp({ email, password });
    if (error !== null || data.session === null || data.user === null) throw error ?? new Error('no session');
    return { client, email, session: data.session, user: data.user };
  }

  const refresh = async (token: string, service: TestAuth = auth) =>
    await service.call('POST', '/token?grant_type=refresh_token', { body: { refresh_token: token } });

  describe('by password', () => {
    test('begin', async () => {
      const { email, user } = await signedUp();
      const { data, error } = await auth.client().signInWithPassword({ email: email.toUpperCase(), password });
      expect(error).toBeNull();
      expect(data.user?.id).toBe(user.id);
      expect(data.session?.refresh_token).toMatch(/^[a-z2-7]{12}$/);
      const rows = await database.sql(
        'SELECT aal, user_agent, host(ip) AS ip FROM auth.sessions WHERE user_id = $1',
        user.id,
      );
      expect(rows).toHaveLength(2);
      expect(rows[0]).toMatchObject({ aal: 'aal1', ip: '127.0.0.1' });
    });

    test.each([
      ['a wrong password', { password: 'wrong' }],
      ['an empty password', { password: '' }],
      ['an unknown user', { email: 'nobody@example.com' }],
    ])('are refused for %s, in the same words', async (_, change) => {
      const { email } = await signedUp();
      const body = { email, password, ...change };
      const answer = await auth.call('POST', '/token?grant_type=password', { body });
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({ code: 400, error_code: 'invalid_credentials', msg: 'Invalid login credentials' });
    });

    test('are refused for a banned user, but only to who knows the password', async () => {
      const { email, user, session } = await signedUp();
      const admin = await auth.admin();
      await admin.admin.updateUserById(user.id, { ban_duration: '24h' });
      expect((await auth.client().signInWithPassword({ email, password })).error).toMatchObject({
        status: 400,
        code: 'user_banned',
      });
      expect((await auth.client().signInWithPassword({ email, password: 'wrong' })).error?.code).toBe(
        'invalid_credentials',
      );
      expect((await refresh(session.refresh_token)).body).toMatchObject({ error_code: 'user_banned' });
      await admin.admin.updateUserById(user.id, { ban_duration: 'none' });
      expect((await auth.client().signInWithPassword({ email, password })).error).toBeNull();
    });

    test('begin for hashes that others made', async () => {
      const admin = await auth.admin();
      const [bcrypt] = await database.sql(
        "SELECT extensions.crypt('by pgcrypto', extensions.gen_salt('bf', 10)) AS hash",
      );
      const hashes = [
        ['by pgcrypto', String(bcrypt?.hash)],
        // The example of github.com/firebase/scrypt.
        [
          'user1password',
          '$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
        ],
      ] as const;
      for (const [plain, hash] of hashes) {
        const email = freshEmail();
        const made = await admin.admin.createUser({ email, password_hash: hash, email_confirm: true });
        expect(made.error).toBeNull();
        const wrong = await auth.client().signInWithPassword({ email, password: `${plain}x` });
        expect(wrong.error?.code).toBe('invalid_credentials');
        const right = await auth.client().signInWithPassword({ email, password: plain });
        expect([plain, right.error]).toEqual([plain, null]);
      }
      const unknown = await admin.admin.createUser({ email: freshEmail(), password_hash: '$md5$x' });
      expect(unknown.error).toMatchObject({ status: 400, code: 'validation_failed' });
    });

    test('tell that the password is weak by new rules', async () => {
      const { email } = await signedUp();
      await using strict = await startAuth(database, { password: { minimumLength: 20 } });
      const { data, error } = await strict.client().signInWithPassword({ email, password });
      expect(error).toBeNull();
      expect(data).toMatchObject({ weakPassword: { reasons: ['length'] } });
    });

    test.each([
      ['both', { email: 'a@example.com', phone: '49151', password }, 400, 'validation_failed'],
      ['neither', { password }, 400, 'validation_failed'],
      ['a phone where that is off', { phone: '49151234567', password }, 422, 'phone_provider_disabled'],
    ])('are refused for %s', async (_, body, status, code) => {
      const answer = await auth.call('POST', '/token?grant_type=password', { body });
      expect([answer.status, answer.body.error_code]).toEqual([status, code]);
    });

    test('are refused for an unknown grant', async () => {
      const answer = await auth.call('POST', '/token?grant_type=magic', { body: {} });
      expect([answer.status, answer.body.error_code, answer.body.msg]).toEqual([
        400,
        'invalid_credentials',
        'unsupported_grant_type',
      ]);
    });
  });

  describe.each([1, 2] as const)('with refresh tokens of form %i', (refreshTokenVersion) => {
    let service: TestAuth;
    beforeAll(async () => {
      service = await startAuth(database, { sessions: { refreshTokenVersion } });
    });
    afterAll(async () => await service?.[Symbol.asyncDispose]());

    test('go on with a new token', async () => {
      const { client, session, user } = await signedUp(service);
      const { data, error } = await client.refreshSession();
      expect(error).toBeNull();
      expect(data.session?.refresh_token).not.toBe(session.refresh_token);
      expect(data.user).toMatchObject({ id: user.id, identities: [{ provider: 'email' }] });
      const claims = await client.getClaims(data.session?.access_token);
      expect(claims.data?.claims).toMatchObject({
        sub: user.id,
        amr: [{ method: 'password' }],
        session_id: expect.any(String),
      });
      const [row] = await database.sql('SELECT refreshed_at FROM auth.sessions WHERE user_id = $1', user.id);
      expect(row?.refreshed_at).not.toBeNull();
    });

    test('answer a used token with its successor while that is the newest', async () => {
      const { session } = await signedUp(service);
      const first = await refresh(session.refresh_token, service);
      service.advance(3600);
      const again = await refresh(session.refresh_token, service);
      expect(again.status).toBe(200);
      expect(again.body.refresh_token).toBe(first.body.refresh_token);
    });

    test('answer several at once alike', async () => {
      const { session, user } = await signedUp(service);
      const answers = await Promise.all(
        Array.from({ length: 8 }, async () => await refresh(session.refresh_token, service)),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
      expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
      const active = await database.sql('SELECT FROM auth.refresh_tokens WHERE user_id = $1 AND NOT revoked', user.id);
      expect(active).toHaveLength(refreshTokenVersion === 1 ? 1 : 0);
    });

    test('let an older token through within the interval', async () => {
      const { session } = await signedUp(service);
      const first = await refresh(session.refresh_token, service);
      await refresh(String(first.body.refresh_token), service);
      const reused = await refresh(session.refresh_token, service);
      expect(reused.status).toBe(200);
    });

    test('end when an older token comes again after the interval', async () => {
      const { session } = await signedUp(service);
      const first = await refresh(session.refresh_token, service);
      const second = await refresh(String(first.body.refresh_token), service);
      service.advance(60);
      const stolen = await refresh(session.refresh_token, service);
      expect(stolen.status).toBe(400);
      expect(stolen.body).toMatchObject({
        error_code: 'refresh_token_already_used',
        msg: 'Invalid Refresh Token: Already Used',
      });
      const owner = await refresh(String(second.body.refresh_token), service);
      expect(owner.status).toBe(400);
      expect(['refresh_token_already_used', 'refresh_token_not_found']).toContain(owner.body.error_code);
    });

    test('end when they are logged out', async () => {
      const { client, session } = await signedUp(service);
      await client.signOut();
      const answer = await refresh(session.refresh_token, service);
      expect([answer.status, answer.body.error_code]).toEqual([400, 'refresh_token_not_found']);
    });
  });

  test.each(['nonsense', 'abcdefghijkl', 'A'.repeat(51), "' OR 1=1 --", '\u0000'])(
    'know no token %j',
    async (token) => {
      const answer = await refresh(token);
      expect([answer.status, answer.body.error_code]).toEqual([400, 'refresh_token_not_found']);
    },
  );

  test('need a token to be refreshed', async () => {
    expect((await refresh('')).body).toMatchObject({ error_code: 'validation_failed' });
  });

  test('do not believe a signed counter with another key', async () => {
    await using counting = await startAuth(database, { sessions: { refreshTokenVersion: 2 } });
    const { session } = await signedUp(counting);
    await database.sql("UPDATE auth.sessions SET refresh_token_hmac_key = 'AAAA' WHERE user_id = $1", session.user.id);
    expect((await refresh(session.refresh_token, counting)).body).toMatchObject({
      error_code: 'refresh_token_not_found',
    });
  });

  test('end after their time', async () => {
    await using boxed = await startAuth(database, { sessions: { timeboxSeconds: 600 } });
    const { session } = await signedUp(boxed);
    boxed.advance(300);
    const next = await refresh(session.refresh_token, boxed);
    expect(next.status).toBe(200);
    boxed.advance(301);
    const over = await refresh(String(next.body.refresh_token), boxed);
    expect(over.body).toMatchObject({ error_code: 'session_expired', msg: 'Invalid Refresh Token: Session Expired' });
  });

  test('end when nobody uses them', async () => {
    await using idle = await startAuth(database, { sessions: { inactivitySeconds: 600 } });
    const { session } = await signedUp(idle);
    idle.advance(500);
    const next = await refresh(session.refresh_token, idle);
    expect(next.status).toBe(200);
    idle.advance(500);
    const later = await refresh(String(next.body.refresh_token), idle);
    expect(later.status).toBe(200);
    idle.advance(601);
    const over = await refresh(String(later.body.refresh_token), idle);
    expect(over.body).toMatchObject({
      error_code: 'session_expired',
      msg: 'Invalid Refresh Token: Session Expired (Inactivity)',
    });
  });

  test('of one user end each other where there may be one', async () => {
    await using single = await startAuth(database, { sessions: { singlePerUser: true } });
    const { email, session } = await signedUp(single);
    single.advance(1);
    const second = await single.client().signInWithPassword({ email, password });
    const old = await refresh(session.refresh_token, single);
    expect(old.body).toMatchObject({ error_code: 'session_expired' });
    expect((await refresh(second.data.session?.refresh_token ?? '', single)).status).toBe(200);
  });

  describe('that are logged out', () => {
    async function two() {
      const first = await signedUp();
      const other = auth.client();
      const { data } = await other.signInWithPassword({ email: first.email, password });
      return { mine: first.client, mineToken: first.session.access_token, other: data.session?.access_token ?? '' };
    }
    const works = async (token: string) => (await auth.call('GET', '/user', { token })).status;

    test.each([
      ['global', [403, 403]],
      ['local', [403, 200]],
      ['others', [200, 403]],
    ] as const)('%s', async (scope, expected) => {
      const { mine, mineToken, other } = await two();
      const { error } = await mine.signOut({ scope });
      expect(error).toBeNull();
      expect([await works(mineToken), await works(other)]).toEqual(expected);
    });

    test('are not without a known scope', async () => {
      const { mineToken } = await two();
      const answer = await auth.call('POST', '/logout?scope=everybody', { token: mineToken });
      expect([answer.status, answer.body.error_code]).toEqual([400, 'validation_failed']);
    });

    test('answer 204 with nothing', async () => {
      const { mineToken } = await two();
      expect((await auth.call('POST', '/logout', { token: mineToken })).status).toBe(204);
    });
  });

  describe('a token', () => {
    test('must be there', async () => {
      const answer = await auth.call('GET', '/user');
      expect([answer.status, answer.body.error_code]).toEqual([401, 'no_authorization']);
    });

    test.each(['x', 'a.b.c', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.'])('must hold, and %s does not', async (token) => {
      const answer = await auth.call('GET', '/user', { token });
      expect([answer.status, answer.body.error_code]).toEqual([403, 'bad_jwt']);
    });

    test('must be of a user', async () => {
      const answer = await auth.call('GET', '/user', { token: await auth.token('anon') });
      expect([answer.status, answer.body.error_code, answer.body.msg]).toEqual([
        403,
        'bad_jwt',
        'invalid claim: missing sub claim',
      ]);
    });

    test('ends with its time', async () => {
      const { session } = await signedUp();
      await using later = await startAuth(database);
      later.advance(7200);
      expect((await later.call('GET', '/user', { token: session.access_token })).body).toMatchObject({
        error_code: 'bad_jwt',
      });
    });

    test('ends with its session and with its user', async () => {
      const { session, user } = await signedUp();
      await database.sql('DELETE FROM auth.sessions WHERE user_id = $1', user.id);
      expect((await auth.call('GET', '/user', { token: session.access_token })).body).toMatchObject({
        error_code: 'session_not_found',
      });
      await database.sql('DELETE FROM auth.users WHERE id = $1', user.id);
      expect((await auth.call('GET', '/user', { token: session.access_token })).body).toMatchObject({
        error_code: 'user_not_found',
      });
    });

    test('signed by the secret is accepted, and made where that is wanted', async () => {
      await using symmetric = await startAuth(database, { jwt: { algorithm: 'HS256' } });
      const { client } = await signedUp(symmetric);
      expect((await client.getUser()).error).toBeNull();
      expect((await symmetric.call('GET', '/.well-known/jwks.json')).body).toEqual({ keys: [] });
    });
  });
});
