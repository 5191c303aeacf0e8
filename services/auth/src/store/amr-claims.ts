import { command, type Query, query } from './query.js';
import { allRows, columns, type RowOf, text, timestamp } from './row.js';

/** How a session was authenticated, and when. */
export const amrColumns = columns({ authentication_method: text, updated_at: timestamp });

export type AmrClaim = RowOf<typeof amrColumns>;

export function findAmrClaims(sessionId: string): Query<readonly AmrClaim[]> {
  const sql = `SELECT ${amrColumns.sql()} FROM auth.mfa_amr_claims WHERE session_id = $1 ORDER BY updated_at DESC`;
  return query(
    sql,
    [sessionId],
    allRows((row) => amrColumns.read(row)),
  );
}

/** Once a method and session; again, its time moves. */
export function addAmrClaim(sessionId: string, method: string, now: Date): Query<number> {
  const sql = `INSERT INTO auth.mfa_amr_claims (id, session_id, created_at, updated_at, authentication_method)
    VALUES (gen_random_uuid(), $1, $3, $3, $2)
    ON CONFLICT (session_id, authentication_method) DO UPDATE SET updated_at = excluded.updated_at`;
  return command(sql, [sessionId, method, now.toISOString()]);
}
