import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { ApiError, badRequest, OAuthError } from '../errors.js';
import type { ClientAddress } from '../http/client-address.js';
import { findAmrClaims } from '../store/amr-claims.js';
import { ask, askOne, type Query, type Run } from '../store/query.js';
import {
  findActiveRefreshToken,
  findRefreshToken,
  insertRefreshToken,
  type RefreshToken,
  revokeRefreshToken,
  revokeRefreshTokens,
} from '../store/refresh-tokens.js';
import { deleteSession, findSessionById, findSessionsOfUser, type Session, updateSession } from '../store/sessions.js';
import { type FullUser, findUserById } from '../store/users.js';
import { isBanned } from '../users/render-user.js';
import { encodeRefreshToken, isSignedBy, type ParsedRefreshToken, parseRefreshToken } from './counted-refresh-token.js';
import { lockRefreshToken, swapRefreshToken } from './fast-refresh.js';
import { judgeSession, lastRefresh, requireValidSession } from './judge-session.js';
import { sessionTag } from './session-tag.js';
import { newRefreshToken, type StartedSession } from './start-session.js';

export interface RefreshOptions {
  readonly token: string;
  readonly client: ClientAddress;
  /** Of the OAuth server: the client that asks. A session of one client is refreshed by no other, and by no user directly. */
  readonly oauthClientId?: string;
}

/**
 * A session's next tokens for its refresh token (supabase/auth, internal/tokens/service.go). Invariant: a token leads to one successor. Who comes
 * again with a used token gets that successor when it is the session's newest, or within the reuse interval; else somebody else may have stolen
 * it, and the session ends. 400 refresh_token_not_found, refresh_token_already_used, user_banned, session_expired, session_not_found.
 */
export async function refreshSession(context: AuthContext, options: RefreshOptions): Promise<StartedSession> {
  if (!/^[\x21-\x7e]{1,255}$/.test(options.token)) throw notFound();
  const counted = parseRefreshToken(options.token);
  const simple =
    counted === undefined && options.oauthClientId === undefined && !context.settings.sessions.singlePerUser;
  if (simple) {
    const queries = [
      lockRefreshToken(options.token),
      swapRefreshToken(context, options.token, options.client),
    ] as const;
    const results = await context.database.pipeline(
      queries.map(({ statement }) => statement),
      // Run again after all, it finds its own token revoked and goes on below.
      { access: 'read write', repeatable: true },
      context.signal,
    );
    const [, swapped] = results;
    const started = swapped === undefined ? undefined : queries[1].read(swapped);
    if (started !== undefined) return started;
  }
  const answer = await context.transaction(async (run) => {
    return counted === undefined
      ? await refreshByRow(run, context, options)
      : await refreshByCounter(run, context, options, counted);
  });
  // What was decided is committed even where the answer is no.
  if (answer instanceof Error) throw answer;
  return answer;
}

type Answer = StartedSession | ApiError | OAuthError;

const notFound = () => badRequest('refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found');
const alreadyUsed = () => badRequest('refresh_token_already_used', 'Invalid Refresh Token: Already Used');

async function refreshByRow(run: Run, context: AuthContext, options: RefreshOptions): Promise<Answer> {
  const token = await askOne(run, findRefreshToken(options.token));
  if (token === undefined) return notFound();
  if (token.session_id === null)
    return badRequest('session_not_found', 'Invalid Refresh Token: No Valid Session Found');
  const { session, user } = await loadSession(run, token.session_id);
  if (session === undefined || user === undefined) return notFound();
  const fault = await findFault(run, context, { user, session, tokenTime: token.updated_at, options });
  if (fault !== undefined) return fault;
  const now = context.now();
  const audit = recordAudit(context, options.client, user, 'token_refreshed');
  const reused = token.revoked ? await reuse(run, context, token, session) : 'swap';
  if (reused instanceof ApiError) return reused;
  if (reused !== 'swap')
    return await finish(run, context, { user, session, options, refreshToken: reused, queries: audit });
  const next = newRefreshToken();
  const queries = [
    ...audit,
    ...recordAudit(context, options.client, user, 'token_revoked'),
    revokeRefreshToken(token.id, now),
    insertRefreshToken({ token: next, userId: user.id, sessionId: session.id, parent: token.token }, now),
  ];
  return await finish(run, context, { user, session, options, refreshToken: next, queries });
}

/** What comes of a token that was used before: the newest one again, a further one (`swap`), or the end. */
async function reuse(
  run: Run,
  context: AuthContext,
  token: RefreshToken,
  session: Session,
): Promise<string | 'swap' | ApiError> {
  const active = await askOne(run, findActiveRefreshToken(session.id));
  // The client never got, or never kept, the answer to its last refresh.
  if (active !== undefined && active.parent === token.token) return active.token;
  const { refreshReuseIntervalSeconds, rotateRefreshTokens } = context.settings.sessions;
  const until = Date.parse(token.updated_at ?? '') + refreshReuseIntervalSeconds * 1000;
  if (context.now().getTime() <= until) return active === undefined ? alreadyUsed() : 'swap';
  if (rotateRefreshTokens) await ask(run, revokeRefreshTokens(session.id, context.now()));
  return alreadyUsed();
}

