import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';
import { type SamlIdentityProvider, type Statement, samlIdentityProvider } from './saml-identity-provider.js';

const app = 'https://app.example/welcome';

describe.skipIf(postgresBin === undefined)('signing in by SAML', () => {
  let database: TestDatabase;
  let auth: TestAuth;
  let idp: SamlIdentityProvider;
  let stranger: SamlIdentityProvider;
  let providerId: string;

  beforeAll(async () => {
    database = await startDatabase();
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    auth = await startAuth(database, {
      saml: { enabled: true, privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() },
      redirectAllowList: [app],
    });
    const metadata = String((await auth.call('GET', '/sso/saml/metadata')).body.text);
    idp = samlIdentityProvider('https://idp.example/one', metadata);
    stranger = samlIdentityProvider('https://idp.example/one', metadata);
    const made = await auth.call('POST', '/admin/sso/providers', {
      token: await auth.token('service_role'),
      body: {
        type: 'saml',
        metadata_xml: idp.metadata,
        domains: ['example.com'],
        attribute_mapping: {
          keys: {
            full_name: { names: ['nothing', 'displayName'] },
            groups: { name: 'memberOf', array: true },
            plan: { name: 'plan', default: 'free' },
          },
        },
      },
    });
    expect(made.status).toBe(201);
    providerId = String(made.body.id);
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  /** As the browser does: posts the form that the identity provider made. */
  async function post(xml: string, relayState = ''): Promise<URL> {
    const response = await fetch(`${auth.url}/sso/saml/acs`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ SAMLResponse: Buffer.from(xml).toString('base64'), RelayState: relayState }),
    });
    expect(response.status).toBe(303);
    expect(response.headers.get('cache-control')).toBe('no-store');
    return new URL(response.headers.get('location') ?? '');
  }

  const fragment = (url: URL) => new URLSearchParams(url.hash.slice(1));

  async function begin(flowType: 'implicit' | 'pkce' = 'implicit') {
    const client = auth.client({ flowType });
    const { data, error } = await client.signInWithSSO({ domain: 'example.com', options: { redirectTo: app } });
    expect(error).toBeNull();
    return { client, ...(await idp.readRequest(data?.url ?? '')) };
  }

  async function expectRefused(xml: string, fault: RegExp, relayState = '') {
    const before = await database.sql('SELECT FROM auth.sessions');
    const url = await post(xml, relayState);
    expect(url.searchParams.get('error_description')).toMatch(fault);
    expect(url.origin).toBe('http://127.0.0.1:3000');
    expect(fragment(url).get('access_token')).toBeNull();
    expect(await database.sql('SELECT FROM auth.sessions')).toHaveLength(before.length);
  }

  test('the service says what it is', async () => {
    const { headers, body } = await auth.call('GET', '/sso/saml/metadata?download=true');
    expect(headers.get('content-type')).toMatch(/^application\/xml/);
    expect(headers.get('content-disposition')).toContain('metadata.xml');
    expect(body.text).toContain('validUntil=');
    expect(body.text).toContain('AuthnRequestsSigned="true"');
    const again = (await auth.call('GET', '/sso/saml/metadata')).body.text;
    expect((await auth.call('GET', '/sso/saml/metadata')).body.text).toBe(again);
  });

  test('auth-js begins, the identity provider checks the signed request, its answer signs in', async () => {
    const { id, relayState } = await begin();
    const sessionEnd = new Date(Date.now() + 3_600_000);
    const statement = {
      nameId: 'p1',
      attributes: {
        mail: ['P1@example.com'],
        displayName: ['Person One'],
        memberOf: ['a', 'b'],
      },
      inResponseTo: id,
      sessionEnd,
    };
    const url = await post(await idp.respond(statement), relayState);
    expect(url.href.startsWith(`${app}#`)).toBe(true);
    const client = auth.client();
    const session = {
      access_token: fragment(url).get('access_token') ?? '',
      refresh_token: fragment(url).get('refresh_token') ?? '',
    };
    const { data, error } = await client.setSession(session);
    expect(error).toBeNull();
    expect(data.user).toMatchObject({
      email: 'p1@example.com',
      app_metadata: { provider: `sso:${providerId}`, providers: [`sso:${providerId}`] },
      user_metadata: {
        iss: idp.entityId,
        sub: 'p1',
        full_name: 'Person One',
        email_verified: true,
        custom_claims: { groups: ['a', 'b'], plan: 'free' },
      },
    });
    const { data: claims } = await client.getClaims(session.access_token);
    expect(claims?.claims.amr).toMatchObject([{ method: 'sso/saml', provider: providerId }]);
    const rows = await database.sql(
      `SELECT extract(epoch FROM s.not_after AT TIME ZONE 'UTC')::float8 AS ends, u.is_sso_user
       FROM auth.sessions s JOIN auth.users u ON u.id = s.user_id WHERE u.id = $1`,
      data.user?.id,
    );
    expect(rows).toEqual([{ ends: sessionEnd.getTime() / 1000, is_sso_user: true }]);
    // The same person comes again, with another name at the directory.
    const next = await begin();
    const changed = {
      ...statement,
      inResponseTo: next.id,
      attributes: { mail: ['p1@example.com'], displayName: ['P. One'] },
    };
    await post(await idp.respond(changed), next.relayState);
    const people = await database.sql('SELECT FROM auth.users WHERE email = $1', 'p1@example.com');
    expect(people).toHaveLength(1);
  });

  test.each(['assertion', 'response', 'both'] as const)('with PKCE, where the %s is signed', async (sign) => {
    const { client, id, relayState } = await begin('pkce');
    const attributes = { email: [`${sign}@example.com`] };
    const url = await post(await idp.respond({ nameId: sign, attributes, inResponseTo: id, sign }), relayState);
    expect(url.hash).toBe('');
    const { data, error } = await client.exchangeCodeForSession(url.searchParams.get('code') ?? '');
    expect(error).toBeNull();
    expect(data.user?.email).toBe(`${sign}@example.com`);
  });

  test('the identity provider may begin; it leads only where the allow-list says', async () => {
    const url = await post(await idp.respond({ nameId: 'p3', attributes: { mail: ['p3@example.com'] } }), app);
    expect(url.href.startsWith(`${app}#access_token=`)).toBe(true);
    const elsewhere = await post(await idp.respond({ nameId: 'p3' }), 'https://evil.example/');
    expect(elsewhere.origin).toBe('http://127.0.0.1:3000');
    expect(fragment(elsewhere).get('access_token')).not.toBeNull();
  });

  test('somebody with the same address and a password is somebody else', async () => {
    const email = 'shared@example.com';
    const { data } = await auth.client().signUp({ email, password: 'correct horse' });
    const url = await post(await idp.respond({ nameId: 'shared', attributes: { mail: [email] } }));
    const { data: user } = await auth.client().getUser(fragment(url).get('access_token') ?? '');
    expect(user.user?.email).toBe(email);
    expect(user.user?.id).not.toBe(data.user?.id);
  });

  test('requests that are refused', async () => {
    const refused = async (body: unknown) => (await auth.call('POST', '/sso', { body })).body.error_code;
    expect(await refused({})).toBe('validation_failed');
    expect(await refused({ domain: 'example.com', provider_id: providerId })).toBe('validation_failed');
    expect(await refused({ domain: 'nobody.example' })).toBe('sso_provider_not_found');
    expect(await refused({ provider_id: 'x' })).toBe('validation_failed');
    expect(await refused({ provider_id: '00000000-0000-0000-0000-000000000000' })).toBe('sso_provider_not_found');
    const plain = await auth.call('POST', '/sso', { body: { provider_id: providerId } });
    expect(plain.status).toBe(303);
    expect(plain.headers.get('location')).toMatch(/^https:\/\/idp\.example\/one\/sign-in\?tenant=1&SAMLRequest=/);
  });

  describe('an answer is refused', () => {
    const past = (seconds: number) => new Date(Date.now() - seconds * 1000);
    const cases: readonly (readonly [string, Statement, RegExp])[] = [
      ['that nobody signed', { sign: 'nothing' }, /neither the response nor the assertion is signed/],
      ['for another service', { audience: 'https://other.example' }, /audience/],
      ['sent to another place', { destination: 'https://other.example/acs' }, /destination/],
      ['for another recipient', { recipient: 'https://other.example/acs' }, /no confirmation/],
      ['of another issuer', { issuer: 'https://idp.example/two' }, /has not been established/],
      ['that is expired', { notOnOrAfter: past(200) }, /expired/],
      ['that is not valid yet', { notBefore: new Date(Date.now() + 600_000) }, /not valid yet/],
      ['that is old', { issuedAt: past(400) }, /too long ago/],
      ['of the future', { issuedAt: past(-400) }, /in the future/],
      ['to a request that we did not make', { inResponseTo: 'id-1234' }, /another request/],
      ['without success', { status: 'urn:oasis:names:tc:SAML:2.0:status:Responder' }, /status/],
      ['of a session that is over', { sessionEnd: past(1) }, /session is over/],
      ['about a transient name', { nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' }, /persistent/],
      ['about nobody with an address', { attributes: {} }, /email/],
    ];
    test.each(cases)('%s', async (_, statement, fault) => {
      await expectRefused(await idp.respond(statement), fault);
    });

    test('by somebody else’s key', async () => {
      await expectRefused(await stranger.respond({}), /signature does not hold/);
    });

    test('that comes twice, also at once', async () => {
      const xml = await idp.respond({ nameId: 'twice', attributes: { mail: ['twice@example.com'] } });
      const answers = await Promise.all([post(xml, app), post(xml, app), post(xml, app)]);
      expect(answers.filter((url) => fragment(url).get('access_token') !== null)).toHaveLength(1);
      await expectRefused(xml, /used before/);
    });

    test('whose relay state was used, is not ours, or is old', async () => {
      const { id, relayState } = await begin();
      await post(await idp.respond({ inResponseTo: id }), relayState);
      await expectRefused(await idp.respond({ inResponseTo: id }), /does not exist/, relayState);
      await expectRefused(await idp.respond({}), /does not exist/, '0b0e6d3c-3f0e-4e0c-8f6c-7d1f0f0d4a11');
      const other = await begin();
      const third = await begin();
      await expectRefused(await idp.respond({ inResponseTo: third.id }), /another request/, other.relayState);
      await expectRefused(await idp.respond({}), /no confirmation/, other.relayState);
      await database.sql(
        "UPDATE auth.saml_relay_states SET created_at = now() - interval '1 hour' WHERE id = $1",
        other.relayState,
      );
      await expectRefused(await idp.respond({ inResponseTo: other.id }), /expired/, other.relayState);
    });

    test('whose assertion was used, by the row that remembers it', async () => {
      await post(await idp.respond({}));
      const [row] = await database.sql<{ id: string }>(
        "SELECT id FROM auth.saml_relay_states WHERE request_id LIKE ' used %' ORDER BY created_at DESC LIMIT 1",
      );
      await expectRefused(await idp.respond({}), /does not exist/, row?.id);
    });

    test('of a provider that is switched off', async () => {
      const token = await auth.token('service_role');
      const change = async (disabled: boolean) =>
        await auth.call('PUT', `/admin/sso/providers/${providerId}`, { token, body: { disabled } });
      await change(true);
      await expectRefused(await idp.respond({}), /disabled/);
      const { error } = await auth.client().signInWithSSO({ providerId });
      expect(error).toMatchObject({ code: 'sso_provider_disabled' });
      await change(false);
    });
  });

  test('nothing that is posted makes an answer of 500', async () => {
    const valid = await idp.respond({});
    const deep = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">${'<a>'.repeat(50_000)}`;
    for (const xml of ['', '<', '<a/>', valid.slice(0, -20), deep, `${valid}${valid}`, '\u0000', '<!DOCTYPE a><a/>']) {
      const url = await post(xml);
      expect(['validation_failed', 'saml_idp_not_found']).toContain(url.searchParams.get('error_code'));
    }
    for (const body of [{}, { SAMLResponse: 5 }, { SAMLResponse: '%%%' }]) {
      expect((await auth.call('POST', '/sso/saml/acs', { body })).status).toBe(303);
    }
  });
});
