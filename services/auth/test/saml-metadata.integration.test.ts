import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';
import { makeKeyPair, type SamlIdentityProvider, samlIdentityProvider } from './saml-identity-provider.js';

const entityId = 'https://idp.example/moving';
const day = 24 * 3600;

describe.skipIf(postgresBin === undefined)('metadata that come from a URL', () => {
  let database: TestDatabase;
  let auth: TestAuth;
  /** What the identity provider's server answers; undefined: 503. */
  let published: string | undefined;
  const tls = makeKeyPair();
  const server = createServer({ key: tls.key, cert: tls.certificate }, (_request, response) => {
    response.writeHead(published === undefined ? 503 : 200).end(published);
  });

  beforeAll(async () => {
    database = await startDatabase();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    auth = await startAuth(database, {
      saml: { enabled: true },
      outbound: { privateAddresses: true, ca: tls.certificate },
    });
  });
  afterAll(async () => {
    server.close();
    await auth?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const newIdp = async () =>
    samlIdentityProvider(entityId, String((await auth.call('GET', '/sso/saml/metadata')).body.text));

  /** '' where it signs in, else what is said. `shift`: how far the service's clock is ahead. */
  async function signIn(idp: SamlIdentityProvider, shift: number): Promise<string> {
    const now = Date.now() + shift * 1000;
    const times = { issuedAt: new Date(now), notBefore: new Date(now), notOnOrAfter: new Date(now + 60_000) };
    const body = { SAMLResponse: Buffer.from(await idp.respond(times)).toString('base64') };
    const { headers } = await auth.call('POST', '/sso/saml/acs', { body });
    return new URL(headers.get('location') ?? '').searchParams.get('error_description') ?? '';
  }

  test('are fetched again once a day, so that a provider may change its key', async () => {
    const [first, second] = [await newIdp(), await newIdp()];
    published = first.metadata;
    const { port } = server.address() as AddressInfo;
    const made = await auth.call('POST', '/admin/sso/providers', {
      token: await auth.token('service_role'),
      body: { type: 'saml', metadata_url: `https://localhost:${port}/metadata` },
    });
    expect(made.status).toBe(201);
    published = second.metadata;
    expect(await signIn(first, 0)).toBe('');
    expect(await signIn(second, 0)).toMatch(/does not hold/);
    auth.advance(day + 60);
    published = undefined;
    expect(await signIn(first, day + 60)).toBe('');
    published = second.metadata.replace(entityId, 'https://idp.example/another');
    expect(await signIn(first, day + 60)).toBe('');
    published = second.metadata;
    expect(await signIn(second, day + 60)).toBe('');
    expect(await signIn(first, day + 60)).toMatch(/does not hold/);
  });

  test('are not used beyond their own end', async () => {
    const idp = await newIdp();
    const ends = new Date(Date.now() + 2 * day * 1000).toISOString();
    published = idp.metadata.replace('entityID=', `validUntil="${ends}" entityID=`);
    auth.advance(day);
    expect(await signIn(idp, 2 * day + 60)).toMatch(/no longer valid/);
    published = idp.metadata;
    expect(await signIn(idp, 2 * day + 60)).toBe('');
  });

  test('requests are not signed without a key, and the metadata say so', async () => {
    const { text } = (await auth.call('GET', '/sso/saml/metadata')).body;
    expect(text).toContain('AuthnRequestsSigned="false"');
    expect(text).not.toContain('KeyDescriptor');
    const [row] = await database.sql<{ id: string }>('SELECT id FROM auth.sso_providers');
    const { data } = await auth.client().signInWithSSO({ providerId: row?.id ?? '' });
    expect(data?.url).not.toContain('Signature');
  });
});