async function refreshByCounter(
  run: Run,
  context: AuthContext,
  options: RefreshOptions,
  parsed: ParsedRefreshToken,
): Promise<Answer> {
  const { session, user } = await loadSession(run, parsed.sessionId);
  if (session === undefined || user === undefined) return notFound();
  const key = Buffer.from(session.refresh_token_hmac_key ?? '', 'base64url');
  if (key.length === 0 || session.refresh_token_counter === null || !isSignedBy(parsed, key)) return notFound();
  const fault = await findFault(run, context, { user, session, tokenTime: null, options });
  if (fault !== undefined) return fault;
  const behind = session.refresh_token_counter - parsed.counter;
  if (behind < 0n) return badRequest('validation_failed', 'Invalid Refresh Token: Not Issued By This Server');
  const now = context.now();
  const { refreshReuseIntervalSeconds, rotateRefreshTokens } = context.settings.sessions;
  if (behind > 1n && now.getTime() - lastRefresh(session, null) >= refreshReuseIntervalSeconds * 1000) {
    if (rotateRefreshTokens) await ask(run, deleteSession(session.id));
    return alreadyUsed();
  }
  const counter = session.refresh_token_counter + (behind === 0n ? 1n : 0n);
  const refreshToken = encodeRefreshToken({ sessionId: session.id, counter }, key);
  const queries = [
    ...recordAudit(context, options.client, user, 'token_refreshed'),
    updateSession(session.id, { refresh_token_counter: counter.toString() }, now),
  ];
  return await finish(run, context, { user, session, options, refreshToken, queries });
}

async function loadSession(run: Run, sessionId: string) {
  const session = await askOne(run, findSessionById(sessionId, { forUpdate: true }));
  if (session === undefined) return { session: undefined, user: undefined };
  return { session, user: await askOne(run, findUserById(session.user_id)) };
}

interface Judged {
  readonly user: FullUser;
  readonly session: Session;
  readonly tokenTime: string | null;
  readonly options: RefreshOptions;
}

async function findFault(run: Run, context: AuthContext, judged: Judged): Promise<ApiError | OAuthError | undefined> {
  const { user, session, tokenTime, options } = judged;
  const now = context.now();
  if (isBanned(user, now)) return badRequest('user_banned', 'Invalid Refresh Token: User Banned');
  try {
    requireValidSession(judgeSession(session, tokenTime, context.settings.sessions, now));
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  if (session.oauth_client_id !== (options.oauthClientId ?? null)) {
    return new OAuthError('invalid_client', "Client does not match the session's OAuth client");
  }
  return context.settings.sessions.singlePerUser ? await findNewerSession(run, context, judged) : undefined;
}

/** One session a user (and tag): only the one that was refreshed last goes on. */
async function findNewerSession(
  run: Run,
  context: AuthContext,
  { user, session, tokenTime }: Judged,
): Promise<ApiError | undefined> {
  const { sessions: rules } = context.settings;
  const tag = sessionTag(session.tag, rules.tags);
  const mine = lastRefresh(session, tokenTime);
  const others = await askOne(run, findSessionsOfUser(user.id));
  const newer = others.some(
    (other) =>
      other.id !== session.id &&
      judgeSession(other, null, rules, context.now()) === 'valid' &&
      sessionTag(other.tag, rules.tags) === tag &&
      lastRefresh(other, null) > mine,
  );
  if (!newer) return undefined;
  return badRequest('session_expired', 'Invalid Refresh Token: Session Expired (Revoked by Newer Login)');
}

interface Finishing {
  readonly user: FullUser;
  readonly session: Session;
  readonly options: RefreshOptions;
  readonly refreshToken: string;
  readonly queries: readonly Query<number>[];
}

async function finish(run: Run, context: AuthContext, finishing: Finishing): Promise<StartedSession> {
  const { user, session, options, refreshToken, queries } = finishing;
  const now = context.now();
  const { ip, userAgent } = options.client;
  const amr = findAmrClaims(session.id);
  const touched = updateSession(
    session.id,
    { refreshed_at: now.toISOString().replace('Z', ''), user_agent: userAgent || null, ip: ip || null },
    now,
  );
  const results = await run(amr.statement, touched.statement, ...queries.map(({ statement }) => statement));
  const [claims] = results;
  return { user, session, amrClaims: claims === undefined ? [] : amr.read(claims), refreshToken };
}
