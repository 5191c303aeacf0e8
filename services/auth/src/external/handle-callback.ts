import type { FastifyRequest } from 'fastify';
import type { AuthContext } from '../context.js';
import { ApiError, badRequest, internalError, OAuthError, unprocessable } from '../errors.js';
import { type ClientAddress, clientAddress } from '../http/client-address.js';
import { isUuid } from '../http/parse-body.js';
import { linkIdentity } from '../identities/link-identity.js';
import { notify } from '../mail/notify.js';
import type { ProviderAnswer } from '../providers/external-provider.js';
import { identityData } from '../providers/provider-user.js';
import { resolveProvider, UnsupportedProvider } from '../providers/resolve-provider.js';
import { isRedirectAllowed } from '../redirects/resolve-redirect.js';
import { type StartedSession, startSession } from '../sessions/start-session.js';
import { tokenResponse } from '../sessions/token-response.js';
import {
  deleteFlowState,
  type FlowState,
  findFlowState,
  findFlowStateForUpdate,
  updateFlowState,
} from '../store/flow-states.js';
import { consumeClientState } from '../store/oauth-client-states.js';
import { ask, askOne, type Run } from '../store/query.js';
import { findUserById } from '../store/users.js';
import { afterUserCreated, beforeUserCreated } from '../users/user-hooks.js';
import { acceptInvite } from './accept-invite.js';
import { codeRedirect, errorRedirect, tokenRedirect } from './redirect-answer.js';
import { requireConfirmed } from './require-confirmed.js';
import { retryOnce } from './retry-once.js';
import { isNewcomer, type Settled, settleIdentity } from './settle-identity.js';

