import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { randomPKCECodeVerifier } from 'openid-client';
import type { AuthContext } from '../context.js';
import { internalError, notFound, validationFailed } from '../errors.js';
import { queryValue } from '../http/parse-body.js';
import { OutboundError } from '../outbound/outbound-fetch.js';
import { extraParameters } from '../providers/external-provider.js';
import { type ResolvedProvider, resolveProvider, UnsupportedProvider } from '../providers/resolve-provider.js';
import { resolveRedirect } from '../redirects/resolve-redirect.js';
import { insertFlowState } from '../store/flow-states.js';
import { deleteStaleClientStates, insertClientState } from '../store/oauth-client-states.js';
import { readChallenge } from '../tokens/pkce.js';
import { findInvited } from './accept-invite.js';

/**
 * The provider's URL at which a person signs in. What must survive until the callback is a row of auth.flow_state, whose id is the state; our
 * verifier and nonce towards the provider are a row of auth.oauth_client_states. Throws ApiError.
 */
export async function beginSignIn(
  request: FastifyRequest,
  context: AuthContext,
  linkingTarget?: string,
): Promise<string> {
  const name = queryValue(request, 'provider').toLowerCase();
  const { provider, redirectUri } = await resolve(context, name);
  const challenge = readChallenge(queryValue(request, 'code_challenge'), queryValue(request, 'code_challenge_method'));
  const inviteToken = queryValue(request, 'invite_token');
  if (inviteToken !== '' && (await findInvited(context, inviteToken)) === undefined) {
    throw notFound('user_not_found', 'User identified by token not found');
  }
  const now = context.now();
  const [state, clientState, codeVerifier] = [randomUUID(), randomUUID(), randomPKCECodeVerifier()];
  const url = await askProvider(context, name, () =>
    provider.authorizationUrl(
      {
        state,
        redirectUri,
        codeVerifier,
        scopes: queryValue(request, 'scopes'),
        extra: extraParameters(request.query as Readonly<Record<string, unknown>>),
      },
      context.signal,
    ),
  );
  await context.write(
    insertClientState({ id: clientState, provider: name, codeVerifier }, now),
    insertFlowState(
      {
        id: state,
        provider_type: name,
        authentication_method: 'oauth',
        auth_code: challenge === undefined ? null : randomUUID(),
        code_challenge: challenge?.challenge ?? null,
        code_challenge_method: challenge?.method ?? null,
        provider_access_token: '',
        provider_refresh_token: '',
        invite_token: inviteToken === '' ? null : inviteToken,
        referrer: resolveRedirect(request, context.settings),
        oauth_client_state_id: clientState,
        linking_target_id: linkingTarget ?? null,
        email_optional: provider.emailOptional,
      },
      now,
    ),
    deleteStaleClientStates(new Date(now.getTime() - 24 * 3600 * 1000)),
  );
  return url;
}

async function resolve(context: AuthContext, name: string): Promise<ResolvedProvider> {
  try {
    return await resolveProvider(context, name);
  } catch (error) {
    if (!(error instanceof UnsupportedProvider)) throw error;
    throw validationFailed(`Unsupported provider: ${error.message}`);
  }
}

async function askProvider(context: AuthContext, name: string, ask: () => Promise<string>): Promise<string> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    context.log.warn({ err: error }, `the provider ${name} cannot be asked`);
    throw internalError('Error asking the external provider for its endpoints', error);
  }
}
