import { command, type Query, query } from './query.js';
import { columns, integer, maybeRow, optionalText, type RowOf, text, timestamp, truth } from './row.js';
import { instanceId } from './users.js';

export const refreshTokenColumns = columns({
  id: integer,
  token: text,
  revoked: truth,
  updated_at: timestamp,
  parent: optionalText,
  session_id: optionalText,
});

export type RefreshToken = RowOf<typeof refreshTokenColumns>;

const read = (row: readonly (string | null)[]) => refreshTokenColumns.read(row);

export function findRefreshToken(token: string): Query<RefreshToken | undefined> {
  const sql = `SELECT ${refreshTokenColumns.sql()} FROM auth.refresh_tokens WHERE token = $1 FOR UPDATE`;
  return query(sql, [token], maybeRow(read));
}

/** The one that may be used now: the newest of the session that is not revoked. */
export function findActiveRefreshToken(sessionId: string): Query<RefreshToken | undefined> {
  const sql = `SELECT ${refreshTokenColumns.sql()} FROM auth.refresh_tokens
    WHERE session_id = $1 AND revoked IS FALSE ORDER BY id DESC LIMIT 1`;
  return query(sql, [sessionId], maybeRow(read));
}

export interface NewRefreshToken {
  readonly token: string;
  readonly userId: string;
  readonly sessionId: string;
  /** The token that this one replaces. */
  readonly parent?: string;
}

export function insertRefreshToken({ token, userId, sessionId, parent }: NewRefreshToken, now: Date): Query<number> {
  const sql = `INSERT INTO auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, parent, session_id)
    VALUES ($1, $2, $3, false, $4, $4, $5, $6)`;
  return command(sql, [instanceId, token, userId, now.toISOString(), parent ?? null, sessionId]);
}

/** Puts a new one in the place of all that are active in the session. */
export function swapNewestRefreshToken({ token, userId, sessionId }: NewRefreshToken, now: Date): Query<number> {
  const sql = `WITH revoked AS (
      UPDATE auth.refresh_tokens SET revoked = true, updated_at = $4
      WHERE session_id = $5 AND revoked IS FALSE RETURNING id, token
    )
    INSERT INTO auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, parent, session_id)
    VALUES ($1, $2, $3, false, $4, $4, (SELECT r.token FROM revoked r ORDER BY id DESC LIMIT 1), $5)`;
  return command(sql, [instanceId, token, userId, now.toISOString(), sessionId]);
}

export function revokeRefreshToken(id: number, now: Date): Query<number> {
  return command('UPDATE auth.refresh_tokens SET revoked = true, updated_at = $2 WHERE id = $1', [
    id,
    now.toISOString(),
  ]);
}

/** All of the session: one of them was used twice. */
export function revokeRefreshTokens(sessionId: string, now: Date): Query<number> {
  const sql =
    'UPDATE auth.refresh_tokens SET revoked = true, updated_at = $2 WHERE session_id = $1 AND revoked IS FALSE';
  return command(sql, [sessionId, now.toISOString()]);
}
