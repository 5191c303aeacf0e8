import type { AuthContext } from '../context.js';
import { addAmrClaim, findAmrClaims } from '../store/amr-claims.js';
import { ask, type Run } from '../store/query.js';
import { swapNewestRefreshToken } from '../store/refresh-tokens.js';
import { type Session, updateSession } from '../store/sessions.js';
import type { FullUser } from '../store/users.js';
import type { AuthenticationMethod } from './authentication-method.js';
import { encodeRefreshToken } from './counted-refresh-token.js';
import { newRefreshToken, type StartedSession } from './start-session.js';

export interface ElevateOptions {
  readonly user: FullUser;
  /** Locked by the caller. */
  readonly session: Session;
  readonly method: AuthenticationMethod;
  readonly factorId: string;
}

/**
 * Raises a session to aal2 in the transaction: a second factor was proved. It goes on with a new refresh token; the one before is revoked, or
 * lies two steps behind, so that it is not taken for one whose answer got lost.
 */
export async function elevateSession(
  run: Run,
  context: AuthContext,
  { user, session, method, factorId }: ElevateOptions,
): Promise<StartedSession> {
  const now = context.now();
  const key = session.refresh_token_hmac_key;
  const counter = (session.refresh_token_counter ?? 0n) + 2n;
  const refreshToken =
    key === null
      ? newRefreshToken()
      : encodeRefreshToken({ sessionId: session.id, counter }, Buffer.from(key, 'base64url'));
  const renewal =
    key === null
      ? swapNewestRefreshToken({ token: refreshToken, userId: user.id, sessionId: session.id }, now)
      : updateSession(session.id, { refresh_token_counter: counter.toString() }, now);
  const [, , , amrClaims] = await ask(
    run,
    addAmrClaim(session.id, method, now),
    updateSession(session.id, { aal: 'aal2', factor_id: factorId }, now),
    renewal,
    findAmrClaims(session.id),
  );
  return { user, session, amrClaims, refreshToken };
}
