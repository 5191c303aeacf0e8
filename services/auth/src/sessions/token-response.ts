import type { AuthContext } from '../context.js';
import { internalError } from '../errors.js';
import { renderUser } from '../users/render-user.js';
import { type AccessTokenClaims, accessTokenClaims, signToken } from './access-token.js';
import type { TokenReason } from './authentication-method.js';
import type { StartedSession } from './start-session.js';

export interface TokenResponse extends Readonly<Record<string, unknown>> {
  readonly access_token: string;
  readonly token_type: 'bearer';
  readonly expires_in: number;
  readonly expires_at: number;
  readonly refresh_token: string;
  readonly user: Readonly<Record<string, unknown>>;
}

/** What a client gets for a session. Asks the hook for access tokens, so it stays outside of transactions. */
export async function tokenResponse(
  context: AuthContext,
  started: StartedSession,
  reason: TokenReason,
  extra: Readonly<Record<string, unknown>> = {},
): Promise<TokenResponse> {
  const { token, claims } = await accessToken(context, started, reason);
  return {
    access_token: token,
    token_type: 'bearer',
    expires_in: context.settings.jwt.expirySeconds,
    expires_at: claims.exp,
    refresh_token: started.refreshToken,
    user: renderUser(started.user),
    ...extra,
  };
}

/** The access token alone. Throws what the hook says. */
export async function accessToken(
  context: AuthContext,
  started: Omit<StartedSession, 'refreshToken'>,
  reason: TokenReason,
): Promise<{ readonly token: string; readonly claims: AccessTokenClaims }> {
  const claims = accessTokenClaims({ ...started, now: context.now() }, context.settings);
  const given = await customClaims(context, claims, reason);
  return { token: signToken(given, context.keys(), context.settings.jwt.algorithm), claims };
}

/** The claims that every token needs, whatever a hook makes of it (supabase/auth, internal/hooks/v0hooks). */
const requiredClaims = ['aud', 'exp', 'iat', 'sub', 'email', 'phone', 'role', 'aal', 'session_id', 'is_anonymous'];

async function customClaims(
  context: AuthContext,
  claims: AccessTokenClaims,
  reason: TokenReason,
): Promise<Readonly<Record<string, unknown>>> {
  if (context.hooks.target('customAccessToken') === undefined) return claims;
  const input = { user_id: claims.sub, claims, authentication_method: reason };
  const { claims: given } = await context.hooks.run('customAccessToken', input);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw internalError('output claims field is missing');
  }
  const missing = requiredClaims.filter((name) => !(name in given));
  if (missing.length > 0) {
    const reasons = missing.map((name) => `- (root): ${name} is required`).join('\n');
    throw internalError(`output claims do not conform to the expected schema: \n${reasons}\n`);
  }
  return given as Readonly<Record<string, unknown>>;
}
