import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';
import { clientId, clientSecret, type OidcServer, startOidcServer } from './oidc-server.js';

const callback = 'http://127.0.0.1:8000/auth/v1/callback';

/** A certificate for localhost, which is its own authority. */
function makeCertificate(): { readonly key: string; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-auth-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
        '-keyout',
        key,
        '-out',
        cert,
        ...names,
      ],
      { stdio: 'ignore' },
    );
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe.skipIf(postgresBin === undefined)('custom providers', () => {
  let database: TestDatabase;
  let oidc: OidcServer;
  let auth: TestAuth;
  let guarded: TestAuth;
  let service: string;

  beforeAll(async () => {
    database = await startDatabase();
    const tls = makeCertificate();
    oidc = await startOidcServer([callback], tls);
    auth = await startAuth(database, { outbound: { privateAddresses: true, ca: tls.cert } });
    guarded = await startAuth(database, { outbound: { ca: tls.cert }, customProviders: { maxProviders: 100 } });
    service = await auth.token('service_role');
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await guarded?.[Symbol.asyncDispose]();
    await oidc?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const oidcBody = (identifier: string) => ({
    provider_type: 'oidc',
    identifier,
    name: 'Acme',
    client_id: clientId,
    client_secret: clientSecret,
    issuer: oidc.issuer,
    scopes: ['email', 'profile'],
    attribute_mapping: { full_name: 'name', nickname: 'sub' },
  });
  const create = async (body: unknown, on = auth) =>
    await on.call('POST', '/admin/custom-providers', {
      body,
      token: on === auth ? service : await on.token('service_role'),
    });

  test('are created, listed, changed and deleted, through the official client', async () => {
    const admin = await auth.admin();
    const { customProviders } = admin.admin;
    const made = await customProviders.createProvider(oidcBody('custom:crud') as never);
    expect(made.error).toBeNull();
    expect(made.data).toMatchObject({
      identifier: 'custom:crud',
      provider_type: 'oidc',
      scopes: ['openid', 'email', 'profile'],
    });
    expect(JSON.stringify(made.data)).not.toContain(clientSecret);
    const listed = await customProviders.listProviders();
    expect(listed.data?.providers.map(({ identifier }) => identifier)).toContain('custom:crud');
    const changed = await customProviders.updateProvider('custom:crud', { name: 'Renamed', enabled: false });
    expect(changed.data).toMatchObject({ name: 'Renamed', enabled: false, pkce_enabled: true });
    expect((await customProviders.getProvider('custom:crud')).data).toMatchObject({ name: 'Renamed' });
    const off = await auth.call('GET', '/authorize?provider=custom:crud');
    expect(off.body).toMatchObject({ error_code: 'validation_failed', msg: expect.stringContaining('disabled') });
    expect((await customProviders.deleteProvider('custom:crud')).error).toBeNull();
    expect((await customProviders.getProvider('custom:crud')).error).toMatchObject({
      code: 'custom_provider_not_found',
      status: 404,
    });
    expect((await auth.call('GET', '/admin/custom-providers?type=saml', { token: service })).status).toBe(400);
    const some = await auth.call('GET', '/admin/custom-providers?type=oauth2', { token: service });
    expect(some.body).toEqual({ providers: [] });
  });

  test('people sign in at them', async () => {
    expect((await create(oidcBody('acme'))).body).toMatchObject({ identifier: 'custom:acme' });
    const email = freshEmail();
    oidc.person = { sub: 'acme-1', email, email_verified: true, name: 'Ada' };
    const start = await auth.call('GET', '/authorize?provider=custom:acme');
    const back = await oidc.signIn(start.headers.get('location') ?? '');
    const end = await auth.call('GET', `/callback${back.search}`);
    const fragment = new URLSearchParams(new URL(end.headers.get('location') ?? '').hash.slice(1));
    const { data } = await auth.client().getUser(fragment.get('access_token') ?? '');
    expect(data.user).toMatchObject({
      email,
      app_metadata: { provider: 'custom:acme' },
      user_metadata: { full_name: 'Ada', nickname: 'acme-1' },
    });
  });

  test('addresses behind the firewall are not asked unless the operator says so', async () => {
    for (const issuer of [
      'https://127.0.0.1/',
      'https://10.0.0.1',
      'https://[::1]',
      'https://[::ffff:127.0.0.1]',
      'https://169.254.169.254/latest',
      'https://localhost',
      'http://example.com',
      'https://user:secret@example.com',
      'ftp://example.com',
      'not a url',
    ]) {
      const answer = await create({ ...oidcBody('inner'), issuer }, guarded);
      expect(answer, issuer).toMatchObject({ status: 400, body: { error_code: 'validation_failed' } });
    }
    // A row that says otherwise, or a name that leads inside, is refused when it is used.
    const answer = await guarded.call('GET', '/authorize?provider=custom:acme');
    expect(answer).toMatchObject({ status: 500, body: { error_code: 'unexpected_failure' } });
  });

  test('requests that are refused', async () => {
    const body = oidcBody('refused');
    const oauth2 = {
      ...body,
      provider_type: 'oauth2',
      authorization_url: 'https://a.example',
      token_url: 'https://t.example',
    };
    for (const bad of [
      { ...body, provider_type: 'saml' },
      { ...body, identifier: '' },
      { ...body, identifier: 'google' },
      { ...body, identifier: 'UPPER' },
      { ...body, name: '' },
      { ...body, name: 'x'.repeat(101) },
      { ...body, client_id: '' },
      { ...body, client_secret: undefined },
      { ...body, issuer: '' },
      { ...body, authorization_params: { Redirect_URI: 'https://evil.example' } },
      { ...body, attribute_mapping: { role: 'role' } },
      oauth2,
      { ...oauth2, userinfo_url: 'http://u.example' },
    ]) {
      expect(await create(bad), JSON.stringify(bad)).toMatchObject({
        status: 400,
        body: { error_code: 'validation_failed' },
      });
    }
    expect((await create({ ...oauth2, identifier: 'fine', userinfo_url: 'https://u.example' })).status).toBe(201);
    const twice = await create({ ...oauth2, identifier: 'fine', userinfo_url: 'https://u.example' });
    expect(twice.body.error_code).toBe('conflict');
    const moved = await auth.call('PUT', '/admin/custom-providers/custom:fine', {
      token: service,
      body: { token_url: 'http://inner' },
    });
    expect(moved.status).toBe(400);
    expect((await auth.call('GET', '/admin/custom-providers/fine', { token: service })).status).toBe(400);
    expect((await auth.call('GET', '/admin/custom-providers')).status).toBe(401);
    expect((await auth.call('GET', '/admin/custom-providers', { token: await auth.token('anon') })).status).toBe(403);
  });

  test('there may be a limit, or none of them at all', async () => {
    const limited = await startAuth(database, {
      customProviders: { maxProviders: 1 },
      outbound: { privateAddresses: true },
    });
    const off = await startAuth(database, { customProviders: { enabled: false } });
    try {
      expect((await create(oidcBody('one-more'), limited)).body.error_code).toBe('over_custom_provider_quota');
      const answer = await off.call('GET', '/admin/custom-providers', { token: await off.token('service_role') });
      expect(answer).toMatchObject({ status: 404, body: { error_code: 'feature_disabled' } });
      expect((await off.call('GET', '/authorize?provider=custom:acme')).status).toBe(400);
    } finally {
      await limited[Symbol.asyncDispose]();
      await off[Symbol.asyncDispose]();
    }
  });
});
