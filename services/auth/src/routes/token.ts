import type { FastifyRequest } from 'fastify';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { badRequest } from '../errors.js';
import { passwordGrant } from '../grants/password-grant.js';
import { pkceGrant } from '../grants/pkce-grant.js';
import { refreshGrant } from '../grants/refresh-grant.js';
import { checkCaptcha } from '../http/check-captcha.js';
import { queryValue } from '../http/parse-body.js';
import type { TokenResponse } from '../sessions/token-response.js';
import { extendedGrants } from './extended-grants.js';

export type Grant = (request: FastifyRequest, context: AuthContext) => Promise<TokenResponse>;

const grants: ReadonlyMap<string, Grant> = new Map<string, Grant>([
  ['password', passwordGrant],
  ['refresh_token', refreshGrant],
  ['pkce', pkceGrant],
  ...extendedGrants,
]);

/** POST /token?grant_type=…: a session for what proves who one is. */
export const tokenRoutes: RegisterRoutes = (app, context) => {
  app.post('/token', async (request) => {
    const type = queryValue(request, 'grant_type') || typeInBody(request.body);
    const grant = grants.get(type);
    if (grant === undefined) throw badRequest('invalid_credentials', 'unsupported_grant_type');
    // A refresh happens by itself, and a code was asked for by a captcha: there is nobody to solve one.
    if (type !== 'refresh_token' && type !== 'pkce') await checkCaptcha(request, context);
    return await grant(request, context);
  });
};

function typeInBody(body: unknown): string {
  const type = (body as { readonly grant_type?: unknown } | null | undefined)?.grant_type;
  return typeof type === 'string' ? type : '';
}
