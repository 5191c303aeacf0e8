import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';

/** Whatever is sent, the answer is no error of ours. */
describe.skipIf(postgresBin === undefined)('any input', () => {
  let database: TestDatabase;
  let auth: TestAuth;
  let tokens: readonly (string | undefined)[];

  beforeAll(async () => {
    database = await startDatabase();
    auth = await startAuth(database, { signup: { anonymous: true, phone: true } });
    const { data } = await auth.client().signUp({ email: freshEmail(), password: 'correct horse' });
    tokens = [undefined, data.session?.access_token, await auth.token('service_role')];
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const nasty = fc.constantFrom(
    ...['', "'", "' OR 1=1 --", '\u0000', 'a\u0000b', '\ud800', '\\', '%', '_', '{{.}}', '__proto__', 'pkce_', 'null'],
    ...[
      '00000000-0000-0000-0000-000000000000',
      '-1',
      '9'.repeat(40),
      'x'.repeat(300),
      'a@b.c',
      '+491511234567',
      '2026-99-99',
    ],
  );
  const value = fc.oneof(nasty, fc.string(), fc.integer(), fc.constant(null), fc.boolean(), fc.jsonValue());
  const names = [
    ...[
      'email',
      'phone',
      'password',
      'data',
      'channel',
      'code_challenge',
      'code_challenge_method',
      'type',
      'token',
      'token_hash',
    ],
    ...[
      'refresh_token',
      'auth_code',
      'code_verifier',
      'nonce',
      'user_metadata',
      'app_metadata',
      'ban_duration',
      'id',
      'role',
      'aud',
    ],
    ...[
      'new_email',
      'redirect_to',
      'create_user',
      'email_confirm',
      'password_hash',
      'gotrue_meta_security',
      'current_password',
    ],
    ...['should_soft_delete', '__proto__'],
  ];
  const body = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 });
  const query = fc.dictionary(
    fc.constantFrom('type', 'token', 'redirect_to', 'page', 'per_page', 'filter', 'query', 'scope'),
    nasty,
    { maxKeys: 3 },
  );
  const routes = [
    ...['signup', 'otp', 'magiclink', 'verify', 'resend', 'recover', 'invite', 'logout'].map((path) => `POST /${path}`),
    ...['password', 'refresh_token', 'pkce', 'other'].map((grant) => `POST /token?grant_type=${grant}`),
    ...['GET /verify', 'GET /user', 'PUT /user', 'GET /reauthenticate', 'GET /settings', 'GET /health'],
    ...['GET /admin/users', 'POST /admin/users', 'GET /admin/audit', 'POST /admin/generate_link'],
    ...['GET', 'PUT', 'DELETE'].map((method) => `${method} /admin/users/%s`),
  ];

  test('gets an answer below 500', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        body,
        query,
        nasty,
        fc.nat(2),
        async (route, content, parameters, part, who) => {
          const [method = 'GET', path = ''] = route.split(' ');
          const whole = path.replace('%s', encodeURIComponent(part.replaceAll(/[\ud800-\udfff]/g, '')));
          const search = new URLSearchParams(parameters).toString();
          const token = tokens[who];
          const answer = await auth.call(method, `${whole}${whole.includes('?') ? '&' : '?'}${search}`, {
            ...(method === 'GET' ? {} : { body: content }),
            ...(token === undefined ? {} : { token }),
          });
          expect([route, answer.status, answer.body]).toEqual([route, expect.any(Number), answer.body]);
          expect(
            answer.status,
            JSON.stringify({ route, content, parameters, part, who, answer: answer.body }),
          ).toBeLessThan(500);
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('that is no JSON gets an answer below 500', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes.filter((route) => route.startsWith('POST'))),
        fc.string(),
        async (route, text) => {
          const [method = '', path = ''] = route.split(' ');
          const answer = await auth.call(method, path, { body: text });
          expect(answer.status).toBeLessThan(500);
        },
      ),
      { numRuns: 200 },
    );
  });
});
