import { randomUUID } from 'node:crypto';
import { auditPayload } from '../audit.js';
import type { AuthContext } from '../context.js';
import type { ClientAddress } from '../http/client-address.js';
import { type AmrClaim, amrColumns } from '../store/amr-claims.js';
import { prepared, type Query, query } from '../store/query.js';
import { json, maybeRow } from '../store/row.js';
import { sessionColumns } from '../store/sessions.js';
import { fullUserSql, fullUserWidth, instanceId, readFullUser } from '../store/users.js';
import { newRefreshToken, type StartedSession } from './start-session.js';

/**
 * Swaps a refresh token of the first form where nothing speaks against it: token not revoked, session neither over nor another OAuth client's, user
 * not banned. One statement, so that a refresh is one round trip; undefined, with nothing changed, where anything does, and then refreshSession
 * finds out what. Needs lockRefreshToken before it in the transaction: whoever waited for a lock must see what the other wrote.
 */
export function swapRefreshToken(
  context: AuthContext,
  token: string,
  client: ClientAddress,
): Query<StartedSession | undefined> {
  const { settings } = context;
  const now = context.now();
  const next = newRefreshToken();
  const since = (seconds: number) => (seconds === 0 ? null : new Date(now.getTime() - seconds * 1000).toISOString());
  const values = [
    token,
    next,
    now.toISOString(),
    since(settings.sessions.timeboxSeconds),
    since(settings.sessions.inactivitySeconds),
    client.userAgent === '' ? null : client.userAgent,
    client.ip === '' ? null : client.ip,
    instanceId,
    ...(settings.audit.database
      ? [auditOf('token_revoked', now), auditOf('token_refreshed', now), randomUUID(), randomUUID(), client.ip]
      : []),
  ];
  const read = maybeRow((row) => readSwap(row, next));
  return settings.audit.database
    ? prepared('auth_refresh_audited', query(withAudit, values, read))
    : prepared('auth_refresh', query(withoutAudit, values, read));
}

/** First in the transaction. */
export function lockRefreshToken(token: string): Query<boolean> {
  const sql = 'SELECT FROM auth.refresh_tokens WHERE token = $1 FOR UPDATE';
  return prepared(
    'auth_refresh_lock',
    query(sql, [token], ({ rows }) => rows.length > 0),
  );
}

/** What the statement completes with the user's id and name. */
function auditOf(action: 'token_revoked' | 'token_refreshed', now: Date): string {
  const nobody = { id: '', email: null, phone: null, is_sso_user: false, raw_user_meta_data: {} };
  return JSON.stringify(auditPayload(nobody, action, {}, now));
}

const audited = `,
audited AS (
  INSERT INTO auth.audit_log_entries (instance_id, id, payload, created_at, ip_address)
  SELECT $8::uuid, entry.id, (entry.payload || jsonb_build_object(
      'actor_id', found.user_id, 'actor_username', coalesce(found.email, found.phone, ''), 'actor_via_sso', found.is_sso_user)
      || CASE WHEN found.full_name <> '' THEN jsonb_build_object('actor_name', found.full_name) ELSE '{}' END)::json,
    $3::timestamptz, $13::text
  FROM found, (VALUES ($9::jsonb, $11::uuid), ($10::jsonb, $12::uuid)) AS entry (payload, id)
)`;

const statement = (audit: string) => `
WITH found AS MATERIALIZED (
  SELECT t.id AS token_id, t.session_id, u.id AS user_id, u.email, u.phone, u.is_sso_user,
    coalesce(u.raw_user_meta_data ->> 'full_name', '') AS full_name
  FROM auth.refresh_tokens t
  JOIN auth.sessions s ON s.id = t.session_id
  JOIN auth.users u ON u.id = s.user_id
  WHERE t.token = $1 AND t.revoked IS FALSE AND u.instance_id = $8::uuid
    AND s.oauth_client_id IS NULL
    AND (u.banned_until IS NULL OR u.banned_until <= $3::timestamptz)
    AND (s.not_after IS NULL OR s.not_after >= $3::timestamptz)
    AND ($4::timestamptz IS NULL OR s.created_at >= $4::timestamptz)
    AND ($5::timestamptz IS NULL
      OR coalesce(s.refreshed_at AT TIME ZONE 'UTC', greatest(s.created_at, t.updated_at)) >= $5::timestamptz)
), revoked AS (
  UPDATE auth.refresh_tokens t SET revoked = true, updated_at = $3::timestamptz FROM found WHERE t.id = found.token_id
), renewed AS (
  INSERT INTO auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, parent, session_id)
  SELECT $8::uuid, $2::text, found.user_id::text, false, $3::timestamptz, $3::timestamptz, $1::text, found.session_id FROM found
), refreshed AS (
  UPDATE auth.sessions s SET refreshed_at = $3::timestamptz AT TIME ZONE 'UTC', updated_at = $3::timestamptz,
    user_agent = $6::text, ip = $7::inet
  FROM found WHERE s.id = found.session_id
)${audit}
SELECT ${fullUserSql('u')}, ${sessionColumns.sql('s')},
  (SELECT json_agg(json_build_array(${amrColumns.sql('a').replace('a.updated_at', 'to_char(a.updated_at AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')')}))
   FROM auth.mfa_amr_claims a WHERE a.session_id = s.id)
FROM found JOIN auth.users u ON u.id = found.user_id JOIN auth.sessions s ON s.id = found.session_id`;

const withoutAudit = statement('');
const withAudit = statement(audited);

const readClaims = json<readonly (readonly [string, string])[]>();

function readSwap(row: readonly (string | null)[], refreshToken: string): StartedSession {
  const claims = readClaims(row[fullUserWidth + sessionColumns.width] ?? null) ?? [];
  return {
    user: readFullUser(row),
    session: sessionColumns.read(row, fullUserWidth),
    amrClaims: claims.map(([method, at]): AmrClaim => ({ authentication_method: method, updated_at: at })),
    refreshToken,
  };
}
