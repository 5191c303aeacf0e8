import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import { outboundFetch } from '../src/outbound/outbound-fetch.js';

export interface Person {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
}

/** A real OpenID provider (oidc-provider) whose log-in and consent pages are answered by a program. */
export interface OidcServer extends AsyncDisposable {
  readonly issuer: string;
  /** Who signs in from now on. */
  person: Person;
  /** Follows the URL as a browser would, signs the person in, and gives the URL that it is sent back to. */
  signIn(url: string, options?: { readonly deny?: boolean }): Promise<URL>;
}

export const clientId = 'holdfast';
export const clientSecret = 'the secret of the test';

export async function startOidcServer(
  redirectUris: readonly string[],
  tls?: { readonly key: string; readonly cert: string },
): Promise<OidcServer> {
  const http: Server = tls === undefined ? createServer() : (createTlsServer(tls) as unknown as Server);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const issuer = tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  const state: { person: Person } = { person: { sub: 'nobody' } };
  const people = new Map<string, Person>();
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [...redirectUris],
        response_types: ['code'],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { email: ['email', 'email_verified'], profile: ['name'], openid: ['sub'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_: unknown, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
    cookies: { keys: ['of the test'] },
    pkce: { methods: ['S256'], required: () => true },
    findAccount: (_: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({ ...(people.get(sub) ?? { sub }) }),
    }),
  });
  const handle = provider.callback();
  http.on('request', (request, response) => {
    const url = new URL(request.url ?? '/', issuer);
    if (!url.pathname.startsWith('/interaction/')) {
      handle(request, response);
      return;
    }
    answerInteraction(provider, state, people, url.searchParams.has('deny'), request, response).catch(
      (error: unknown) => {
        response.statusCode = 500;
        response.end(String(error));
      },
    );
  });
  return {
    issuer,
    get person() {
      return state.person;
    },
    set person(person) {
      state.person = person;
    },
    signIn: async (url, { deny = false } = {}) => await browse(issuer, url, deny, tls?.cert),
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      await new Promise<void>((resolve) => http.close(() => resolve()));
    },
  };
}

type Interaction = {
  readonly prompt: { readonly name: string };
  readonly params: { readonly scope?: string; readonly client_id?: string };
  readonly session?: { readonly accountId: string };
};

async function answerInteraction(
  provider: Provider,
  state: { readonly person: Person },
  people: Map<string, Person>,
  deny: boolean,
  request: Parameters<Provider['interactionDetails']>[0],
  response: Parameters<Provider['interactionDetails']>[1],
): Promise<void> {
  const details = (await provider.interactionDetails(request, response)) as unknown as Interaction;
  if (deny) {
    await provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'not today' });
    return;
  }
  if (details.prompt.name === 'login') {
    people.set(state.person.sub, state.person);
    await provider.interactionFinished(request, response, { login: { accountId: state.person.sub } });
    return;
  }
  const grant = new provider.Grant({ accountId: details.session?.accountId, clientId: details.params.client_id });
  grant.addOIDCScope(details.params.scope ?? 'openid');
  await provider.interactionFinished(
    request,
    response,
    { consent: { grantId: await grant.save() } },
    { mergeWithLastSubmission: true },
  );
}

/** Follows redirects within the provider, keeping its cookies, until it sends the person elsewhere. */
async function browse(issuer: string, start: string, deny: boolean, ca: string | undefined): Promise<URL> {
  const settings = { privateAddresses: true, timeoutSeconds: 10, ...(ca === undefined ? {} : { ca }) };
  const get = outboundFetch(settings, 'operator');
  const { signal } = new AbortController();
  const cookies = new Map<string, string>();
  let url = new URL(start);
  for (let step = 0; step < 12 && url.href.startsWith(issuer); step += 1) {
    if (deny && url.pathname.startsWith('/interaction/')) url.searchParams.set('deny', '');
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await get(url.href, { signal, headers: cookie === '' ? {} : { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    if (location === null)
      throw new Error(`the provider answered ${answer.status}: ${(await answer.text()).slice(0, 500)}`);
    url = new URL(location, url);
  }
  return url;
}
