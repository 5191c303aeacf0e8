import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';

/** Whatever is sent to what second factors, passkeys, providers and applications use, the answer is no error of ours. */
describe.skipIf(postgresBin === undefined)('any input', () => {
  let database: TestDatabase;
  let auth: TestAuth;
  let tokens: readonly (string | undefined)[];
  let ids: readonly string[];

  beforeAll(async () => {
    database = await startDatabase();
    auth = await startAuth(database, {
      identities: { manualLinking: true },
      oauthServer: { enabled: true, dynamicRegistration: true },
      passkeys: { enabled: true, maxPerUser: 1000 },
      web3: { ethereum: true, solana: true },
      mfa: {
        maxEnrolledFactors: 10_000,
        phone: { enroll: true, verify: true, maxFrequencySeconds: 0 },
        webauthn: { enroll: true, verify: true },
      },
      providers: { github: { clientIds: ['id'], secret: 'secret' } },
    });
    const { data } = await auth.client().signUp({ email: freshEmail(), password: 'correct horse' });
    const token = data.session?.access_token ?? '';
    const service = await auth.token('service_role');
    tokens = [undefined, token, service];
    const factors = await Promise.all(
      ['totp', 'webauthn'].map(
        async (factor_type) => await auth.call('POST', '/factors', { token, body: { factor_type } }),
      ),
    );
    const client = await auth.call('POST', '/admin/oauth/clients', {
      token: service,
      body: { redirect_uris: ['https://a.example/'] },
    });
    ids = [data.user?.id ?? '', String(client.body.client_id), ...factors.map(({ body }) => String(body.id))];
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const nasty = fc.constantFrom(
    ...[
      '',
      "'",
      "' OR 1=1 --",
      '\u0000',
      'a\u0000b',
      '\ud800',
      '\\',
      '%',
      '{a,b}',
      '__proto__',
      'null',
      'custom:',
      'custom:x',
    ],
    ...[
      '00000000-0000-0000-0000-000000000000',
      '-1',
      '9'.repeat(40),
      'x'.repeat(3000),
      'x'.repeat(60),
      '+491511234567',
    ],
    ...[
      'https://a.example/',
      'https://10.0.0.1',
      'javascript:x',
      'github',
      'totp',
      'phone',
      'webauthn',
      'oidc',
      'oauth2',
      'saml',
    ],
    ...[
      'solana',
      'ethereum',
      'create',
      'request',
      'approve',
      'deny',
      'authorization_code',
      'refresh_token',
      'public',
      'none',
    ],
    '<EntityDescriptor entityID="x"><IDPSSODescriptor/></EntityDescriptor>',
  );
  const value = fc.oneof(
    nasty,
    fc.string(),
    fc.integer(),
    fc.constant(null),
    fc.boolean(),
    fc.array(nasty, { maxLength: 3 }),
    fc.dictionary(nasty, nasty, { maxKeys: 2 }),
    fc.jsonValue(),
  );
  const names = (
    'friendly_name factor_type issuer phone channel challenge_id code webauthn credential id_token access_token nonce provider ' +
    'client_id client_secret message signature chain link_identity state error redirect_uri response_type scope resource ' +
    'code_challenge code_challenge_method code_verifier grant_type refresh_token action redirect_uris grant_types client_type ' +
    'client_name client_uri logo_uri token_endpoint_auth_method provider_type identifier name scopes attribute_mapping ' +
    'authorization_params acceptable_client_ids discovery_url authorization_url token_url userinfo_url enabled type domains ' +
    'metadata_xml metadata_url name_id_format resource_id invite_token redirect_to page per_page __proto__'
  ).split(' ');
  const body = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 8 });
  const query = fc.dictionary(fc.constantFrom(...names), nasty, { maxKeys: 6 });
  const routes = (
    'POST /factors|POST /factors/%/challenge|POST /factors/%/verify|GET /authorize|GET /callback|POST /callback|' +
    'GET /user/identities/authorize|DELETE /user/identities/%|POST /token?grant_type=id_token|POST /token?grant_type=web3|' +
    'POST /passkeys/registration/options|POST /passkeys/registration/verify|POST /passkeys/authentication/options|' +
    'POST /passkeys/authentication/verify|GET /passkeys|PATCH /passkeys/%|DELETE /passkeys/%|POST /sso|' +
    'GET /admin/sso/providers|POST /admin/sso/providers|GET /admin/sso/providers/%|PUT /admin/sso/providers/%|' +
    'GET /admin/custom-providers|POST /admin/custom-providers|GET /admin/custom-providers/%|PUT /admin/custom-providers/%|' +
    'DELETE /admin/custom-providers/%|GET /admin/oauth/clients|POST /admin/oauth/clients|GET /admin/oauth/clients/%|' +
    'PUT /admin/oauth/clients/%|POST /admin/oauth/clients/%/regenerate_secret|POST /oauth/register|GET /oauth/authorize|' +
    'POST /oauth/token|GET /oauth/userinfo|GET /oauth/authorizations/%|POST /oauth/authorizations/%/consent|' +
    'GET /user/oauth/grants|DELETE /user/oauth/grants|GET /admin/users/%/factors|PUT /admin/users/%/factors/%|' +
    'GET /admin/users/%/passkeys|DELETE /admin/users/%/passkeys/%'
  ).split('|');

  test('gets an answer below 500', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        body,
        query,
        fc.tuple(fc.oneof(nasty, fc.nat(3)), fc.oneof(nasty, fc.nat(3))),
        fc.nat(2),
        async (route, content, parameters, parts, who) => {
          const [method = 'GET', path = ''] = route.split(' ');
          let next = 0;
          const whole = path.replaceAll('%', () => {
            const part = parts[next] ?? '';
            next += 1;
            const text = typeof part === 'number' ? (ids[part] ?? '') : part.replaceAll(/[\ud800-\udfff]/g, '');
            return encodeURIComponent(text);
          });
          const search = new URLSearchParams(parameters).toString();
          const token = tokens[who];
          const answer = await auth.call(method, `${whole}${whole.includes('?') ? '&' : '?'}${search}`, {
            ...(method === 'GET' ? {} : { body: content }),
            ...(token === undefined ? {} : { token }),
          });
          const told = JSON.stringify({ route: `${method} ${whole}`, content, parameters, who, answer: answer.body });
          expect(answer.status, told).toBeLessThan(500);
        },
      ),
      { numRuns: 2500 },
    );
  });
});
