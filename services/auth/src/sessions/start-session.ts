import { randomBytes, randomUUID } from 'node:crypto';
import type { AuthContext } from '../context.js';
import type { ClientAddress } from '../http/client-address.js';
import { type AmrClaim, addAmrClaim } from '../store/amr-claims.js';
import { ask, type Query, type Run } from '../store/query.js';
import { insertRefreshToken } from '../store/refresh-tokens.js';
import { type Aal, insertSession } from '../store/sessions.js';
import { type FullUser, updateUser } from '../store/users.js';
import type { AuthenticationMethod } from './authentication-method.js';
import { encodeRefreshToken, newRefreshKey } from './counted-refresh-token.js';

export interface StartOptions {
  readonly user: FullUser;
  readonly method: AuthenticationMethod;
  readonly client: ClientAddress;
  readonly factorId?: string;
  /** Of SSO: when the identity provider says that it ends. */
  readonly notAfter?: Date;
  readonly tag?: string;
  readonly oauthClientId?: string;
  /** Of the OAuth server: with spaces between. */
  readonly scopes?: string;
  readonly aal?: Aal;
}

/** A session that was begun: what its tokens are made of. */
export interface StartedSession {
  readonly user: FullUser;
  readonly session: { readonly id: string; readonly oauth_client_id: string | null; readonly scopes: string | null };
  readonly amrClaims: readonly AmrClaim[];
  readonly refreshToken: string;
}

/** 12 characters, 60 bits, as GoTrue makes them: short, since only the database can say whether one exists. */
export function newRefreshToken(): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  return [...randomBytes(12)].map((byte) => alphabet[byte % 32]).join('');
}

/** Begins a session of this user in the transaction, in one round trip. Its tokens are made by tokenResponse once it is committed. */
export async function startSession(run: Run, context: AuthContext, options: StartOptions): Promise<StartedSession> {
  const { started, queries } = planSession(context, options);
  await ask(run, ...queries);
  return started;
}

/** The same as queries, for a transaction that is sent as a whole. */
export function planSession(
  context: AuthContext,
  { user, method, client, ...options }: StartOptions,
): { readonly started: StartedSession; readonly queries: readonly Query<number>[] } {
  const now = context.now();
  const id = randomUUID();
  const counted = context.settings.sessions.refreshTokenVersion === 2;
  const key = newRefreshKey();
  const refreshToken = counted ? encodeRefreshToken({ sessionId: id, counter: 0n }, key) : newRefreshToken();
  const oauthClientId = options.oauthClientId ?? null;
  const scopes = options.scopes ?? null;
  const queries = [
    insertSession({
      id,
      user_id: user.id,
      created_at: now,
      updated_at: now,
      factor_id: options.factorId ?? null,
      aal: options.aal ?? 'aal1',
      not_after: options.notAfter ?? null,
      user_agent: client.userAgent === '' ? null : client.userAgent,
      ip: client.ip === '' ? null : client.ip,
      tag: options.tag ?? null,
      oauth_client_id: oauthClientId,
      scopes,
      ...(counted ? { refresh_token_hmac_key: key.toString('base64url'), refresh_token_counter: '0' } : {}),
    }),
    ...(counted ? [] : [insertRefreshToken({ token: refreshToken, userId: user.id, sessionId: id }, now)]),
    addAmrClaim(id, method, now),
    updateUser(user.id, { last_sign_in_at: now }, now),
  ];
  const signedIn = { ...user, last_sign_in_at: now.toISOString(), updated_at: now.toISOString() };
  const started = {
    user: signedIn,
    session: { id, oauth_client_id: oauthClientId, scopes },
    amrClaims: [{ authentication_method: method, updated_at: now.toISOString() }],
    refreshToken,
  };
  return { started, queries };
}
