import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { ApiError, OAuthError } from '../errors.js';
import type { ClientAddress } from '../http/client-address.js';
import { refreshSession } from '../sessions/refresh-session.js';
import { startSession } from '../sessions/start-session.js';
import { type TokenResponse, tokenResponse } from '../sessions/token-response.js';
import { type Authorization, deleteAuthorization, findAuthorizationByCode } from '../store/oauth-authorizations.js';
import type { OAuthClient } from '../store/oauth-clients.js';
import { ask, askOne } from '../store/query.js';
import { findUserById } from '../store/users.js';
import { checkVerifier } from '../tokens/pkce.js';
import { isBanned } from '../users/render-user.js';
import { idToken } from './id-token.js';
import { parseScopes } from './scopes.js';

type Json = Readonly<Record<string, unknown>>;
type Body = Readonly<Record<string, string>>;

const invalidGrant = (description: string) => new OAuthError('invalid_grant', description);

/** The answer to an application: no user in it (RFC 6749, 5.1). */
function render({ access_token, token_type, expires_in, refresh_token }: TokenResponse): Json {
  return { access_token, token_type, expires_in, refresh_token };
}

/** grant_type=authorization_code (OAuth 2.1, 4.1.3): a code serves once. Throws OAuthError. */
export async function exchangeCode(
  context: AuthContext,
  client: OAuthClient,
  address: ClientAddress,
  body: Body,
): Promise<Json> {
  const { code = '' } = body;
  if (code === '') throw new OAuthError('invalid_request', 'code is required for authorization_code grant');
  const { started, authorization, user } = await context.transaction(async (run) => {
    const authorization = await askOne(run, findAuthorizationByCode(code.slice(0, 255)));
    if (authorization === undefined) throw invalidGrant('Invalid authorization code');
    checkAuthorization(context, authorization, client, body);
    const user = await askOne(run, findUserById(authorization.user_id ?? ''));
    if (user === undefined) throw invalidGrant('User not found for authorization code');
    if (isBanned(user, context.now())) throw new OAuthError('access_denied', 'User is banned');
    const [deleted] = await ask(
      run,
      deleteAuthorization(authorization.id),
      ...recordAudit(context, address, user, 'login', {
        provider_type: 'oauth_provider_authorization_code',
        client_id: client.id,
      }),
    );
    if (deleted === 0) throw invalidGrant('Invalid authorization code');
    const started = await startSession(run, context, {
      user,
      method: 'oauth_provider/authorization_code',
      client: address,
      oauthClientId: client.id,
      scopes: authorization.scope,
    });
    return { started, authorization, user };
  });
  const response = render(await tokenResponse(context, started, 'oauth_provider/authorization_code'));
  const { scope, nonce } = authorization;
  if (!parseScopes(scope).includes('openid')) return { ...response, scope };
  return { ...response, scope, id_token: idToken(context, { user, clientId: client.id, scope, nonce }) };
}

function checkAuthorization(context: AuthContext, authorization: Authorization, client: OAuthClient, body: Body): void {
  if (authorization.client_id !== client.id) throw invalidGrant('Authorization code was not issued for this client');
  if (Date.parse(authorization.expires_at ?? '') < context.now().getTime()) {
    throw invalidGrant('Authorization code has expired');
  }
  const { resource = '', redirect_uri: redirectUri = '', code_verifier: verifier = '' } = body;
  if (resource !== '' && resource !== authorization.resource) {
    throw invalidGrant('Authorization code resource does not match the resource parameter');
  }
  if (redirectUri !== '' && redirectUri !== authorization.redirect_uri) throw invalidGrant('Invalid redirect_uri');
  if (authorization.user_id === null) throw invalidGrant('Authorization code has no associated user');
  try {
    checkVerifier(authorization.code_challenge ?? '', authorization.code_challenge_method ?? 's256', verifier);
  } catch {
    throw invalidGrant('PKCE verification failed: code challenge does not match previously saved code verifier');
  }
}

/** grant_type=refresh_token: sessions of this application alone. Throws OAuthError. */
export async function refreshForClient(
  context: AuthContext,
  client: OAuthClient,
  address: ClientAddress,
  { refresh_token: token = '' }: Body,
): Promise<Json> {
  if (token === '') throw new OAuthError('invalid_request', 'refresh_token is required for refresh_token grant');
  try {
    const started = await refreshSession(context, { token, client: address, oauthClientId: client.id });
    return render(await tokenResponse(context, started, 'token_refresh'));
  } catch (error) {
    throw oauthRefreshError(error);
  }
}

/** What is wrong with a refresh token, in OAuth's words (RFC 6749, 5.2). */
function oauthRefreshError(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  if (error.code === 'user_banned') {
    return new OAuthError('access_denied', 'User is not permitted to access this resource.');
  }
  const known = ['refresh_token_not_found', 'refresh_token_already_used', 'session_not_found', 'session_expired'];
  return known.includes(error.code) ? invalidGrant('Refresh token is invalid or expired.') : error;
}
