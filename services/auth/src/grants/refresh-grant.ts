import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AuthContext } from '../context.js';
import { validationFailed } from '../errors.js';
import { clientAddress } from '../http/client-address.js';
import { optionalString, parseBody } from '../http/parse-body.js';
import { refreshSession } from '../sessions/refresh-session.js';
import { type TokenResponse, tokenResponse } from '../sessions/token-response.js';

const schema = z.object({ refresh_token: optionalString });

/** grant_type=refresh_token. */
export async function refreshGrant(request: FastifyRequest, context: AuthContext): Promise<TokenResponse> {
  context.limits.check('tokenRefresh', request);
  const { refresh_token: token } = parseBody(request, schema);
  if (token === '') throw validationFailed('refresh_token required');
  const started = await refreshSession(context, { token, client: clientAddress(request) });
  return await tokenResponse(context, started, 'token_refresh');
}
