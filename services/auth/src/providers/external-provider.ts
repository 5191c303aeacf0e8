import type { ProviderUser } from './provider-user.js';

export interface AuthorizationRequest {
  readonly state: string;
  readonly redirectUri: string;
  /** Ours towards the provider (RFC 7636); the nonce of OpenID Connect comes from it too. */
  readonly codeVerifier: string | undefined;
  /** Further scopes, separated by blanks or commas. '' for none. */
  readonly scopes: string;
  /** What the caller passed on, such as prompt or login_hint. */
  readonly extra: Readonly<Record<string, string>>;
}

export interface Callback {
  /** All parameters that came to the callback. */
  readonly parameters: URLSearchParams;
  readonly redirectUri: string;
  readonly state: string;
  readonly codeVerifier: string | undefined;
}

export interface ProviderTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

export interface ProviderAnswer {
  readonly user: ProviderUser;
  readonly tokens: ProviderTokens;
}

/** A place where people sign in and that tells us who they are. */
export interface ExternalProvider {
  /** As in identities.provider. */
  readonly name: string;
  readonly emailOptional: boolean;
  /** Where to send the person. Rejects when the provider's discovery document cannot be had. */
  authorizationUrl(request: AuthorizationRequest, signal: AbortSignal): Promise<string>;
  /** Exchanges the code and asks who it is. Rejects when the provider refuses or its answer does not prove what it says. */
  signIn(callback: Callback, signal: AbortSignal): Promise<ProviderAnswer>;
}

/** Parameters of an authorization request that we set; a caller cannot override them. */
const reserved = new Set([
  'client_id',
  'client_secret',
  'redirect_uri',
  'response_type',
  'response_mode',
  'state',
  'nonce',
  'code',
  'code_challenge',
  'code_challenge_method',
  'code_verifier',
  'request',
  'request_uri',
  'id_token',
]);

/** Of /authorize itself; they do not concern the provider. */
const own = new Set(['provider', 'scopes', 'scope', 'redirect_to', 'invite_token', 'skip_http_redirect', 'apikey']);

/** Characters; a longer value is no prompt and no hint. */
const longestExtra = 1024;

/** Whether the name is one that custom providers must not set either. */
export function isReservedParameter(name: string): boolean {
  return reserved.has(name.toLowerCase());
}

/** What of a request to /authorize goes on to the provider. */
export function extraParameters(query: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(query)
      .filter(([name]) => !isReservedParameter(name) && !own.has(name.toLowerCase()))
      .filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1].length <= longestExtra)
      .slice(0, 20),
  );
}

/** Scopes of several sources, each once, in order. */
export function joinScopes(...lists: readonly (readonly string[])[]): string {
  return [...new Set(lists.flat().filter((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)))].join(' ');
}

export function splitScopes(scopes: string): readonly string[] {
  return scopes.split(/[\s,]+/).filter((scope) => scope !== '');
}
