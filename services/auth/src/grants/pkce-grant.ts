import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { badRequest, forbidden, notFound, unprocessable, validationFailed } from '../errors.js';
import { clientAddress } from '../http/client-address.js';
import { optionalString, parseBody } from '../http/parse-body.js';
import type { AuthenticationMethod } from '../sessions/authentication-method.js';
import { startSession } from '../sessions/start-session.js';
import { type TokenResponse, tokenResponse } from '../sessions/token-response.js';
import { deleteFlowState, type FlowState, findFlowStateByCode } from '../store/flow-states.js';
import { ask, askOne } from '../store/query.js';
import { findUserById } from '../store/users.js';
import { checkVerifier } from '../tokens/pkce.js';
import { isExpired } from '../tokens/sending-frequency.js';
import { isBanned } from '../users/render-user.js';

const schema = z.object({ auth_code: optionalString, code_verifier: optionalString });

/** grant_type=pkce: a code and its verifier (RFC 7636, 4.5). A code works once. */
export async function pkceGrant(request: FastifyRequest, context: AuthContext): Promise<TokenResponse> {
  const { auth_code: code, code_verifier: verifier } = parseBody(request, schema);
  if (code === '' || verifier === '') {
    throw validationFailed('invalid request: both auth code and code verifier should be non-empty');
  }
  const client = clientAddress(request);
  const { started, flow } = await context.transaction(async (run) => {
    const found = await askOne(run, findFlowStateByCode(code));
    if (found === undefined || found.user_id === null) {
      throw notFound('flow_state_not_found', 'invalid flow state, no valid flow state found');
    }
    // A link may lie in the inbox for long: the time runs from when it was followed.
    if (isExpired(found.auth_code_issued_at ?? found.created_at, context.settings.flows.expirySeconds, context.now())) {
      throw unprocessable('flow_state_expired', 'invalid flow state, flow state has expired');
    }
    if (found.code_challenge === null || found.code_challenge_method === null) {
      throw badRequest('bad_code_verifier', 'code challenge does not match previously saved code verifier');
    }
    checkVerifier(found.code_challenge, found.code_challenge_method, verifier);
    const user = await askOne(run, findUserById(found.user_id));
    if (user === undefined) throw notFound('flow_state_not_found', 'invalid flow state, no valid flow state found');
    if (isBanned(user, context.now())) throw forbidden('user_banned', 'User is banned');
    const audit = recordAudit(context, client, user, 'login', { provider_type: found.provider_type });
    await ask(run, ...audit, deleteFlowState(found.id));
    return { started: await startSession(run, context, { user, method: methodOf(found), client }), flow: found };
  });
  return await tokenResponse(context, started, methodOf(flow), {
    ...(flow.provider_access_token ? { provider_token: flow.provider_access_token } : {}),
    ...(flow.provider_refresh_token ? { provider_refresh_token: flow.provider_refresh_token } : {}),
  });
}

function methodOf({ authentication_method: method }: FlowState): AuthenticationMethod {
  return method as AuthenticationMethod;
}
