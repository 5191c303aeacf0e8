import { randomUUID } from 'node:crypto';
import type { AuthContext } from '../context.js';
import { notFound, validationFailed } from '../errors.js';
import type { Caller } from '../http/authenticate.js';
import {
  type Authorization,
  approveAuthorization,
  claimAuthorization,
  closeAuthorization,
  findAuthorizationForUpdate,
} from '../store/oauth-authorizations.js';
import { findOAuthClient } from '../store/oauth-clients.js';
import { findConsent, putConsent } from '../store/oauth-consents.js';
import { ask, askOne, type Run } from '../store/query.js';
import { withParameters } from './judge-authorization.js';
import { renderClientForUser } from './render-client.js';
import { coversScopes, parseScopes } from './scopes.js';

type Json = Readonly<Record<string, unknown>>;

const missing = () => notFound('oauth_authorization_not_found', 'authorization not found');

/** Pending, not expired, and of nobody else. What is expired is as good as unknown. */
async function openAuthorization(run: Run, context: AuthContext, id: string, userId: string): Promise<Authorization> {
  if (!/^[\w-]{1,128}$/.test(id)) throw missing();
  const authorization = await askOne(run, findAuthorizationForUpdate(id));
  if (authorization === undefined) throw missing();
  if (Date.parse(authorization.expires_at ?? '') < context.now().getTime()) throw missing();
  if (authorization.user_id !== null && authorization.user_id !== userId) throw missing();
  if (authorization.status !== 'pending') throw validationFailed('authorization request cannot be processed');
  return authorization;
}

/**
 * GET /oauth/authorizations/:id: what the application asks for. Whoever looks first is the one who decides. Where the user has allowed as much
 * before, nobody is asked again: the answer is where to go. Throws ApiError.
 */
export async function describeAuthorization(context: AuthContext, { user }: Caller, id: string): Promise<Json> {
  return await context.transaction(async (run) => {
    const authorization = await openAuthorization(run, context, id, user.id);
    const [client, consent] = await ask(
      run,
      findOAuthClient(authorization.client_id),
      findConsent(user.id, authorization.client_id),
    );
    if (client === undefined) throw missing();
    if (authorization.user_id === null) {
      await ask(run, claimAuthorization(authorization.id, user.id));
      if (consent !== undefined && coversScopes(consent.scopes, authorization.scope)) {
        return { redirect_url: await approve(run, context, authorization) };
      }
    }
    return {
      authorization_id: authorization.authorization_id,
      redirect_uri: authorization.redirect_uri,
      client: renderClientForUser(client),
      user: { id: user.id, email: user.email ?? '' },
      scope: authorization.scope,
    };
  });
}

/** POST /oauth/authorizations/:id/consent. Throws ApiError. */
export async function decideAuthorization(
  context: AuthContext,
  { user }: Caller,
  id: string,
  action: string,
): Promise<Json> {
  if (action !== 'approve' && action !== 'deny') throw validationFailed("action must be 'approve' or 'deny'");
  return await context.transaction(async (run) => {
    const authorization = await openAuthorization(run, context, id, user.id);
    // Nobody decides on what was not shown to them.
    if (authorization.user_id === null) throw missing();
    if (action === 'deny') {
      await ask(run, closeAuthorization(authorization.id, 'denied'));
      const answer = { error: 'access_denied', error_description: 'User denied the request' };
      return {
        redirect_url: withParameters(authorization.redirect_uri, { ...answer, state: authorization.state ?? '' }),
      };
    }
    const scopes = parseScopes(authorization.scope).join(' ');
    await ask(run, putConsent(user.id, authorization.client_id, scopes, context.now()));
    return { redirect_url: await approve(run, context, authorization) };
  });
}

async function approve(run: Run, context: AuthContext, authorization: Authorization): Promise<string> {
  const code = randomUUID();
  await ask(run, approveAuthorization(authorization.id, code, context.now()));
  return withParameters(authorization.redirect_uri, { code, state: authorization.state ?? '' });
}
