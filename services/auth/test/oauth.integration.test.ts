import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';
import { clientId, clientSecret, type OidcServer, startOidcServer } from './oidc-server.js';

const callback = 'http://127.0.0.1:8000/auth/v1/callback';
const site = 'http://127.0.0.1:3000';

describe.skipIf(postgresBin === undefined)('signing in at other providers', () => {
  let database: TestDatabase;
  let oidc: OidcServer;
  let auth: TestAuth;
  let strict: TestAuth;

  beforeAll(async () => {
    database = await startDatabase();
    oidc = await startOidcServer([callback]);
    const provider = { clientIds: [clientId], secret: clientSecret, url: oidc.issuer };
    const settings = {
      providers: { acme: provider, google: provider, off: { ...provider, enabled: false }, bare: { clientIds: [] } },
      redirectAllowList: ['https://app.example/**', 'com.example.app://callback'],
    };
    auth = await startAuth(database, { ...settings, signup: { anonymous: true }, identities: { manualLinking: true } });
    strict = await startAuth(database, { ...settings, email: { autoconfirm: false } });
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await strict?.[Symbol.asyncDispose]();
    await oidc?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  let people = 0;
  function newPerson(email = freshEmail(), verified = true) {
    people += 1;
    oidc.person = { sub: `subject-${people}`, email, email_verified: verified, name: `Person ${people}` };
    return oidc.person;
  }

  /** To the provider and back; where the service then sends the browser. */
  async function walk(
    service: TestAuth,
    authorizeUrl: string,
    options: { readonly deny?: boolean } = {},
  ): Promise<URL> {
    const back = await oidc.signIn(authorizeUrl, options);
    expect(back.href.startsWith(callback)).toBe(true);
    return await returnTo(service, back.search);
  }

  async function returnTo(service: TestAuth, search: string): Promise<URL> {
    const answer = await service.call('GET', `/callback${search}`);
    expect(answer.status).toBe(302);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    return new URL(answer.headers.get('location') ?? '');
  }

  async function begin(service: TestAuth, query: string): Promise<string> {
    const answer = await service.call('GET', `/authorize?${query}`);
    expect(answer.status).toBe(302);
    return answer.headers.get('location') ?? '';
  }

  const fragment = (url: URL) => new URLSearchParams(url.hash.slice(1));

  test('PKCE through the official client', async () => {
    const person = newPerson();
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
    const end = await walk(auth, url.href);
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
    const person = newPerson();
    const end = await walk(auth, await begin(auth, 'provider=acme&redirect_to=com.example.app://callback'));
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
    const person = newPerson();
    const ids = new Set<string>();
    for (const name of ['First', 'Second']) {
      oidc.person = { ...person, name };
      const end = await walk(auth, await begin(auth, 'provider=acme'));
      const { data } = await auth.client().getUser(fragment(end).get('access_token') ?? '');
      ids.add(data.user?.id ?? '');
      expect(data.user?.user_metadata.name).toBe(name);
      expect(data.user?.identities).toHaveLength(1);
    }
    expect(ids.size).toBe(1);
  });

  test('nobody is sent to a place that is not allowed', async () => {
    newPerson();
    for (const target of [
      'https://evil.example/',
      '//evil.example',
      'https://app.example@evil.example/',
      'javascript:alert(1)',
    ]) {
      const end = await walk(auth, await begin(auth, `provider=acme&redirect_to=${encodeURIComponent(target)}`));
      expect(end.origin).toBe(site);
    }
    // Whoever can write to the table still cannot send people elsewhere.
    const url = await begin(auth, 'provider=acme');
    await database.sql(`UPDATE auth.flow_state SET referrer = 'https://evil.example/'`);
    expect((await walk(auth, url)).origin).toBe(site);
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
    newPerson();
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
    newPerson();
    const query = `provider=acme&code_challenge=${'x'.repeat(43)}&code_challenge_method=plain`;
    const back = await oidc.signIn(await begin(auth, query));
    const [first, second] = await Promise.all([returnTo(auth, back.search), returnTo(auth, back.search)]);
    const codes = [first, second].filter((url) => url?.searchParams.has('code'));
    expect(codes).toHaveLength(1);
    const third = await returnTo(auth, back.search);
    expect(third.searchParams.get('error_code')).toBe('flow_state_already_used');
  });

  test('a code, a state or a verifier of another sign-in does not serve', async () => {
    newPerson();
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
    newPerson();
    const denied = await walk(auth, await begin(auth, 'provider=acme&redirect_to=https://app.example/x'), {
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

  test('a verified address links to the account that has it', async () => {
    const email = freshEmail();
    const { data } = await auth.client().signUp({ email, password: 'correct horse' });
    newPerson(email.toUpperCase());
    const end = await walk(auth, await begin(auth, 'provider=acme'));
    const linked = await auth.client().getUser(fragment(end).get('access_token') ?? '');
    expect(linked.data.user?.id).toBe(data.user?.id);
    expect(linked.data.user?.app_metadata.providers).toEqual(['email', 'acme']);
    const signedIn = await auth.client().signInWithPassword({ email, password: 'correct horse' });
    expect(signedIn.error).toBeNull();
  });

  test('an address that is not verified opens no other account', async () => {
    const email = freshEmail();
    const { data } = await auth.client().signUp({ email, password: 'correct horse' });
    newPerson(email, false);
    const end = await walk(auth, await begin(auth, 'provider=acme'));
    const other = await auth.client().getUser(fragment(end).get('access_token') ?? '');
    expect(other.data.user?.id).not.toBe(data.user?.id);
    expect(other.data.user?.email).toBe('');
  });

  test('who registered an address before its owner loses what was prepared', async () => {
    const email = freshEmail();
    const squatter = await strict
      .client()
      .signUp({ email, password: 'of the squatter', options: { data: { evil: true } } });
    newPerson(email);
    const end = await walk(strict, await begin(strict, 'provider=acme'));
    const { data } = await strict.client().getUser(fragment(end).get('access_token') ?? '');
    expect(data.user?.id).toBe(squatter.data.user?.id);
    expect(data.user?.identities?.map(({ provider }) => provider)).toEqual(['acme']);
    expect(data.user?.user_metadata.evil).toBeUndefined();
    const { error } = await strict.client().signInWithPassword({ email, password: 'of the squatter' });
    expect(error).toMatchObject({ code: 'invalid_credentials' });
  });

  test('without a verified address a mail must be answered first', async () => {
    const email = freshEmail();
    newPerson(email, false);
    const end = await walk(strict, await begin(strict, 'provider=acme'));
    expect(Object.fromEntries(end.searchParams)).toMatchObject({
      error: 'access_denied',
      error_code: 'provider_email_needs_verification',
    });
    const [mail] = await strict.mails(email);
    expect(mail?.link).toContain('/verify?');
    const link = new URL(mail?.link ?? '');
    const confirmed = await strict.call('GET', `/verify${link.search}`);
    expect(confirmed.headers.get('location')).toContain('access_token=');
    const next = await walk(strict, await begin(strict, 'provider=acme'));
    expect(fragment(next).get('access_token')).toBeTypeOf('string');
  });

  test('banned users, closed sign-up, no address at all', async () => {
    const person = newPerson();
    await walk(auth, await begin(auth, 'provider=acme'));
    await database.sql(`UPDATE auth.users SET banned_until = now() + interval '1 day' WHERE email = $1`, person.email);
    const banned = await walk(auth, await begin(auth, 'provider=acme'));
    expect(Object.fromEntries(banned.searchParams)).toMatchObject({
      error: 'access_denied',
      error_code: 'user_banned',
    });
    const provider = { clientIds: [clientId], secret: clientSecret, url: oidc.issuer };
    const closed = await startAuth(database, { signup: { disabled: true }, providers: { acme: provider } });
    const lenient = await startAuth(database, { providers: { acme: { ...provider, emailOptional: true } } });
    try {
      newPerson();
      const refused = await walk(closed, await begin(closed, 'provider=acme'));
      expect(refused.searchParams.get('error_code')).toBe('signup_disabled');
      oidc.person = { sub: 'without address' };
      const nameless = await walk(auth, await begin(auth, 'provider=acme'));
      expect(nameless.searchParams.get('error')).toBe('server_error');
      const accepted = await walk(lenient, await begin(lenient, 'provider=acme'));
      expect(fragment(accepted).get('access_token')).toBeTypeOf('string');
    } finally {
      await closed[Symbol.asyncDispose]();
      await lenient[Symbol.asyncDispose]();
    }
  });

  test('five first sign-ins of one person at once make one user', async () => {
    const person = newPerson();
    const urls = await Promise.all(Array.from({ length: 5 }, async () => await begin(auth, 'provider=acme')));
    const backs = await Promise.all(urls.map(async (url) => await oidc.signIn(url)));
    const ends = await Promise.all(backs.map(async (back) => await returnTo(auth, back.search)));
    expect(ends.filter((end) => fragment(end).has('access_token'))).toHaveLength(5);
    expect(await database.sql('SELECT id FROM auth.users WHERE email = $1', person.email)).toHaveLength(1);
  });

  test('invitations are accepted by the invited alone', async () => {
    const email = freshEmail();
    const admin = await strict.admin();
    const { data, error } = await admin.admin.generateLink({ type: 'invite', email });
    expect(error).toBeNull();
    const token = data.properties?.hashed_token ?? '';
    newPerson();
    const wrong = await walk(strict, await begin(strict, `provider=acme&invite_token=${token}`));
    expect(wrong.searchParams.get('error_code')).toBe('validation_failed');
    newPerson(email, false);
    const claimed = await walk(strict, await begin(strict, `provider=acme&invite_token=${token}`));
    expect(claimed.searchParams.get('error_code')).toBe('validation_failed');
    newPerson(email);
    const right = await walk(strict, await begin(strict, `provider=acme&invite_token=${token}`));
    const { data: user } = await strict.client().getUser(fragment(right).get('access_token') ?? '');
    expect(user.user).toMatchObject({ id: data.user?.id, email });
  });

  test('identities are linked and unlinked by their user', async () => {
    const client = auth.client();
    const email = freshEmail();
    await client.signUp({ email, password: 'correct horse' });
    const person = newPerson();
    const { data, error } = await client.linkIdentity({ provider: 'google', options: { skipBrowserRedirect: true } });
    expect(error).toBeNull();
    const end = await walk(auth, data?.url ?? '');
    expect(fragment(end).get('access_token')).toBeTypeOf('string');
    const { data: identities } = await client.getUserIdentities();
    expect(identities?.identities.map(({ provider }) => provider).sort()).toEqual(['email', 'google']);
    const { data: user } = await client.getUser();
    expect(user.user).toMatchObject({ email, app_metadata: { providers: ['email', 'google'] } });

    const twice = await client.linkIdentity({ provider: 'google', options: { skipBrowserRedirect: true } });
    const again = await walk(auth, twice.data?.url ?? '');
    expect(again.searchParams.get('error_code')).toBe('identity_already_exists');
    const stranger = auth.client();
    await stranger.signUp({ email: freshEmail(), password: 'correct horse' });
    const stolen = await stranger.linkIdentity({ provider: 'google', options: { skipBrowserRedirect: true } });
    expect((await walk(auth, stolen.data?.url ?? '')).searchParams.get('error_description')).toContain('another user');

    const google = identities?.identities.find(({ provider }) => provider === 'google');
    const emailIdentity = identities?.identities.find(({ provider }) => provider === 'email');
    if (google === undefined || emailIdentity === undefined) throw new Error('identities are missing');
    expect((await stranger.unlinkIdentity(google)).error).toMatchObject({ code: 'single_identity_not_deletable' });
    const unknown = { ...google, identity_id: crypto.randomUUID() };
    expect((await client.unlinkIdentity(unknown)).error).toMatchObject({ code: 'identity_not_found' });
    expect((await client.unlinkIdentity(emailIdentity)).error).toBeNull();
    expect((await client.getUser()).data.user).toMatchObject({
      email: person.email,
      app_metadata: { providers: ['google'] },
    });
    expect((await client.unlinkIdentity(google)).error).toMatchObject({ code: 'single_identity_not_deletable' });
  });

  test('an anonymous user becomes a permanent one by linking', async () => {
    const client = auth.client();
    const { data: anonymous } = await client.signInAnonymously();
    const person = newPerson();
    const { data } = await client.linkIdentity({
      provider: 'acme' as 'google',
      options: { skipBrowserRedirect: true },
    });
    const end = await walk(auth, data?.url ?? '');
    const { data: user } = await auth.client().getUser(fragment(end).get('access_token') ?? '');
    expect(user.user).toMatchObject({ id: anonymous.user?.id, email: person.email, is_anonymous: false });
  });

  test('linking is off unless it is allowed, and needs a session', async () => {
    const client = strict.client();
    await strict
      .admin()
      .then((admin) =>
        admin.admin.createUser({ email: 'linker@example.com', password: 'correct horse', email_confirm: true }),
      );
    await client.signInWithPassword({ email: 'linker@example.com', password: 'correct horse' });
    const { error } = await client.linkIdentity({ provider: 'google', options: { skipBrowserRedirect: true } });
    expect(error).toMatchObject({ code: 'manual_linking_disabled', status: 404 });
    expect((await auth.call('GET', '/user/identities/authorize?provider=acme')).status).toBe(401);
    expect((await auth.call('DELETE', `/user/identities/${crypto.randomUUID()}`)).status).toBe(401);
  });

  test('a hook may refuse a newcomer, and is not asked about others', async () => {
    await database.sql(`CREATE FUNCTION public.refuse_newcomers(event jsonb) RETURNS jsonb LANGUAGE sql AS
      $$ SELECT CASE WHEN event #>> '{user,app_metadata,provider}' = 'acme'
        THEN '{"error": {"http_code": 403, "message": "members only"}}'::jsonb ELSE '{}'::jsonb END $$`);
    await database.sql('GRANT EXECUTE ON FUNCTION public.refuse_newcomers TO supabase_auth_admin');
    const known = newPerson();
    await walk(auth, await begin(auth, 'provider=acme'));
    const hooked = await startAuth(database, {
      providers: { acme: { clientIds: [clientId], secret: clientSecret, url: oidc.issuer } },
      hooks: { beforeUserCreated: { uri: 'pg-functions://postgres/public/refuse_newcomers' } },
    });
    try {
      const stranger = newPerson();
      const refused = await walk(hooked, await begin(hooked, 'provider=acme'));
      expect(refused.searchParams.get('error_description')).toBe('members only');
      expect(await database.sql('SELECT id FROM auth.users WHERE email = $1', stranger.email)).toEqual([]);
      oidc.person = known;
      const welcome = await walk(hooked, await begin(hooked, 'provider=acme'));
      expect(fragment(welcome).get('access_token')).toBeTypeOf('string');
    } finally {
      await hooked[Symbol.asyncDispose]();
    }
  });

  test('plain OAuth 2: GitHub as its API answers', async () => {
    const requests: string[] = [];
    const github = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () => {
        requests.push(`${request.method} ${request.url} ${body}`);
        const code = new URLSearchParams(body).get('code');
        const token = code === 'good' ? { access_token: 'gh-token' } : { error: 'bad_verification_code' };
        const answers: Record<string, unknown> = {
          '/login/oauth/access_token': token,
          '/api/v3/user': { id: 4711, login: 'octocat', name: 'Octo Cat', avatar_url: 'https://pictures.example/1' },
          '/api/v3/user/emails': [
            { email: 'second@example.com', primary: false, verified: true },
            { email: 'octo@example.com', primary: true, verified: true },
          ],
        };
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(answers[request.url ?? ''] ?? {}));
      });
    });
    await new Promise<void>((resolve) => github.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(github.address() as AddressInfo).port}`;
    const service = await startAuth(database, {
      providers: { github: { clientIds: ['gh'], secret: 'gh secret', url } },
    });
    try {
      const start = new URL(await begin(service, 'provider=github&scopes=repo,gist'));
      expect(start.href.startsWith(`${url}/login/oauth/authorize`)).toBe(true);
      expect(start.searchParams.get('scope')).toBe('user:email repo gist');
      const state = start.searchParams.get('state');
      const bad = await returnTo(service, `?state=${state}&code=bad`);
      expect(bad.searchParams.get('error')).toBe('server_error');
      const next = new URL(await begin(service, 'provider=github')).searchParams.get('state');
      const end = await returnTo(service, `?state=${next}&code=good`);
      expect(fragment(end).get('provider_token')).toBe('gh-token');
      const { data } = await service.client().getUser(fragment(end).get('access_token') ?? '');
      expect(data.user).toMatchObject({
        email: 'octo@example.com',
        user_metadata: { user_name: 'octocat', provider_id: '4711', full_name: 'Octo Cat' },
      });
      expect(requests.find((line) => line.includes('code=good'))).toContain('code_verifier=');
    } finally {
      await service[Symbol.asyncDispose]();
      github.closeAllConnections();
      github.close();
    }
  });

  test('a provider that does not answer is an error, not a crash', async () => {
    const service = await startAuth(database, {
      providers: { acme: { clientIds: ['x'], secret: 'y', url: 'http://127.0.0.1:9' } },
    });
    try {
      const answer = await service.call('GET', '/authorize?provider=acme');
      expect(answer).toMatchObject({ status: 500, body: { error_code: 'unexpected_failure' } });
    } finally {
      await service[Symbol.asyncDispose]();
    }
  });
});
