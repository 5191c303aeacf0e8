import fc from 'fast-check';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createAuthenticator } from '../../src/auth/authenticator.js';
import { RestError } from '../../src/errors/rest-error.js';
import { defaultSettings, type RestSettings } from '../../src/settings.js';
import { thrown } from '../support/thrown.js';

const secret = 'a secret of a test that is long enough';
const now = new Date('2030-01-01T00:00:00Z');
const seconds = now.getTime() / 1000;

const settings: RestSettings = { ...defaultSettings, anonymousRole: 'anon', jwtSecret: secret };

async function sign(claims: JWTPayload, key: string | CryptoKey = secret, header = {}): Promise<string> {
  const bytes = typeof key === 'string' ? Buffer.from(key) : key;
  return await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(bytes);
}

const authenticate = async (token: string, change: Partial<RestSettings> = {}) =>
  await createAuthenticator({ ...settings, ...change }).authenticate(`Bearer ${token}`, now);

const refusal = async (token: string, change: Partial<RestSettings> = {}) =>
  await thrown(async () => await authenticate(token, change));

describe('without a token', () => {
  test('the anonymous role asks', async () => {
    const { authenticate: ask } = createAuthenticator(settings);
    const anonymous = { role: 'anon', claims: '{"role":"anon"}', authenticated: false };
    expect(await ask(undefined)).toEqual(anonymous);
    expect(await ask('Basic dXNlcjpwYXNz')).toEqual(anonymous);
  });

  test('nobody asks where there is none', async () => {
    const error = await thrown(
      async () => await createAuthenticator({ ...settings, anonymousRole: null }).authenticate(undefined),
    );
    expect(error.status).toBe(401);
    expect(error.body).toMatchObject({ code: 'PGRST302', message: 'Anonymous access is disabled' });
    expect(error.headers).toEqual([['WWW-Authenticate', 'Bearer']]);
  });
});

