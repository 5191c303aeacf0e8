import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { AuthContext } from '../context.js';
import { badRequest, validationFailed } from '../errors.js';
import { isUuid, queryValue } from '../http/parse-body.js';
import { deleteStaleAuthorizations, insertAuthorization } from '../store/oauth-authorizations.js';
import { findOAuthClient } from '../store/oauth-clients.js';
import { judgeAuthorization, withParameters } from './judge-authorization.js';
import { randomAlphanumeric } from './random-alphanumeric.js';
import { parseScopes } from './scopes.js';

/**
 * GET /oauth/authorize: where the user is asked for consent. Until client and redirect URI are known to belong together, errors are thrown, since
 * nobody may be sent to a place that a stranger names (RFC 6749, 4.1.2.1); from then on they are told to the application.
 */
export async function beginAuthorization(request: FastifyRequest, context: AuthContext): Promise<string> {
  const value = (name: string) => queryValue(request, name);
  const [clientId, redirectUri, state] = [value('client_id'), value('redirect_uri'), value('state')];
  if (clientId === '') throw validationFailed('client_id is required');
  if (redirectUri === '') throw validationFailed('redirect_uri is required');
  if (!isUuid(clientId)) throw badRequest('oauth_client_not_found', 'invalid client_id format');
  const [client] = await context.read(findOAuthClient(clientId));
  if (client === undefined) throw badRequest('oauth_client_not_found', 'invalid client_id');
  if (!client.redirect_uris.includes(redirectUri)) throw validationFailed('invalid redirect_uri');
  const { oauthServer, siteUrl } = context.settings;
  const scope = parseScopes(value('scope') || oauthServer.defaultScope).join(' ');
  const [challenge, method] = [value('code_challenge'), value('code_challenge_method')];
  const fault = judgeAuthorization({
    responseType: value('response_type'),
    scope,
    state,
    resource: value('resource'),
    codeChallenge: challenge,
    codeChallengeMethod: method,
    nonce: value('nonce'),
  });
  if (fault !== undefined) {
    return withParameters(redirectUri, {
      error: 'invalid_request',
      error_description: fault,
      state: state.slice(0, 4096),
    });
  }
  const now = context.now();
  const id = randomAlphanumeric(32);
  const orNull = (text: string) => (text === '' ? null : text);
  await context.write(
    insertAuthorization({
      id: randomUUID(),
      authorization_id: id,
      client_id: client.id,
      redirect_uri: redirectUri,
      scope,
      state: orNull(state),
      resource: orNull(value('resource')),
      code_challenge: challenge,
      code_challenge_method: method.toLowerCase(),
      nonce: orNull(value('nonce')),
      created_at: now,
      expires_at: new Date(now.getTime() + oauthServer.authorizationTtlSeconds * 1000),
    }),
    deleteStaleAuthorizations(new Date(now.getTime() - 24 * 3600 * 1000)),
  );
  const path = oauthServer.authorizationPath.replace(/^\/*/, '/');
  return `${siteUrl.replace(/\/+$/, '')}${path}?authorization_id=${id}`;
}
