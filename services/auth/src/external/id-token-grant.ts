import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AuthContext } from '../context.js';
import { internalError, OAuthError } from '../errors.js';
import { requireUser } from '../http/authenticate.js';
import { clientAddress, headerOf } from '../http/client-address.js';
import { optionalBoolean, optionalString, parseBody } from '../http/parse-body.js';
import { linkIdentity, requireManualLinking } from '../identities/link-identity.js';
import { notify } from '../mail/notify.js';
import { userOfClaims } from '../providers/profiles/id-token.js';
import { startSession } from '../sessions/start-session.js';
import { type TokenResponse, tokenResponse } from '../sessions/token-response.js';
import { afterUserCreated, beforeUserCreated } from '../users/user-hooks.js';
import { newcomer } from './handle-callback.js';
import { trustedIssuer } from './id-token-issuer.js';
import { requireConfirmed } from './require-confirmed.js';
import { retryOnce } from './retry-once.js';
import { isNewcomer, settleIdentity } from './settle-identity.js';
import { verifyIdToken } from './verify-id-token.js';

const grantBody = z.object({
  id_token: optionalString,
  access_token: optionalString,
  nonce: optionalString,
  provider: optionalString,
  client_id: optionalString,
  issuer: optionalString,
  link_identity: optionalBoolean,
});

/** POST /token?grant_type=id_token: a token that a provider gave to the application itself. Throws ApiError or OAuthError. */
export async function idTokenGrant(request: FastifyRequest, context: AuthContext): Promise<TokenResponse> {
  const body = parseBody(request, grantBody);
  if (body.id_token === '') throw new OAuthError('invalid request', 'id_token required');
  if (body.provider === '' && (body.client_id === '' || body.issuer === '')) {
    throw new OAuthError('invalid request', 'provider or client_id and issuer required');
  }
  const target = body.link_identity ? await linkingTarget(request, context) : undefined;
  const wanted = {
    idToken: body.id_token,
    accessToken: body.access_token,
    nonce: body.nonce,
    provider: body.provider,
    clientId: body.client_id,
    issuer: body.issuer,
  };
  const trusted = await trustedIssuer(context, wanted);
  const claims = await verifyIdToken(context, trusted, wanted);
  const identity = {
    provider: trusted.provider,
    user: userOfClaims(trusted.provider, claims),
    emailOptional: trusted.emailOptional,
  };
  if (identity.user.emails.length === 0 && !trusted.emailOptional && target === undefined) {
    throw internalError('Error getting user email from external provider');
  }
  if (target === undefined && (await isNewcomer(context, identity))) {
    await beforeUserCreated(context, request, newcomer(identity));
  }
  const client = clientAddress(request);
  const { settled, started } = await retryOnce(() =>
    context.transaction(async (run) => {
      const settled =
        target === undefined
          ? await settleIdentity(run, context, client, identity)
          : await linkIdentity(run, context, client, target, identity);
      const { user, unconfirmed } = settled;
      const started = unconfirmed ? undefined : await startSession(run, context, { user, method: 'oauth', client });
      return { settled, started };
    }),
  );
  if (settled.created) await afterUserCreated(context, request, settled.user);
  if (target !== undefined) await notify(context, 'identityLinked', settled.user, { provider: trusted.provider });
  await requireConfirmed(context, settled, trusted.provider, context.settings.siteUrl);
  if (started === undefined) throw internalError('no session was begun');
  return await tokenResponse(context, started, 'oauth');
}

async function linkingTarget(request: FastifyRequest, context: AuthContext): Promise<string> {
  if (headerOf(request, 'authorization') === '') {
    throw new OAuthError('invalid request', 'Linking requires a valid user access token in Authorization');
  }
  requireManualLinking(context);
  const { user } = await requireUser(request, context);
  return user.id;
}
