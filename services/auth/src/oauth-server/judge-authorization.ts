import { parseScopes, unsupportedScope } from './scopes.js';

export interface AuthorizationParameters {
  readonly responseType: string;
  readonly scope: string;
  readonly state: string;
  readonly resource: string;
  readonly codeChallenge: string;
  readonly codeChallengeMethod: string;
  readonly nonce: string;
}

/**
 * Why a request of a known client with a registered redirect URI is refused, in words for its developer; undefined: it is not (OAuth 2.1, 4.1.1; RFC
 * 8707, 2). PKCE is a must.
 */
export function judgeAuthorization(parameters: AuthorizationParameters): string | undefined {
  const { responseType, codeChallenge: challenge, codeChallengeMethod: method, resource } = parameters;
  if (responseType !== '' && responseType !== 'code') return 'only response_type=code is supported';
  const scopes = parseScopes(parameters.scope);
  if (scopes.length === 0) return 'scope parameter cannot be empty';
  const unsupported = unsupportedScope(scopes);
  if (unsupported !== undefined) return `unsupported scope: ${unsupported.slice(0, 100)}`;
  if (resource !== '') {
    if (resource.length > 2048 || !URL.canParse(resource)) return 'resource must be a valid URI';
    if (resource.includes('#')) return 'resource must not include a fragment component';
    if (resource.includes('?')) return 'resource must not include a query component';
  }
  if (challenge === '' || method === '') return 'PKCE flow requires both code_challenge and code_challenge_method';
  if (!['s256', 'plain'].includes(method.toLowerCase())) return "code_challenge_method must be 'S256' or 'plain'";
  if (challenge.length < 43 || challenge.length > 128) return 'code_challenge must be between 43 and 128 characters';
  if (parameters.state.length > 4096) return 'state must not be longer than 4096 characters';
  if (parameters.nonce.length > 255) return 'nonce must not be longer than 255 characters';
  return undefined;
}

/** A registered redirect URI with more parameters. */
export function withParameters(redirectUri: string, parameters: Readonly<Record<string, string>>): string {
  const url = new URL(redirectUri);
  for (const [name, value] of Object.entries(parameters)) if (value !== '') url.searchParams.set(name, value);
  return url.href;
}
