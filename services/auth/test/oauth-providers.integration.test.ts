import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresBin, startAuth, type TestAuth, type TestDatabase } from './harness.js';
import { begin, fragment, type OAuthWorld, returnTo, startOAuthWorld } from './oauth-world.js';
import { clientId, clientSecret, type OidcServer } from './oidc-server.js';

describe.skipIf(postgresBin === undefined)('providers and hooks as they may answer', () => {
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

  test('a hook may refuse a newcomer, and is not asked about others', async () => {
    await database.sql(`CREATE FUNCTION public.refuse_newcomers(event jsonb) RETURNS jsonb LANGUAGE sql AS
      $$ SELECT CASE WHEN event #>> '{user,app_metadata,provider}' = 'acme'
        THEN '{"error": {"http_code": 403, "message": "members only"}}'::jsonb ELSE '{}'::jsonb END $$`);
    await database.sql('GRANT EXECUTE ON FUNCTION public.refuse_newcomers TO supabase_auth_admin');
    const known = world.newPerson();
    await world.walk(auth, await begin(auth, 'provider=acme'));
    const hooked = await startAuth(database, {
      providers: { acme: { clientIds: [clientId], secret: clientSecret, url: oidc.issuer } },
      hooks: { beforeUserCreated: { uri: 'pg-functions://postgres/public/refuse_newcomers' } },
    });
    try {
      const stranger = world.newPerson();
      const refused = await world.walk(hooked, await begin(hooked, 'provider=acme'));
      expect(refused.searchParams.get('error_description')).toBe('members only');
      expect(await database.sql('SELECT id FROM auth.users WHERE email = $1', stranger.email)).toEqual([]);
      oidc.person = known;
      const welcome = await world.walk(hooked, await begin(hooked, 'provider=acme'));
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
