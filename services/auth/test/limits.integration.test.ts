import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestDatabase } from './harness.js';

const password = 'correct horse';

describe.skipIf(postgresBin === undefined)('limits and settings', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startDatabase();
  });
  afterAll(async () => await database?.[Symbol.asyncDispose]());

  test.each([
    ['signUpsAndSignIns', 'POST', '/token?grant_type=password', { email: 'nobody@example.com', password }],
    ['tokenRefresh', 'POST', '/token?grant_type=refresh_token', { refresh_token: 'abcdefghijkl' }],
    ['otp', 'POST', '/recover', { email: 'nobody@example.com' }],
    ['verify', 'POST', '/verify', { type: 'email', email: 'nobody@example.com', token: '123456' }],
    ['anonymousUsers', 'POST', '/signup', {}],
  ] as const)('%s', async (name, method, path, body) => {
    await using auth = await startAuth(database, { rateLimits: { [name]: 2 }, signup: { anonymous: true } });
    const call = async (address: string) =>
      await auth.call(method, path, { body, headers: { 'x-forwarded-for': address } });
    await call('192.0.2.1');
    await call('192.0.2.1');
    const third = await call('192.0.2.1');
    expect([third.status, third.body.error_code, third.body.msg]).toEqual([
      429,
      'over_request_rate_limit',
      'Request rate limit reached',
    ]);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await call('192.0.2.2')).status).not.toBe(429);
    auth.advance(3600);
    expect((await call('192.0.2.1')).status).not.toBe(429);
  });

  test('can be off', async () => {
    await using auth = await startAuth(database, { rateLimits: { enabled: false, otp: 0 } });
    expect((await auth.call('POST', '/recover', { body: { email: freshEmail() } })).status).toBe(200);
  });

  test('the service says that it is well, and what it allows', async () => {
    await using auth = await startAuth(database, {
      providers: { google: { clientIds: ['x'] }, mine: { clientIds: ['y'] } },
    });
    expect((await auth.call('GET', '/health')).body).toMatchObject({
      name: 'GoTrue',
      version: expect.stringMatching(/^v2\.\d+\.\d+$/),
    });
    expect((await auth.call('GET', '/settings')).body).toMatchObject({
      external: { google: true, github: false, mine: true, email: true, phone: false, anonymous_users: false },
      disable_signup: false,
      mailer_autoconfirm: true,
      phone_autoconfirm: true,
      saml_enabled: false,
    });
    const { body } = await auth.call('GET', '/.well-known/jwks.json');
    expect(body).toMatchObject({
      keys: [{ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', kid: auth.keys.signing.current.id }],
    });
    expect(JSON.stringify(body)).not.toContain(auth.keys.signing.current.value.d);
  });

  test('an unknown path is not found', async () => {
    await using auth = await startAuth(database);
    expect((await auth.call('GET', '/nowhere')).status).toBe(404);
  });

  test('a body that is too large is refused', async () => {
    await using auth = await startAuth(database);
    const answer = await auth.call('POST', '/signup', {
      body: { email: freshEmail(), password, data: { x: 'y'.repeat(1_100_000) } },
    });
    expect(answer.status).toBe(413);
  });

  test('keys are rotated while the service runs', async () => {
    await using auth = await startAuth(database);
    const client = auth.client();
    const { data } = await client.signUp({ email: freshEmail(), password });
    const before = auth.keys.signing.current.id;
    auth.rotateSigningKey();
    expect((await client.getUser()).error).toBeNull();
    const refreshed = await client.refreshSession();
    const claims = await auth.client().getClaims(refreshed.data.session?.access_token);
    expect(claims.data?.header.kid).toBe(auth.keys.signing.current.id);
    expect(claims.data?.header.kid).not.toBe(before);
    await using other = await startAuth(database);
    const foreign = await other.call('GET', '/user', { token: data.session?.access_token ?? '' });
    expect(foreign.body).toMatchObject({ error_code: 'bad_jwt' });
  });

  test.each(['fe80::1%eth0', '2001:db8::1', 'nonsense', ', ,'])('a client may be at %j', async (address) => {
    await using auth = await startAuth(database);
    const headers = { 'x-forwarded-for': address };
    const answer = await auth.call('POST', '/signup', { body: { email: freshEmail(), password }, headers });
    expect(answer.status).toBe(200);
  });
});
