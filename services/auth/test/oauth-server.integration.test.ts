import { createHash, randomBytes } from 'node:crypto';
import { publicJwks } from '@holdfast/keys';
import type { GoTrueClient } from '@supabase/auth-js';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';

const redirectUri = 'https://app.example/callback?tenant=1';

describe.skipIf(postgresBin === undefined)('the OAuth 2.1 server', () => {
  let database: TestDatabase;
  let auth: TestAuth;
  let admin: GoTrueClient;

  beforeAll(async () => {
    database = await startDatabase();
    auth = await startAuth(database, { oauthServer: { enabled: true, dynamicRegistration: true } });
    admin = await auth.admin();
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  async function newClient(options: Readonly<Record<string, unknown>> = {}) {
    const { body } = await auth.call('POST', '/admin/oauth/clients', {
      token: await auth.token('service_role'),
      body: { client_name: 'App', redirect_uris: [redirectUri], ...options },
    });
    return body as { readonly client_id: string; readonly client_secret?: string };
  }

  async function newUser() {
    const client = auth.client();
    const email = freshEmail();
    const { data } = await client.signUp({ email, password: 'correct horse', options: { data: { name: 'Ada' } } });
    return { client, email, id: data.user?.id ?? '', token: data.session?.access_token ?? '' };
  }

  const newVerifier = () => randomBytes(32).toString('base64url');
  const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');

  async function authorize(clientId: string, verifier: string, more: Readonly<Record<string, string>> = {}) {
    const query = new URLSearchParams({
      client_id: clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      code_challenge: challengeOf(verifier),
      code_challenge_method: 'S256',
      ...more,
    });
    const answer = await auth.call('GET', `/oauth/authorize?${query}`);
    return { ...answer, location: answer.headers.get('location') ?? '' };
  }

  const idOf = (location: string) => new URL(location).searchParams.get('authorization_id') ?? '';

  async function codeFor(user: { readonly client: GoTrueClient }, clientId: string, verifier: string, more = {}) {
    const { location } = await authorize(clientId, verifier, more);
    const details = await user.client.oauth.getAuthorizationDetails(idOf(location));
    const known = details.data as { readonly redirect_url?: string } | null;
    if (known?.redirect_url !== undefined) return new URL(known.redirect_url).searchParams.get('code') ?? '';
    const { data } = await user.client.oauth.approveAuthorization(idOf(location), { skipBrowserRedirect: true });
    return new URL(data?.redirect_url ?? '').searchParams.get('code') ?? '';
  }

  async function exchange(body: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) {
    return await auth.call('POST', '/oauth/token', {
      body: new URLSearchParams(body).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
  }

  test('clients are managed through the official client', async () => {
    const made = await admin.admin.oauth.createClient({ client_name: 'One', redirect_uris: [redirectUri] });
    expect(made.error).toBeNull();
    expect(made.data).toMatchObject({
      client_name: 'One',
      client_type: 'confidential',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      registration_type: 'manual',
      client_secret: expect.any(String),
    });
    const id = made.data?.client_id ?? '';
    const [row] = await database.sql<{ client_secret_hash: string }>(
      'SELECT client_secret_hash FROM auth.oauth_clients WHERE id = $1',
      id,
    );
    expect(row?.client_secret_hash).not.toContain(made.data?.client_secret);
    const got = await admin.admin.oauth.getClient(id);
    expect(got.data?.client_secret).toBeUndefined();
    const updated = await admin.admin.oauth.updateClient(id, { client_name: 'Two' });
    expect(updated.data).toMatchObject({ client_name: 'Two', redirect_uris: [redirectUri] });
    const renewed = await admin.admin.oauth.regenerateClientSecret(id);
    expect(renewed.data?.client_secret).not.toBe(made.data?.client_secret);
    const listed = await admin.admin.oauth.listClients({ page: 1, perPage: 1 });
    expect(listed.data).toMatchObject({ clients: [{ client_id: expect.any(String) }], total: expect.any(Number) });
    expect((await admin.admin.oauth.deleteClient(id)).error).toBeNull();
    expect((await admin.admin.oauth.getClient(id)).error).toMatchObject({
      code: 'oauth_client_not_found',
      status: 404,
    });
  });

  test('registrations that are refused', async () => {
    for (const bad of [
      {},
      { redirect_uris: [] },
      { redirect_uris: ['javascript:alert(1)'] },
      { redirect_uris: ['http://app.example/'] },
      { redirect_uris: ['https://app.example/#x'] },
      { redirect_uris: Array.from({ length: 11 }, (_, index) => `https://app.example/${index}`) },
      { redirect_uris: [redirectUri], grant_types: ['password'] },
      { redirect_uris: [redirectUri], client_type: 'secret' },
      { redirect_uris: [redirectUri], client_type: 'public', token_endpoint_auth_method: 'client_secret_post' },
      { redirect_uris: [redirectUri], logo_uri: 'javascript:alert(1)' },
    ]) {
      const answer = await auth.call('POST', '/oauth/register', { body: bad });
      expect(answer, JSON.stringify(bad)).toMatchObject({ status: 400, body: { error_code: 'validation_failed' } });
    }
    const dynamic = await auth.call('POST', '/oauth/clients/register', {
      body: { redirect_uris: ['myapp://callback'], token_endpoint_auth_method: 'none' },
    });
    expect(dynamic).toMatchObject({ status: 201, body: { registration_type: 'dynamic', client_type: 'public' } });
    expect(dynamic.body.client_secret).toBeUndefined();
    expect((await auth.call('GET', '/admin/oauth/clients')).status).toBe(401);
    expect((await auth.call('GET', '/admin/oauth/clients', { token: await auth.token('anon') })).status).toBe(403);
  });

  test.each(['ES256', 'RS256'] as const)(
    'from the request over consent to tokens, with OpenID Connect and %s',
    async (alg) => {
      auth.rotateSigningKey(alg);
      expect((await auth.call('GET', '/.well-known/openid-configuration')).body).toMatchObject({
        id_token_signing_alg_values_supported: [alg],
      });
      const app = await newClient();
      const user = await newUser();
      const verifier = newVerifier();
      const { status, location } = await authorize(app.client_id, verifier, {
        scope: 'openid email profile',
        state: 'of the app',
        nonce: 'n-1',
      });
      expect(status).toBe(302);
      expect(location).toMatch(/^http:\/\/127\.0\.0\.1:3000\/oauth\/consent\?authorization_id=[a-z0-9]{32}$/);
      const id = idOf(location);
      const details = await user.client.oauth.getAuthorizationDetails(id);
      expect(details.data).toMatchObject({
        authorization_id: id,
        redirect_uri: redirectUri,
        client: { id: app.client_id, name: 'App' },
        user: { id: user.id, email: user.email },
        scope: 'openid email profile',
      });
      const approved = await user.client.oauth.approveAuthorization(id, { skipBrowserRedirect: true });
      const back = new URL(approved.data?.redirect_url ?? '');
      expect(`${back.origin}${back.pathname}`).toBe('https://app.example/callback');
      expect(back.searchParams.get('tenant')).toBe('1');
      expect(back.searchParams.get('state')).toBe('of the app');
      const code = back.searchParams.get('code') ?? '';
      const basic = Buffer.from(`${app.client_id}:${app.client_secret}`).toString('base64');
      const body = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier };
      const tokens = await exchange(body, { authorization: `Basic ${basic}` });
      expect(tokens).toMatchObject({ status: 200, body: { token_type: 'bearer', scope: 'openid email profile' } });
      expect(tokens.headers.get('cache-control')).toBe('no-store');
      expect(tokens.body.user).toBeUndefined();

      const keys = createLocalJWKSet(publicJwks(auth.keys, new Date()) as never);
      const { payload, protectedHeader } = await jwtVerify(String(tokens.body.id_token), keys, {
        audience: app.client_id,
      });
      expect(protectedHeader.alg).toBe(alg);
      expect(payload).toMatchObject({
        sub: user.id,
        nonce: 'n-1',
        email: user.email,
        email_verified: true,
        name: 'Ada',
      });
      const access = await jwtVerify(String(tokens.body.access_token), keys);
      expect(access.payload).toMatchObject({
        sub: user.id,
        client_id: app.client_id,
        amr: [{ method: 'oauth_provider/authorization_code' }],
      });
      const info = await auth.call('GET', '/oauth/userinfo', { token: String(tokens.body.access_token) });
      expect(info.body).toMatchObject({ sub: user.id, email: user.email, name: 'Ada' });
      expect((await auth.call('GET', '/oauth/userinfo', { token: user.token })).body).toEqual({ sub: user.id });

      const replay = await exchange(body, { authorization: `Basic ${basic}` });
      expect(replay).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      const refresh = { grant_type: 'refresh_token', refresh_token: String(tokens.body.refresh_token) };
      const renewed = await exchange({ ...refresh, client_id: app.client_id, client_secret: app.client_secret ?? '' });
      expect(renewed.status).toBe(200);
      const other = await newClient();
      const stolen = await exchange({
        grant_type: 'refresh_token',
        refresh_token: String(renewed.body.refresh_token),
        client_id: other.client_id,
        client_secret: other.client_secret ?? '',
      });
      expect(stolen.status).toBe(400);
      const direct = await auth.call('POST', '/token?grant_type=refresh_token', {
        body: { refresh_token: renewed.body.refresh_token },
      });
      expect(direct.status).toBe(400);
    },
  );

  test('what was allowed before is not asked again, and can be taken back', async () => {
    const app = await newClient();
    const user = await newUser();
    await codeFor(user, app.client_id, newVerifier(), { scope: 'email profile' });
    const verifier = newVerifier();
    const { location } = await authorize(app.client_id, verifier, { scope: 'email' });
    const details = await auth.call('GET', `/oauth/authorizations/${idOf(location)}`, { token: user.token });
    expect(details.body.redirect_url).toContain('code=');
    const code = new URL(String(details.body.redirect_url)).searchParams.get('code') ?? '';
    const credentials = { client_id: app.client_id, client_secret: app.client_secret ?? '' };
    const tokens = await exchange({ grant_type: 'authorization_code', code, code_verifier: verifier, ...credentials });
    expect(tokens.body.id_token).toBeUndefined();
    const grants = await user.client.oauth.listGrants();
    expect(grants.data).toMatchObject([{ client: { id: app.client_id }, scopes: ['email', 'profile'] }]);
    expect((await user.client.oauth.revokeGrant({ clientId: app.client_id })).error).toBeNull();
    expect((await user.client.oauth.revokeGrant({ clientId: app.client_id })).error).toMatchObject({
      code: 'oauth_consent_not_found',
    });
    const dead = await exchange({
      grant_type: 'refresh_token',
      refresh_token: String(tokens.body.refresh_token),
      ...credentials,
    });
    expect(dead).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const more = await authorize(app.client_id, newVerifier(), { scope: 'email' });
    const again = await auth.call('GET', `/oauth/authorizations/${idOf(more.location)}`, { token: user.token });
    expect(again.body.redirect_url).toBeUndefined();
  });

  test('a user may say no; nobody decides for another, twice, or too late', async () => {
    const app = await newClient();
    const [user, stranger] = [await newUser(), await newUser()];
    const { location } = await authorize(app.client_id, newVerifier(), { state: 's' });
    const path = `/oauth/authorizations/${idOf(location)}`;
    const consent = async (token: string, action: string) =>
      await auth.call('POST', `${path}/consent`, { token, body: { action } });
    expect((await consent(user.token, 'approve')).body.error_code).toBe('oauth_authorization_not_found');
    expect((await auth.call('GET', path, { token: user.token })).status).toBe(200);
    for (const answer of [
      await auth.call('GET', path, { token: stranger.token }),
      await consent(stranger.token, 'approve'),
    ]) {
      expect(answer).toMatchObject({ status: 404, body: { error_code: 'oauth_authorization_not_found' } });
    }
    expect((await consent(user.token, 'maybe')).body.error_code).toBe('validation_failed');
    const evil = await auth.call('GET', path, { token: user.token, headers: { origin: 'https://evil.example' } });
    expect(evil).toMatchObject({ status: 400, body: { error_code: 'validation_failed' } });
    const denied = await consent(user.token, 'deny');
    const url = new URL(String(denied.body.redirect_url));
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ error: 'access_denied', state: 's', tenant: '1' });
    expect((await consent(user.token, 'approve')).status).toBe(400);
    expect((await auth.call('GET', path)).status).toBe(401);
    expect((await auth.call('GET', '/oauth/authorizations/unknown', { token: user.token })).status).toBe(404);
    const late = await startAuth(database, { oauthServer: { enabled: true, authorizationTtlSeconds: 60 } });
    try {
      const begun = await late.call(
        'GET',
        `/oauth/authorize?${new URLSearchParams({ client_id: app.client_id, redirect_uri: redirectUri, code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' })}`,
      );
      const { data } = await late.client().signUp({ email: freshEmail(), password: 'correct horse' });
      late.advance(61);
      const expired = await late.call('GET', `/oauth/authorizations/${idOf(begun.headers.get('location') ?? '')}`, {
        token: data.session?.access_token ?? '',
      });
      expect(expired.status).toBe(404);
    } finally {
      await late[Symbol.asyncDispose]();
    }
  });

  test('an application cannot consent in the name of its user', async () => {
    const app = await newClient();
    const user = await newUser();
    const verifier = newVerifier();
    const code = await codeFor(user, app.client_id, verifier);
    const credentials = { client_id: app.client_id, client_secret: app.client_secret ?? '' };
    const { body } = await exchange({
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      ...credentials,
    });
    const other = await newClient();
    const { location } = await authorize(other.client_id, newVerifier());
    const answer = await auth.call('GET', `/oauth/authorizations/${idOf(location)}`, {
      token: String(body.access_token),
    });
    expect(answer.status).toBe(403);
  });

  test('requests that are refused, told to the page where the application is not known, else to the application', async () => {
    const app = await newClient();
    const told = async (more: Readonly<Record<string, string>>) => await authorize(app.client_id, newVerifier(), more);
    for (const more of [
      { client_id: '' },
      { client_id: 'none' },
      { client_id: crypto.randomUUID() },
      { redirect_uri: '' },
      { redirect_uri: 'https://evil.example/' },
      { redirect_uri: `${redirectUri}&more=1` },
    ]) {
      const answer = await told(more);
      expect(answer.status).toBe(400);
      expect(answer.location).toBe('');
    }
    const repeated = await told({ scope: 'email '.repeat(1000) });
    expect(repeated.location).toContain('authorization_id=');
    for (const more of [
      { response_type: 'token' },
      { scope: 'everything' },
      { code_challenge: '' },
      { code_challenge: 'short' },
      { code_challenge_method: 'none' },
      { resource: 'relative' },
      { resource: 'https://api.example/#x' },
    ]) {
      const { location } = await told({ state: 'mine', ...more });
      expect(location, JSON.stringify(more)).toContain('https://app.example/callback');
      expect(Object.fromEntries(new URL(location).searchParams)).toMatchObject({
        error: 'invalid_request',
        state: 'mine',
      });
    }
  });

  test('codes serve their own client, with the verifier, once', async () => {
    const app = await newClient();
    const open = await newClient({ token_endpoint_auth_method: 'none' });
    const user = await newUser();
    const verifier = newVerifier();
    const credentials = { client_id: app.client_id, client_secret: app.client_secret ?? '' };
    const grant = { grant_type: 'authorization_code', code_verifier: verifier };
    const code = await codeFor(user, app.client_id, verifier);
    const refused = { status: 400, body: { error: 'invalid_grant' } };
    expect(await exchange({ ...grant, ...credentials, code, code_verifier: newVerifier() })).toMatchObject(refused);
    expect(await exchange({ ...grant, ...credentials, code, code_verifier: '' })).toMatchObject(refused);
    expect(await exchange({ ...grant, ...credentials, code, redirect_uri: 'https://app.example/other' })).toMatchObject(
      refused,
    );
    expect(await exchange({ ...grant, ...credentials, code: 'unknown' })).toMatchObject(refused);
    expect(await exchange({ ...grant, client_id: open.client_id, code })).toMatchObject(refused);
    const all = await Promise.all(
      Array.from({ length: 8 }, async () => await exchange({ ...grant, ...credentials, code })),
    );
    expect(all.map(({ status }) => status).sort()).toEqual([200, ...new Array<number>(7).fill(400)]);
    const unauthorized = { status: 401, body: { error: 'invalid_client' } };
    expect(await exchange({ ...grant, client_id: app.client_id, code })).toMatchObject(unauthorized);
    expect(await exchange({ ...grant, client_id: app.client_id, client_secret: 'wrong', code })).toMatchObject(
      unauthorized,
    );
    expect(await exchange({ ...grant, client_id: open.client_id, client_secret: 'any', code })).toMatchObject(
      unauthorized,
    );
    expect(await exchange({ ...grant, client_id: crypto.randomUUID(), code })).toMatchObject(unauthorized);
    expect(await exchange({ ...grant, code })).toMatchObject(unauthorized);
    expect(await exchange({ ...grant, code }, { authorization: 'Basic !' })).toMatchObject(unauthorized);
    expect((await exchange({ ...credentials })).body.error).toBe('invalid_request');
    expect((await exchange({ ...credentials, grant_type: 'password' })).body.error).toBe('unsupported_grant_type');
    expect((await exchange({ ...credentials, grant_type: 'authorization_code' })).body.error).toBe('invalid_request');
    expect((await auth.call('POST', '/oauth/token', { body: 'no json' })).body.error).toBe('invalid_request');
    const json = await auth.call('POST', '/oauth/token', { body: { ...grant, ...credentials, code: 'unknown' } });
    expect(json.body.error).toBe('invalid_grant');
  });

  test('a user may say no', async () => {
    const app = await newClient();
    const user = await newUser();
    const { location } = await authorize(app.client_id, newVerifier(), { state: 'of the app' });
    const id = idOf(location);
    expect((await user.client.oauth.getAuthorizationDetails(id)).error).toBeNull();
    const { data, error } = await user.client.oauth.denyAuthorization(id, { skipBrowserRedirect: true });
    expect(error).toBeNull();
    const back = new URL(data?.redirect_url ?? '');
    expect(Object.fromEntries(back.searchParams)).toMatchObject({ error: 'access_denied', state: 'of the app' });
    expect(back.searchParams.get('code')).toBeNull();
    expect((await user.client.oauth.approveAuthorization(id, { skipBrowserRedirect: true })).error).not.toBeNull();
  });

  test('discovery', async () => {
    const { body } = await auth.call('GET', '/.well-known/openid-configuration');
    expect(body).toMatchObject({
      issuer: 'http://127.0.0.1:8000/auth/v1',
      authorization_endpoint: 'http://127.0.0.1:8000/auth/v1/oauth/authorize',
      jwks_uri: 'http://127.0.0.1:8000/auth/v1/.well-known/jwks.json',
      code_challenge_methods_supported: ['S256', 'plain'],
      registration_endpoint: expect.any(String),
    });
    expect((await auth.call('GET', '/.well-known/oauth-authorization-server')).body).toEqual(body);
  });

  test('off, there is no such server', async () => {
    const off = await startAuth(database);
    try {
      const disabled = { status: 404, body: { error_code: 'feature_disabled' } };
      expect(await off.call('GET', '/oauth/authorize')).toMatchObject(disabled);
      expect(await off.call('POST', '/oauth/token', { body: {} })).toMatchObject(disabled);
      expect(await off.call('GET', '/.well-known/oauth-authorization-server')).toMatchObject(disabled);
      const service = await off.token('service_role');
      expect(await off.call('GET', '/admin/oauth/clients', { token: service })).toMatchObject(disabled);
      const closed = await startAuth(database, { oauthServer: { enabled: true } });
      const registration = await closed.call('POST', '/oauth/register', { body: { redirect_uris: [redirectUri] } });
      await closed[Symbol.asyncDispose]();
      expect(registration).toMatchObject({
        status: 403,
        body: { error_code: 'oauth_dynamic_client_registration_disabled' },
      });
    } finally {
      await off[Symbol.asyncDispose]();
    }
  });
});
