import { expect } from 'vitest';
import { freshEmail, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';
import { clientId, clientSecret, type OidcServer, type Person, startOidcServer } from './oidc-server.js';

export const callback = 'http://127.0.0.1:8000/auth/v1/callback';
export const site = 'http://127.0.0.1:3000';

/** A provider, and two services that know it. */
export interface OAuthWorld extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly oidc: OidcServer;
  /** Confirms addresses by itself; linking is allowed. */
  readonly auth: TestAuth;
  /** Wants addresses to be confirmed. */
  readonly strict: TestAuth;
  /** Who signs in at the provider from now on. */
  newPerson(email?: string, verified?: boolean): Person;
  /** To the provider and back; where the service then sends the browser. */
  walk(service: TestAuth, authorizeUrl: string, options?: { readonly deny?: boolean }): Promise<URL>;
}

export async function startOAuthWorld(): Promise<OAuthWorld> {
  const database = await startDatabase();
  const oidc = await startOidcServer([callback]);
  const provider = { clientIds: [clientId], secret: clientSecret, url: oidc.issuer };
  const settings = {
    providers: { acme: provider, google: provider, off: { ...provider, enabled: false }, bare: { clientIds: [] } },
    redirectAllowList: ['https://app.example/**', 'com.example.app://callback'],
  };
  const auth = await startAuth(database, {
    ...settings,
    signup: { anonymous: true },
    identities: { manualLinking: true },
  });
  const strict = await startAuth(database, { ...settings, email: { autoconfirm: false } });
  let people = 0;
  return {
    database,
    oidc,
    auth,
    strict,
    newPerson(email = freshEmail(), verified = true) {
      people += 1;
      oidc.person = { sub: `subject-${people}`, email, email_verified: verified, name: `Person ${people}` };
      return oidc.person;
    },
    async walk(service, authorizeUrl, options = {}) {
      const back = await oidc.signIn(authorizeUrl, options);
      expect(back.href.startsWith(callback)).toBe(true);
      return await returnTo(service, back.search);
    },
    async [Symbol.asyncDispose]() {
      await auth[Symbol.asyncDispose]();
      await strict[Symbol.asyncDispose]();
      await oidc[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

export async function returnTo(service: TestAuth, search: string): Promise<URL> {
  const answer = await service.call('GET', `/callback${search}`);
  expect(answer.status).toBe(302);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  return new URL(answer.headers.get('location') ?? '');
}

export async function begin(service: TestAuth, query: string): Promise<string> {
  const answer = await service.call('GET', `/authorize?${query}`);
  expect(answer.status).toBe(302);
  return answer.headers.get('location') ?? '';
}

export const fragment = (url: URL): URLSearchParams => new URLSearchParams(url.hash.slice(1));
