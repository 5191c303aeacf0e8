import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresBin, startAuth, type TestAuth, type TestDatabase } from './harness.js';
import { begin, callback, fragment, type OAuthWorld, returnTo, site, startOAuthWorld } from './oauth-world.js';
import { clientId, clientSecret, type OidcServer } from './oidc-server.js';

describe.skipIf(postgresBin === undefined)('signing in at other providers', () => {
  let world: OAuthWorld;
  let database: TestDatabase;
  let oidc: OidcServer;
  let auth: TestAuth;

  beforeAll(async () => {
    world = await startOAuthWorld();
    ({ database, oidc, auth } = world);
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  test('PKCE through the official client', async () => {
    const person = world.newPerson();
    const client = auth.client({ flowType: 'pkce' });
    const { data } = await client.signInWithOAuth({
      provider: 'google',
      options: {
        redirectTo: 'https://app.example/welcome?tab=1',
        queryParams: { prompt: 'login' },
        skipBrowserRedirect: true,
      },
    });
    const answer = await fetch(data.url ?? '', { redirect: 'manual' });
    const url = new URL(answer.headers.get('location') ?? '');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      client_id: clientId,
      redirect_uri: callback,
      response_type: 'code',
      code_challenge_method: 'S256',
      prompt: 'login',
      scope: 'openid email profile',
      nonce: expect.any(String),
    });
    const end = await world.walk(auth, url.href);
    expect(`${end.origin}${end.pathname}`).toBe('https://app.example/welcome');
    expect(end.searchParams.get('tab')).toBe('1');
    expect(end.hash).toBe('');
    const session = await client.exchangeCodeForSession(end.searchParams.get('code') ?? '');
    expect(session.error).toBeNull();
    expect(session.data.session?.provider_token).toBeTypeOf('string');
    expect(session.data.user).toMatchObject({
      email: person.email,
      app_metadata: { provider: 'google', providers: ['google'] },
      user_metadata: { name: person.name, full_name: person.name, email_verified: true, sub: person.sub },
      identities: [{ provider: 'google', id: person.sub, identity_data: { email: person.email, iss: oidc.issuer } }],
    });
    expect(session.data.user?.email_confirmed_at).toBeTypeOf('string');
    const again = await client.exchangeCodeForSession(end.searchParams.get('code') ?? '');
    expect(again.error).not.toBeNull();
  });

  test('without PKCE the tokens are in the fragment', async () => {
    const person = world.newPerson();
    const end = await world.walk(auth, await begin(auth, 'provider=acme&redirect_to=com.example.app://callback'));
    expect(end.protocol).toBe('com.example.app:');
    const given = fragment(end);
    expect([...given.keys()]).toEqual(
      expect.arrayContaining([
        'access_token',
        'refresh_token',
        'expires_in',
        'expires_at',
        'token_type',
        'provider_token',
        'sb',
      ]),
    );
    const { data } = await auth.client().getUser(given.get('access_token') ?? '');
    expect(data.user?.email).toBe(person.email);
    expect(await database.sql('SELECT id FROM auth.flow_state WHERE provider_type = $1', 'acme')).toEqual([]);
  });

  test('the same person comes back as the same user', async () => {
    const person = world.newPerson();
    const ids = new Set<string>();
    for (const name of ['First', 'Second']) {
      oidc.person = { ...person, name };
      const end = await world.walk(auth, await begin(auth, 'provider=acme'));
      const { data } = await auth.client().getUser(fragment(end).get('access_token') ?? '');
      ids.add(data.user?.id ?? '');
      expect(data.user?.user_metadata.name).toBe(name);
      expect(data.user?.identities).toHaveLength(1);
    }
    expect(ids.size).toBe(1);
  });

  test('nobody is sent to a place that is not allowed', async () => {
    world.newPerson();
    for (const target of [
      'https://evil.example/',
      '//evil.example',
      'https://app.example@evil.example/',
      'javascript:alert(1)',
    ]) {
      const end = await world.walk(auth, await begin(auth, `provider=acme&redirect_to=${encodeURIComponent(target)}`));
      expect(end.origin).toBe(site);
    }
    // Whoever can write to the table still cannot send people elsewhere.
    const url = await begin(auth, 'provider=acme');
    await database.sql(`UPDATE auth.flow_state SET referrer = 'https://evil.example/'`);
    expect((await world.walk(auth, url)).origin).toBe(site);
  });

  test('providers that are unknown, off, or lack an id', async () => {
    for (const [provider, why] of [
      ['nobody', 'could not be found'],
      ['off', 'provider is not enabled'],
      ['bare', 'missing OAuth client ID'],
      ['', 'could not be found'],
      ['__proto__', 'could not be found'],
      ['custom:none', 'not found'],
    ]) {
      const answer = await auth.call('GET', `/authorize?provider=${provider}`);
      expect(answer).toMatchObject({
        status: 400,
        body: { error_code: 'validation_failed', msg: expect.stringContaining(why ?? '') },
      });
    }
    const half = await auth.call('GET', `/authorize?provider=acme&code_challenge=${'x'.repeat(43)}`);
    expect(half.body.error_code).toBe('validation_failed');
    const invited = await auth.call('GET', '/authorize?provider=acme&invite_token=nothing');
    expect(invited).toMatchObject({ status: 404, body: { error_code: 'user_not_found' } });
  });

  test('parameters that are ours cannot be set by the caller', async () => {
    const url = new URL(
      await begin(
        auth,
        'provider=acme&redirect_uri=https://evil.example&STATE=mine&nonce=mine&client_id=x&login_hint=ada',
      ),
    );
    expect(url.searchParams.get('redirect_uri')).toBe(callback);
    expect(url.searchParams.get('client_id')).toBe(clientId);
    expect(url.searchParams.get('STATE')).toBeNull();
    expect(url.searchParams.get('nonce')).not.toBe('mine');
    expect(url.searchParams.get('login_hint')).toBe('ada');
  });

  test('states that are missing, forged, used or too old', async () => {
    const codes = async (search: string) => (await returnTo(auth, search)).searchParams.get('error_code');
    expect(await codes('')).toBe('bad_oauth_callback');
    expect(await codes('?state=forged&code=x')).toBe('bad_oauth_state');
    expect(await codes(`?state=${crypto.randomUUID()}&code=x`)).toBe('bad_oauth_state');
    world.newPerson();
    const back = await oidc.signIn(await begin(auth, 'provider=acme'));
    expect(fragment(await returnTo(auth, back.search)).get('access_token')).toBeTypeOf('string');
    expect(await codes(back.search)).toBe('bad_oauth_state');
    const late = await startAuth(database, {
      providers: { acme: { clientIds: [clientId], secret: clientSecret, url: oidc.issuer } },
    });
    try {
      const slow = await oidc.signIn(await begin(late, 'provider=acme'));
      late.advance(301);
      expect((await returnTo(late, slow.search)).searchParams.get('error_code')).toBe('bad_oauth_state');
    } finally {
      await late[Symbol.asyncDispose]();
    }
  });

  test('with PKCE a callback counts once', async () => {
    world.newPerson();
    const query = `provider=acme&code_challenge=${'x'.repeat(43)}&code_challenge_method=plain`;
    const back = await oidc.signIn(await begin(auth, query));
    const [first, second] = await Promise.all([returnTo(auth, back.search), returnTo(auth, back.search)]);
    const codes = [first, second].filter((url) => url?.searchParams.has('code'));
    expect(codes).toHaveLength(1);
    const third = await returnTo(auth, back.search);
    expect(third.searchParams.get('error_code')).toBe('flow_state_already_used');
  });

  test('a code, a state or a verifier of another sign-in does not serve', async () => {
    world.newPerson();
    const mine = await oidc.signIn(await begin(auth, 'provider=acme'));
    const other = await oidc.signIn(await begin(auth, 'provider=acme'));
    const mixed = new URLSearchParams(mine.search);
    mixed.set('state', other.searchParams.get('state') ?? '');
    const end = await returnTo(auth, `?${mixed}`);
    expect(end.searchParams.get('error')).toBe('server_error');
    expect(fragment(end).get('access_token')).toBeNull();
    expect(end.searchParams.get('error_description')).not.toContain(mine.searchParams.get('code'));
  });

  test('the provider says no, or nothing', async () => {
    world.newPerson();
    const denied = await world.walk(auth, await begin(auth, 'provider=acme&redirect_to=https://app.example/x'), {
      deny: true,
    });
    expect(denied.host).toBe('app.example');
    expect(Object.fromEntries(denied.searchParams)).toMatchObject({
      error: 'access_denied',
      error_description: 'not today',
    });
    expect(fragment(denied).get('error')).toBe('access_denied');
    const url = new URL(await begin(auth, 'provider=acme'));
    const silent = await returnTo(auth, `?state=${url.searchParams.get('state')}`);
    expect(silent.searchParams.get('error_code')).toBe('bad_oauth_callback');
  });
});
