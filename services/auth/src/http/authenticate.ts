import { verifyToken } from '@holdfast/keys';
import type { FastifyRequest } from 'fastify';
import type { AuthContext } from '../context.js';
import { forbidden, unauthorized } from '../errors.js';
import { prepared } from '../store/query.js';
import { findSessionById, type Session } from '../store/sessions.js';
import { type FullUser, findUserById } from '../store/users.js';
import { headerOf } from './client-address.js';
import { isUuid } from './parse-body.js';

/** The claims of a token that holds. */
export type Claims = Readonly<Record<string, unknown>>;

/** Whoever calls with a user's token. */
export interface Caller {
  readonly claims: Claims;
  readonly user: FullUser;
  /** Undefined for tokens that name none, as other issuers make them. */
  readonly session: Session | undefined;
}

/** The claims of the bearer token. 401 no_authorization without one, 403 bad_jwt where it does not hold. */
export async function readClaims(request: FastifyRequest, context: AuthContext): Promise<Claims> {
  const [, token] = /^Bearer (\S+)$/i.exec(headerOf(request, 'authorization')) ?? [];
  if (token === undefined) throw unauthorized('no_authorization', 'This endpoint requires a valid Bearer token');
  const verdict = await verifyToken(token, context.keys(), context.now());
  if (!verdict.valid) {
    const reason = verdict.fault === 'expired' ? 'token has invalid claims: token is expired' : verdict.fault;
    throw forbidden('bad_jwt', `invalid JWT: unable to parse or verify signature, ${reason}`);
  }
  return verdict.claims;
}

/** The user whose token it is, and the session, both read anew. 403 user_not_found, session_not_found or bad_jwt. */
export async function requireUser(request: FastifyRequest, context: AuthContext): Promise<Caller> {
  const claims = await readClaims(request, context);
  const { sub, session_id: sessionId } = claims;
  if (typeof sub !== 'string' || sub === '') throw forbidden('bad_jwt', 'invalid claim: missing sub claim');
  if (!isUuid(sub)) throw forbidden('bad_jwt', 'invalid claim: sub claim must be a UUID');
  const named = typeof sessionId === 'string' && sessionId !== '' && isUuid(sessionId) && !/^[0-]+$/.test(sessionId);
  const find = prepared('auth_caller_user', findUserById(sub));
  const [user, session] = named
    ? await context.read(find, prepared('auth_caller_session', findSessionById(sessionId)))
    : [...(await context.read(find)), undefined];
  if (user === undefined) throw forbidden('user_not_found', 'User from sub claim in JWT does not exist');
  if (named && session?.user_id !== user.id) {
    throw forbidden('session_not_found', 'Session from session_id claim in JWT does not exist');
  }
  return { claims, user, session };
}

/** Only for roles of administrators: service_role, supabase_admin. 403 not_admin. */
export async function requireAdmin(request: FastifyRequest, context: AuthContext): Promise<Claims> {
  const claims = await readClaims(request, context);
  if (typeof claims.role !== 'string' || !context.settings.jwt.adminRoles.includes(claims.role)) {
    throw forbidden('not_admin', 'User not allowed');
  }
  return claims;
}

/** 403 for anonymous users, where the endpoint is not for them. */
export function requireNotAnonymous({ claims }: Caller): void {
  if (claims.is_anonymous === true) {
    throw forbidden('no_authorization', 'Anonymous user not allowed to perform these actions');
  }
}
