import { createHash } from 'node:crypto';
import { fetchJson, OutboundError, type OutboundFetch } from '../outbound/outbound-fetch.js';
import {
  type AuthorizationRequest,
  type Callback,
  type ExternalProvider,
  joinScopes,
  type ProviderTokens,
  splitScopes,
} from './external-provider.js';
import { type ProviderUser, recordOf, textOf } from './provider-user.js';

export interface OAuth2Definition {
  readonly name: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly authorizationUrl: string;
  readonly tokenUrl: string;
  readonly scopes: readonly string[];
  readonly scopeSeparator?: ' ' | ',';
  /** Sent with each authorization request. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly pkce: boolean;
  readonly emailOptional: boolean;
  /** Asks the provider's API who it is. */
  readonly profile: (accessToken: string, fetch: OutboundFetch, signal: AbortSignal) => Promise<ProviderUser>;
}

/** base64url(SHA-256(verifier)): RFC 7636, 4.2. */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

/** A provider of plain OAuth 2 (RFC 6749, 4.1): a code, a token for it, and an API that says whose token that is. */
export function oauth2Provider(definition: OAuth2Definition, fetch: OutboundFetch): ExternalProvider {
  return {
    name: definition.name,
    emailOptional: definition.emailOptional,
    authorizationUrl: async (request) => authorizationUrl(definition, request),
    async signIn(callback, signal) {
      const tokens = await exchangeCode(definition, callback, fetch, signal);
      return { tokens, user: await definition.profile(tokens.accessToken, fetch, signal) };
    },
  };
}

function authorizationUrl(definition: OAuth2Definition, request: AuthorizationRequest): string {
  const url = new URL(definition.authorizationUrl);
  const scope = joinScopes(definition.scopes, splitScopes(request.scopes));
  const parameters: Record<string, string> = {
    ...request.extra,
    ...definition.parameters,
    client_id: definition.clientId,
    redirect_uri: request.redirectUri,
    response_type: 'code',
    state: request.state,
  };
  if (scope !== '') parameters.scope = scope.split(' ').join(definition.scopeSeparator ?? ' ');
  if (definition.pkce && request.codeVerifier !== undefined) {
    parameters.code_challenge = challengeOf(request.codeVerifier);
    parameters.code_challenge_method = 'S256';
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/** The client authenticates in the body (`client_secret_post`), which every provider here takes. Some answer an error with status 200. */
async function exchangeCode(
  definition: OAuth2Definition,
  callback: Callback,
  fetch: OutboundFetch,
  signal: AbortSignal,
): Promise<ProviderTokens> {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code: callback.parameters.get('code') ?? '',
    redirect_uri: callback.redirectUri,
    client_id: definition.clientId,
    client_secret: definition.clientSecret,
  });
  if (definition.pkce && callback.codeVerifier !== undefined) body.set('code_verifier', callback.codeVerifier);
  const answer = recordOf(
    await fetchJson(fetch, definition.tokenUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: body.toString(),
      signal,
    }),
  );
  const accessToken = textOf(answer, 'access_token');
  if (accessToken === '') throw new OutboundError(`${definition.name} gave no access token`);
  return { accessToken, refreshToken: textOf(answer, 'refresh_token') };
}

/** GET with the access token. */
export function ask(
  url: string,
  accessToken: string,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
) {
  return [url, { headers: { authorization: `Bearer ${accessToken}`, ...headers }, signal }] as const;
}