describe('a token', () => {
  test('gives role and claims, as they were signed', async () => {
    const claims = '{"role":"author", "big":9007199254740993}';
    const head = Buffer.from('{"alg":"HS256"}').toString('base64url');
    const { createHmac } = await import('node:crypto');
    const body = `${head}.${Buffer.from(claims).toString('base64url')}`;
    const token = `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
    expect(await authenticate(token)).toEqual({ role: 'author', claims, authenticated: true });
  });

  test('without a role is the anonymous one, or none', async () => {
    const token = await sign({ sub: 'x' });
    expect(await authenticate(token)).toEqual({
      role: 'anon',
      claims: '{"sub":"x","role":"anon"}',
      authenticated: false,
    });
    expect((await refusal(token, { anonymousRole: null })).code).toBe('PGRST302');
  });

  test('may have its role elsewhere', async () => {
    const token = await sign({ app: { 'the roles': ['x', 'role:editor'] } });
    const where = (jwtRoleClaimKey: string) => authenticate(token, { jwtRoleClaimKey });
    expect((await where('.app."the roles"[1]')).role).toBe('role:editor');
    expect((await where('.app."the roles"[?(@ ^== "role:")][5:]')).role).toBe('editor');
    expect((await where('.nowhere')).role).toBe('anon');
  });

  test('needs a secret', async () => {
    const error = await refusal(await sign({ role: 'author' }), { jwtSecret: null });
    expect([error.status, error.code, error.message]).toEqual([500, 'PGRST300', 'Server lacks JWT secret']);
  });

  test.each([
    ['', 'Empty JWT is sent in Authorization header'],
    ['a.b', 'Expected 3 parts in JWT; got 2'],
    ['a.b.c.d', 'Expected 3 parts in JWT; got 4'],
    ['a.b.c', "JWT couldn't be decoded"],
    [`${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`, 'Wrong or unsupported encoding algorithm'],
    [`${Buffer.from('{"alg":"RS256"}').toString('base64url')}.e30.AA`, 'No suitable key or wrong key type'],
  ])('that is none (%j) is PGRST301', async (token, message) => {
    const error = await refusal(token);
    expect([error.status, error.code, error.message]).toEqual([401, 'PGRST301', message]);
    expect(error.headers).toEqual([
      ['WWW-Authenticate', `Bearer error="invalid_token", error_description="${message}"`],
    ]);
  });

  test('that somebody else signed is PGRST301', async () => {
    const error = await refusal(await sign({ role: 'author' }, 'another secret of the same length!!!!!'));
    expect(error.code).toBe('PGRST301');
    expect(error.details).toBe('None of the keys was able to decode the JWT');
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['expired', { exp: seconds - 31 }, 'JWT expired'],
    ['not yet valid', { nbf: seconds + 31 }, 'JWT not yet valid'],
    ['from the future', { iat: seconds + 31 }, 'JWT issued at future'],
    ['with an odd exp', { exp: 'x' }, "The JWT 'exp' claim must be a number"],
    ['with an odd nbf', { nbf: true }, "The JWT 'nbf' claim must be a number"],
    ['with an odd iat', { iat: {} }, "The JWT 'iat' claim must be a number"],
    ['with an odd aud', { aud: [1] }, "The JWT 'aud' claim must be a string or an array of strings"],
    ['for another audience', { aud: 'others' }, 'JWT not in audience'],
  ])('%s is PGRST303', async (_name, claims, message) => {
    const error = await refusal(await sign(claims as JWTPayload), { jwtAudience: 'us' });
    expect([error.status, error.code, error.message]).toEqual([401, 'PGRST303', message]);
  });

  test.each<[string, Record<string, unknown>]>([
    ['just expired', { exp: seconds - 29 }],
    ['nearly valid', { nbf: seconds + 29, iat: seconds + 29 }],
    ['with nulls', { exp: null, aud: null }],
    ['for us', { aud: ['others', 'us'] }],
    ['for nobody', { aud: [] }],
  ])('%s is good, since clocks differ', async (_name, claims) => {
    const token = await sign({ role: 'author', ...claims } as JWTPayload);
    expect((await authenticate(token, { jwtAudience: 'us' })).role).toBe('author');
  });

  test('whose payload is no object is PGRST303', async () => {
    const { CompactSign } = await import('jose');
    const token = await new CompactSign(Buffer.from('[1]'))
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(secret));
    expect((await refusal(token)).message).toBe('Parsing claims failed');
  });

  test('is judged again each time that it comes', async () => {
    const authenticator = createAuthenticator(settings);
    const header = `Bearer ${await sign({ role: 'author', exp: seconds })}`;
    expect((await authenticator.authenticate(header, now)).role).toBe('author');
    const later = new Date(now.getTime() + 60_000);
    expect((await thrown(async () => await authenticator.authenticate(header, later))).message).toBe('JWT expired');
  });
});

describe('keys', () => {
  test.each(['ES256', 'RS256', 'EdDSA'])('of a JWKS check tokens by %s, each with its own algorithm', async (alg) => {
    const pair = await generateKeyPair(alg, { extractable: true });
    const other = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'one', alg };
    const oct = { kty: 'oct', k: Buffer.from(secret).toString('base64url'), alg: 'HS256' };
    const jwtSecret = JSON.stringify({ keys: [jwk, oct] });
    const good = await sign({ role: 'author' }, pair.privateKey, { alg, kid: 'one' });
    expect((await authenticate(good, { jwtSecret })).role).toBe('author');
    expect((await authenticate(await sign({ role: 'author' }), { jwtSecret })).role).toBe('author');
    const forged = await sign({ role: 'author' }, other.privateKey, { alg, kid: 'one' });
    expect((await refusal(forged, { jwtSecret })).code).toBe('PGRST301');
    const unknown = await sign({ role: 'author' }, pair.privateKey, { alg, kid: 'two' });
    expect((await refusal(unknown, { jwtSecret })).details).toBe('No suitable key was found to decode the JWT');
  });

  test('a public key is no secret', async () => {
    const pair = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(pair.publicKey);
    const confused = await sign({ role: 'author' }, JSON.stringify(jwk));
    expect((await refusal(confused, { jwtSecret: JSON.stringify(jwk) })).code).toBe('PGRST301');
  });

  test('a secret may be base64', async () => {
    const jwtSecret = Buffer.from(secret).toString('base64');
    const token = await sign({ role: 'author' });
    expect((await authenticate(token, { jwtSecret, jwtSecretIsBase64: true })).role).toBe('author');
  });
});

test('whatever is sent, the answer is an identity or a PGRST error', async () => {
  const authenticator = createAuthenticator(settings);
  const part = fc.oneof(
    fc.string(),
    fc.base64String(),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 4 }), async (parts) => {
      try {
        await authenticator.authenticate(`Bearer ${parts.join('.')}`, now);
      } catch (error) {
        expect(error).toBeInstanceOf(RestError);
      }
    }),
  );
});