/** What came back from the provider: the query, or the form that Apple posts. */
export function callbackParameters(request: FastifyRequest): URLSearchParams {
  const source = request.method === 'POST' ? request.body : request.query;
  const entries = Object.entries((source ?? {}) as Readonly<Record<string, unknown>>);
  return new URLSearchParams(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** GET or POST /callback: where to send the person, with a code, tokens, or what went wrong. */
export async function handleCallback(request: FastifyRequest, context: AuthContext): Promise<string> {
  const parameters = callbackParameters(request);
  let flow: FlowState;
  try {
    flow = await openFlow(context, parameters.get('state') ?? '');
  } catch (error) {
    logFailure(context, error);
    return errorRedirect(context.settings.siteUrl, error, { fragment: false });
  }
  const target = redirectTarget(context, flow);
  try {
    return await finishSignIn(request, context, flow, parameters, target);
  } catch (error) {
    logFailure(context, error);
    return errorRedirect(target, error, { fragment: true });
  }
}

function logFailure(context: AuthContext, error: unknown): void {
  if (error instanceof OAuthError || (error instanceof ApiError && error.status < 500)) {
    context.log.info(`OAuth callback: ${error.message}`);
  } else {
    context.log.error({ err: error }, 'OAuth callback failed');
  }
}

/** Asked again, though it was allowed when it was stored: the list may have become shorter. */
function redirectTarget({ settings }: AuthContext, { referrer }: FlowState): string {
  return referrer !== null && isRedirectAllowed(referrer, settings) ? referrer : settings.siteUrl;
}

async function openFlow(context: AuthContext, state: string): Promise<FlowState> {
  if (state === '') throw badRequest('bad_oauth_callback', 'OAuth state parameter missing');
  if (!isUuid(state)) throw badRequest('bad_oauth_state', 'OAuth state parameter is invalid');
  const [flow] = await context.read(findFlowState(state));
  if (flow === undefined || flow.authentication_method !== 'oauth') {
    throw badRequest('bad_oauth_state', 'OAuth state not found or expired');
  }
  const age = context.now().getTime() - Date.parse(flow.created_at ?? '');
  if (!(age <= context.settings.flows.expirySeconds * 1000))
    throw badRequest('bad_oauth_state', 'OAuth state has expired');
  if (flow.code_challenge !== null && flow.user_id !== null) {
    throw badRequest('flow_state_already_used', 'State has already been used');
  }
  return flow;
}

async function finishSignIn(
  request: FastifyRequest,
  context: AuthContext,
  flow: FlowState,
  parameters: URLSearchParams,
  target: string,
): Promise<string> {
  const answer = await askProvider(context, flow, parameters);
  const client = clientAddress(request);
  const identity = { provider: flow.provider_type, user: answer.user, emailOptional: flow.email_optional };
  if (answer.user.emails.length === 0 && !flow.email_optional && flow.linking_target_id === null) {
    throw internalError('Error getting user email from external provider');
  }
  const plain = flow.linking_target_id === null && flow.invite_token === null;
  if (plain && (await isNewcomer(context, identity))) await beforeUserCreated(context, request, newcomer(identity));
  const { settled, started } = await retryOnce(() =>
    context.transaction(async (run) => {
      const settled = await settle(run, context, client, flow, identity);
      if (settled.unconfirmed) return { settled, started: undefined };
      const started = await conclude(run, context, client, flow, settled, answer);
      return { settled, started };
    }),
  );
  if (settled.created) await afterUserCreated(context, request, settled.user);
  if (flow.linking_target_id !== null) {
    await notify(context, 'identityLinked', settled.user, { provider: flow.provider_type });
  }
  await requireConfirmed(context, settled, flow.provider_type, target);
  if (flow.code_challenge !== null) return codeRedirect(target, flow.auth_code ?? '');
  if (started === undefined) throw internalError('no session was begun');
  const { access_token, token_type, expires_in, expires_at, refresh_token } = await tokenResponse(
    context,
    started,
    'oauth',
  );
  return tokenRedirect(target, {
    access_token,
    expires_at,
    expires_in,
    ...(answer.tokens.refreshToken === '' ? {} : { provider_refresh_token: answer.tokens.refreshToken }),
    provider_token: answer.tokens.accessToken,
    refresh_token,
    token_type,
  });
}

/** What the hook before a user is made is shown. */
export function newcomer({ provider, user }: { readonly provider: string; readonly user: ProviderAnswer['user'] }) {
  const email = user.emails.find(({ primary }) => primary)?.email;
  return { provider, ...(email === undefined ? {} : { email }), userMetadata: identityData(user) };
}

async function askProvider(
  context: AuthContext,
  flow: FlowState,
  parameters: URLSearchParams,
): Promise<ProviderAnswer> {
  const refused = parameters.get('error');
  if (refused !== null && refused !== '') {
    throw new OAuthError(refused.slice(0, 200), (parameters.get('error_description') ?? '').slice(0, 1000));
  }
  if ((parameters.get('code') ?? '') === '') {
    throw badRequest('bad_oauth_callback', 'OAuth callback with missing authorization code missing');
  }
  const codeVerifier = await takeVerifier(context, flow);
  try {
    const { provider, redirectUri } = await resolveProvider(context, flow.provider_type);
    const answer = await provider.signIn({ parameters, redirectUri, state: flow.id, codeVerifier }, context.signal);
    if (answer.user.claims.sub === '') throw new Error('the provider named no subject');
    return answer;
  } catch (error) {
    if (error instanceof UnsupportedProvider) {
      throw badRequest('oauth_provider_not_supported', `Unsupported provider: ${error.message}`);
    }
    throw internalError('Unable to exchange external code', error);
  }
}

/** A verifier serves once, so a callback that comes twice is answered once. */
async function takeVerifier(context: AuthContext, flow: FlowState): Promise<string | undefined> {
  if (flow.oauth_client_state_id === null) return undefined;
  const [state] = await context.write(consumeClientState(flow.oauth_client_state_id));
  if (state === undefined || state.provider_type !== flow.provider_type) {
    throw badRequest('oauth_client_state_not_found', 'OAuth state not found or already used');
  }
  return state.code_verifier ?? undefined;
}

type Identity = Parameters<typeof settleIdentity>[3];

async function settle(
  run: Run,
  context: AuthContext,
  client: ClientAddress,
  flow: FlowState,
  identity: Identity,
): Promise<Settled> {
  if (flow.linking_target_id !== null) {
    const target = await askOne(run, findUserById(flow.linking_target_id));
    if (target === undefined) throw unprocessable('user_not_found', 'Linking target user not found');
    return await linkIdentity(run, context, client, target.id, identity);
  }
  if (flow.invite_token !== null) return await acceptInvite(run, context, client, flow.invite_token, identity);
  return await settleIdentity(run, context, client, identity);
}

/** With PKCE the code waits to be exchanged; else the session begins now, and the flow is over. */
async function conclude(
  run: Run,
  context: AuthContext,
  client: ClientAddress,
  flow: FlowState,
  { user }: Settled,
  { tokens }: ProviderAnswer,
): Promise<StartedSession | undefined> {
  const now = context.now();
  const current = await askOne(run, findFlowStateForUpdate(flow.id));
  if (current === undefined || current.user_id !== null) {
    throw badRequest('flow_state_already_used', 'State has already been used');
  }
  if (flow.code_challenge === null) {
    await ask(run, deleteFlowState(flow.id));
    return await startSession(run, context, { user, method: 'oauth', client });
  }
  const values = {
    user_id: user.id,
    provider_access_token: tokens.accessToken,
    provider_refresh_token: tokens.refreshToken,
    auth_code_issued_at: now,
  };
  await ask(run, updateFlowState(flow.id, values, now));
  return undefined;
}
