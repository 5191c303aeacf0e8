import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { recordAudit } from '../audit.js';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { forbidden, notFound, OAuthError, validationFailed } from '../errors.js';
import { type Caller, requireUser } from '../http/authenticate.js';
import { clientAddress, headerOf } from '../http/client-address.js';
import { isUuid, optionalString, parseBody, pathValue, queryValue } from '../http/parse-body.js';
import { authenticateClient } from '../oauth-server/authenticate-client.js';
import { beginAuthorization } from '../oauth-server/begin-authorization.js';
import { decideAuthorization, describeAuthorization } from '../oauth-server/decide-authorization.js';
import { exchangeCode, refreshForClient } from '../oauth-server/exchange-code.js';
import { userInfo } from '../oauth-server/id-token.js';
import { serverMetadata } from '../oauth-server/metadata.js';
import { renderClientForUser } from '../oauth-server/render-client.js';
import { parseScopes } from '../oauth-server/scopes.js';
import { isRedirectAllowed } from '../redirects/resolve-redirect.js';
import { findOAuthClients } from '../store/oauth-clients.js';
import { listConsents, revokeConsent } from '../store/oauth-consents.js';
import { requireOAuthServer } from './oauth-clients.js';

const consentBody = z.object({ action: optionalString });

/** Auth as an OAuth 2.1 server: requests of applications, the user's consent, tokens, and what the user has allowed. */
export const oauthServerRoutes: RegisterRoutes = (app, context) => {
  app.get('/oauth/authorize', async (request, reply) => {
    requireOAuthServer(context);
    return await reply.header('cache-control', 'no-store').redirect(await beginAuthorization(request, context), 302);
  });
  app.post('/oauth/token', async (request, reply) => {
    requireOAuthServer(context);
    reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
    return await tokenEndpoint(request, context);
  });
  app.get('/oauth/authorizations/:id', async (request) => {
    const caller = await requireDecider(request, context);
    return await describeAuthorization(context, caller, pathValue(request, 'id'));
  });
  app.post('/oauth/authorizations/:id/consent', async (request) => {
    const caller = await requireDecider(request, context);
    const { action } = parseBody(request, consentBody);
    return await decideAuthorization(context, caller, pathValue(request, 'id'), action);
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/oauth/userinfo',
    async handler(request) {
      requireOAuthServer(context);
      const { user, session } = await requireUser(request, context);
      return userInfo(user, session?.scopes ?? null);
    },
  });
  app.get('/user/oauth/grants', async (request) => {
    requireOAuthServer(context);
    const { user } = await requireUser(request, context);
    return await listGrants(context, user.id);
  });
  app.delete('/user/oauth/grants', async (request, reply) => {
    requireOAuthServer(context);
    await revokeGrant(request, context, await requireUser(request, context));
    return await reply.code(204).send();
  });
};

/** /.well-known/openid-configuration, and oauth-authorization-server where there is one. */
export const wellKnownRoutes: RegisterRoutes = (app, context) => {
  app.get('/.well-known/openid-configuration', async (_, reply) => {
    return await reply.header('cache-control', 'public, max-age=600').send(serverMetadata(context));
  });
  app.get('/.well-known/oauth-authorization-server', async (_, reply) => {
    requireOAuthServer(context);
    return await reply.header('cache-control', 'public, max-age=600').send(serverMetadata(context));
  });
};

/** The body as texts; what is no text counts as missing. */
function textBody({ body }: FastifyRequest): Readonly<Record<string, string>> {
  if (typeof body !== 'object' || body === null) throw new OAuthError('invalid_request', 'Invalid JSON body');
  return Object.fromEntries(
    Object.entries(body).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

async function tokenEndpoint(request: FastifyRequest, context: AuthContext) {
  const body = textBody(request);
  const client = await authenticateClient(request, context, body);
  const { grant_type: type = '' } = body;
  if (type === '') throw new OAuthError('invalid_request', 'grant_type is required');
  if (type !== 'authorization_code' && type !== 'refresh_token') {
    throw new OAuthError('unsupported_grant_type', `Unsupported grant type: ${type.slice(0, 100)}`);
  }
  if (!client.grant_types.map((each) => each.trim()).includes(type)) {
    throw new OAuthError('unauthorized_client', `Client is not allowed to use grant type: ${type}`);
  }
  const address = clientAddress(request);
  return type === 'authorization_code'
    ? await exchangeCode(context, client, address, body)
    : await refreshForClient(context, client, address, body);
}

/**
 * The user, on a page of ours. An application that signed the user in must not say yes in the user's name, and a page of somebody else's must not
 * ask with the user's token.
 */
async function requireDecider(request: FastifyRequest, context: AuthContext): Promise<Caller> {
  requireOAuthServer(context);
  const origin = headerOf(request, 'origin');
  if (origin !== '' && !isRedirectAllowed(origin, context.settings))
    throw validationFailed('unauthorized request origin');
  const caller = await requireUser(request, context);
  if (caller.session !== undefined && caller.session.oauth_client_id !== null) {
    throw forbidden('no_authorization', 'OAuth clients cannot decide on authorization requests');
  }
  return caller;
}

async function listGrants(context: AuthContext, userId: string) {
  const [consents] = await context.read(listConsents(userId));
  const [clients] = await context.read(findOAuthClients(consents.map(({ client_id: id }) => id)));
  return consents.flatMap((consent) => {
    const client = clients.find(({ id }) => id === consent.client_id);
    if (client === undefined) return [];
    const { scopes, granted_at } = consent;
    return [{ client: renderClientForUser(client), scopes: parseScopes(scopes), granted_at }];
  });
}

async function revokeGrant(request: FastifyRequest, context: AuthContext, { user }: Caller): Promise<void> {
  const clientId = queryValue(request, 'client_id');
  if (clientId === '') throw validationFailed('client_id query parameter is required');
  if (!isUuid(clientId)) throw validationFailed('invalid client_id format');
  const [revoked] = await context.write(...revokeConsent(user.id, clientId, context.now()));
  if (revoked === 0) throw notFound('oauth_consent_not_found', 'No active grant found for this client');
  const traits = { oauth_client_id: clientId, action: 'revoke_oauth_grant' };
  await context.write(...recordAudit(context, clientAddress(request), user, 'token_revoked', traits));
}
