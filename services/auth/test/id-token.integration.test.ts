import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';

const sha256Hex = (text: string) => createHash('sha256').update(text).digest('hex');

describe.skipIf(postgresBin === undefined)('token?grant_type=id_token', () => {
  let database: TestDatabase;
  let auth: TestAuth;
  let linking: TestAuth;
  let server: Server;
  let issuer: string;
  let keys: Awaited<ReturnType<typeof generateKeyPair>>;
  let foreign: Awaited<ReturnType<typeof generateKeyPair>>;
  let fetches = 0;

  beforeAll(async () => {
    database = await startDatabase();
    keys = await generateKeyPair('RS256', { extractable: true });
    foreign = await generateKeyPair('RS256', { extractable: true });
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
    server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      if (request.url === '/jwks') fetches += 1;
      response.end(
        JSON.stringify(
          request.url === '/jwks'
            ? { keys: [jwk] }
            : {
                issuer,
                authorization_endpoint: `${issuer}/auth`,
                token_endpoint: `${issuer}/token`,
                jwks_uri: `${issuer}/jwks`,
              },
        ),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = { clientIds: ['web', 'ios'], secret: 's', url: issuer };
    const providers = {
      google: provider,
      apple: { ...provider, skipNonceCheck: true },
      off: { ...provider, enabled: false },
      discord: { clientIds: ['web'] },
    };
    auth = await startAuth(database, { providers, idTokens: { allowedIssuers: [issuer] } });
    linking = await startAuth(database, { providers, identities: { manualLinking: true } });
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await linking?.[Symbol.asyncDispose]();
    server?.closeAllConnections();
    server?.close();
    await database?.[Symbol.asyncDispose]();
  });

  let people = 0;
  async function token(
    claims: Readonly<Record<string, unknown>> = {},
    {
      key = keys.privateKey,
      alg = 'RS256',
      kid = 'one',
    }: { key?: Parameters<SignJWT['sign']>[0]; alg?: string; kid?: string } = {},
  ): Promise<string> {
    people += 1;
    const now = Math.floor(Date.now() / 1000);
    const payload = {
      iss: issuer,
      aud: 'web',
      sub: `person-${people}`,
      email: freshEmail(),
      email_verified: true,
      iat: now,
      exp: now + 300,
      ...claims,
    };
    const given = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined));
    return await new SignJWT(given).setProtectedHeader({ alg, kid }).sign(key);
  }

  const grant = async (body: Readonly<Record<string, unknown>>, service = auth, bearer?: string) =>
    await service.call('POST', '/token?grant_type=id_token', {
      body,
      ...(bearer === undefined ? {} : { token: bearer }),
    });

  const bad = (description: string | RegExp) => ({
    status: 400,
    body: { error: 'invalid request', error_description: expect.stringMatching(description) },
  });

  test('signs in through the official client, the nonce being the hash of the given one', async () => {
    const email = freshEmail();
    const idToken = await token({ email, nonce: sha256Hex('my nonce'), name: 'Ada', sub: 'ada' });
    const client = auth.client();
    const { data, error } = await client.signInWithIdToken({ provider: 'google', token: idToken, nonce: 'my nonce' });
    expect(error).toBeNull();
    expect(data.session?.access_token).toBeTypeOf('string');
    expect(data.user).toMatchObject({
      email,
      app_metadata: { provider: 'google' },
      user_metadata: { full_name: 'Ada' },
    });
    const again = await grant({ provider: 'google', id_token: await token({ email, sub: 'ada' }) });
    expect(again.body.user).toMatchObject({ id: data.user?.id });
  });

  test('nonces must be on both sides or on none, and fit', async () => {
    const withNonce = await token({ nonce: sha256Hex('right') });
    expect(await grant({ provider: 'google', id_token: withNonce })).toMatchObject(bad('either both exist or not'));
    expect(await grant({ provider: 'google', id_token: await token(), nonce: 'x' })).toMatchObject(
      bad('either both exist or not'),
    );
    const wrong = await grant({ provider: 'google', id_token: withNonce, nonce: 'wrong' });
    expect(wrong).toMatchObject({
      status: 400,
      body: { error: 'invalid nonce', error_description: 'Nonces mismatch' },
    });
    const raw = await grant({ provider: 'google', id_token: await token({ nonce: 'raw' }), nonce: 'raw' });
    expect(raw.body.error).toBe('invalid nonce');
    expect((await grant({ provider: 'apple', id_token: withNonce })).status).toBe(200);
  });

  test('audience, issuer, signature, algorithm and time count', async () => {
    expect(await grant({ provider: 'google', id_token: await token({ aud: 'ios' }) })).toMatchObject({ status: 200 });
    expect(await grant({ provider: 'google', id_token: await token({ aud: ['other', 'web'] }) })).toMatchObject({
      status: 200,
    });
    expect(await grant({ provider: 'google', id_token: await token({ aud: 'another app' }) })).toMatchObject(
      bad('Unacceptable audience'),
    );
    const past = Math.floor(Date.now() / 1000) - 3600;
    for (const idToken of [
      await token({ iss: 'https://evil.example' }),
      await token({}, { key: foreign.privateKey }),
      await token({}, { key: foreign.privateKey, kid: 'unknown' }),
      await token({}, { key: new TextEncoder().encode('s'.repeat(32)), alg: 'HS256' }),
      await token({ exp: past, iat: past - 60 }),
      await token({ exp: undefined }),
      await token({ aud: undefined }),
      `${(await token()).split('.').slice(0, 2).join('.')}.`,
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await token()).split('.')[1]}.`,
      'no token',
    ]) {
      expect(await grant({ provider: 'google', id_token: idToken })).toMatchObject(bad('Bad ID token'));
    }
    expect(await grant({ provider: 'google', id_token: await token({ sub: '' }) })).toMatchObject(bad('Missing sub'));
  });

  test('unknown keys do not make us ask the provider each time', async () => {
    const before = fetches;
    for (let count = 0; count < 5; count += 1) {
      await grant({ provider: 'google', id_token: await token({}, { kid: `unknown ${count}` }) });
    }
    expect(fetches - before).toBeLessThanOrEqual(1);
  });

  test('an access token must be the one that the id token speaks of', async () => {
    const accessToken = 'the access token';
    const hash = createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url');
    const idToken = await token({ at_hash: hash });
    expect((await grant({ provider: 'google', id_token: idToken, access_token: accessToken })).status).toBe(200);
    expect(await grant({ provider: 'google', id_token: idToken, access_token: 'another' })).toMatchObject(
      bad('Bad ID token'),
    );
  });

  test('what is missing, and what is not allowed', async () => {
    expect(await grant({ provider: 'google' })).toMatchObject(bad('id_token required'));
    expect(await grant({ id_token: 'x' })).toMatchObject(bad('provider or client_id and issuer required'));
    const idToken = await token();
    for (const [body, code] of [
      [{ provider: 'off', id_token: idToken }, 'provider_disabled'],
      [{ provider: 'discord', id_token: idToken }, 'validation_failed'],
      [{ provider: 'nobody', id_token: idToken }, 'validation_failed'],
      [{ provider: 'custom:none', id_token: idToken }, 'validation_failed'],
      [{ provider: 'constructor', id_token: idToken }, 'validation_failed'],
      [{ issuer: 'https://evil.example', client_id: 'web', id_token: idToken }, 'validation_failed'],
      [{ provider: 'google', id_token: 5 }, 'bad_json'],
    ] as const) {
      expect(await grant(body)).toMatchObject({ status: 400, body: { error_code: code } });
    }
  });

  test('an allowed issuer with the audience that the caller names', async () => {
    const idToken = await token({ aud: 'my app' });
    const named = { issuer, client_id: 'my app', id_token: idToken, provider: 'somebody' };
    const { status, body } = await grant(named);
    expect(status).toBe(200);
    expect(body.user).toMatchObject({ app_metadata: { provider: issuer } });
    expect(await grant({ ...named, client_id: 'another app' })).toMatchObject(bad('Unacceptable audience'));
  });

  test('links to the account of the caller', async () => {
    const client = linking.client();
    const { data: signed } = await client.signUp({ email: freshEmail(), password: 'correct horse' });
    const idToken = await token({ sub: 'linked' });
    const { data, error } = await client.linkIdentity({ provider: 'google', token: idToken });
    expect(error).toBeNull();
    expect(data).toMatchObject({ user: { id: signed.user?.id, app_metadata: { providers: ['email', 'google'] } } });
    const again = await client.linkIdentity({ provider: 'google', token: idToken });
    expect(again.error).toMatchObject({ code: 'identity_already_exists', status: 422 });
    const nobody = await grant({ provider: 'google', id_token: idToken, link_identity: true }, linking);
    expect(nobody).toMatchObject(bad('Linking requires a valid user access token'));
    const forged = await grant({ provider: 'google', id_token: idToken, link_identity: true }, linking, 'forged');
    expect(forged).toMatchObject({ status: 403, body: { error_code: 'bad_jwt' } });
    const { data: session } = await client.getSession();
    const off = await grant(
      { provider: 'google', id_token: await token(), link_identity: true },
      auth,
      session.session?.access_token ?? '',
    );
    expect(off).toMatchObject({ status: 404, body: { error_code: 'manual_linking_disabled' } });
  });
});
