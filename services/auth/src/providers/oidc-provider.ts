import { createHash } from 'node:crypto';
import {
  authorizationCodeGrant,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  fetchUserInfo,
  None,
} from 'openid-client';
import { OutboundError, type OutboundFetch } from '../outbound/outbound-fetch.js';
import {
  type AuthorizationRequest,
  type Callback,
  type ExternalProvider,
  joinScopes,
  type ProviderAnswer,
  splitScopes,
} from './external-provider.js';
import { challengeOf } from './oauth2-provider.js';
import { clientOf, type DiscoveryCache } from './oidc-discovery.js';
import { userOfClaims, withAppleName } from './profiles/id-token.js';
import { type ProviderUser, textOf } from './provider-user.js';

export interface OidcDefinition {
  readonly name: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly issuer: string;
  readonly discoveryUrl?: string;
  /** Where it is known beforehand, so that a sign-in starts without asking the provider. */
  readonly authorizationUrl?: string;
  readonly scopes: readonly string[];
  readonly parameters?: Readonly<Record<string, string>>;
  readonly pkce: boolean;
  /** Whether the provider's id tokens repeat the nonce; without it, the state alone ties the answer to the request. */
  readonly nonce: boolean;
  readonly emailOptional: boolean;
  /** Applied to the claims before they are read. */
  readonly mapClaims?: (claims: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
}

/** The nonce that belongs to a verifier: the verifier never leaves this service before the code comes back, so neither can be guessed. */
export function nonceOf(verifier: string): string {
  return createHash('sha256').update(`nonce:${verifier}`).digest('base64url');
}

/** A provider of OpenID Connect (Core 1.0, 3.1, the code flow), with PKCE, a nonce, and id tokens verified by the provider's keys. */
export function oidcProvider(
  definition: OidcDefinition,
  { fetch, cache }: { readonly fetch: OutboundFetch; readonly cache: DiscoveryCache },
): ExternalProvider {
  const metadata = (signal: AbortSignal) => cache.metadata(definition.issuer, definition.discoveryUrl, fetch, signal);
  return {
    name: definition.name,
    emailOptional: definition.emailOptional,
    async authorizationUrl(request, signal) {
      const endpoint = definition.authorizationUrl ?? (await metadata(signal)).authorization_endpoint;
      if (endpoint === undefined) throw new OutboundError(`${definition.name} names no authorization endpoint`);
      return authorizationUrl(definition, endpoint, request);
    },
    async signIn(callback, signal) {
      const found = await metadata(signal);
      const methods = found.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
      const { clientId: id, clientSecret: secret } = definition;
      const authentication =
        secret === ''
          ? None()
          : methods.includes('client_secret_post')
            ? ClientSecretPost(secret)
            : ClientSecretBasic(secret);
      const client = clientOf(found, { id, secret, authentication }, fetch, signal);
      return await exchange(definition, client, callback);
    },
  };
}

function authorizationUrl(definition: OidcDefinition, endpoint: string, request: AuthorizationRequest): string {
  const url = new URL(endpoint);
  const parameters: Record<string, string> = {
    ...request.extra,
    ...definition.parameters,
    client_id: definition.clientId,
    redirect_uri: request.redirectUri,
    response_type: 'code',
    scope: joinScopes(['openid'], definition.scopes, splitScopes(request.scopes)),
    state: request.state,
  };
  if (request.codeVerifier !== undefined) {
    if (definition.nonce) parameters.nonce = nonceOf(request.codeVerifier);
    if (definition.pkce) {
      parameters.code_challenge = challengeOf(request.codeVerifier);
      parameters.code_challenge_method = 'S256';
    }
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

async function exchange(
  definition: OidcDefinition,
  client: Configuration,
  callback: Callback,
): Promise<ProviderAnswer> {
  const url = new URL(callback.redirectUri);
  for (const name of ['code', 'state', 'iss']) {
    const value = callback.parameters.get(name);
    if (value !== null) url.searchParams.set(name, value);
  }
  const tokens = await authorizationCodeGrant(client, url, {
    expectedState: callback.state,
    idTokenExpected: true,
    ...(definition.nonce && callback.codeVerifier !== undefined
      ? { expectedNonce: nonceOf(callback.codeVerifier) }
      : {}),
    ...(definition.pkce && callback.codeVerifier !== undefined ? { pkceCodeVerifier: callback.codeVerifier } : {}),
  });
  const claims = tokens.claims();
  if (claims === undefined) throw new OutboundError(`${definition.name} gave no id token`);
  const complete = await withUserInfo(client, claims, tokens.access_token);
  const user = userOfClaims(definition.name, definition.mapClaims?.(complete) ?? complete);
  return {
    user: definition.name === 'apple' ? appleUser(user, callback) : user,
    tokens: { accessToken: tokens.access_token, refreshToken: tokens.refresh_token ?? '' },
  };
}

/** Many providers keep the address out of the id token; then userinfo has it, for the same subject. */
async function withUserInfo(
  client: Configuration,
  claims: Readonly<Record<string, unknown>> & { readonly sub: string },
  accessToken: string,
): Promise<Readonly<Record<string, unknown>>> {
  if (textOf(claims, 'email') !== '' || client.serverMetadata().userinfo_endpoint === undefined) return claims;
  const info = await fetchUserInfo(client, accessToken, claims.sub);
  return { ...info, ...claims };
}

function appleUser(user: ProviderUser, { parameters }: Callback): ProviderUser {
  const field = parameters.get('user');
  return field === null ? user : withAppleName(user, field);
}
