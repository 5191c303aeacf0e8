import { assignments, command, insertion, type Query, query } from './query.js';
import { allRows, bigInteger, columns, maybeRow, optionalText, type RowOf, text, timestamp } from './row.js';

export type Aal = 'aal1' | 'aal2' | 'aal3';

export const sessionColumns = columns({
  id: text,
  user_id: text,
  created_at: timestamp,
  updated_at: timestamp,
  factor_id: optionalText,
  aal: (value): Aal => (value === 'aal2' || value === 'aal3' ? value : 'aal1'),
  not_after: timestamp,
  refreshed_at: timestamp,
  user_agent: optionalText,
  ip: optionalText,
  tag: optionalText,
  oauth_client_id: optionalText,
  refresh_token_hmac_key: optionalText,
  refresh_token_counter: bigInteger,
  scopes: optionalText,
});

export type Session = RowOf<typeof sessionColumns>;

const read = (row: readonly (string | null)[]) => sessionColumns.read(row);

export function findSessionById(
  id: string,
  options: { readonly forUpdate?: boolean } = {},
): Query<Session | undefined> {
  const sql = `SELECT ${sessionColumns.sql()} FROM auth.sessions WHERE id = $1${options.forUpdate === true ? ' FOR UPDATE' : ''}`;
  return query(sql, [id], maybeRow(read));
}

export function findSessionsOfUser(userId: string): Query<readonly Session[]> {
  return query(`SELECT ${sessionColumns.sql()} FROM auth.sessions WHERE user_id = $1`, [userId], allRows(read));
}

export function insertSession(values: Readonly<Record<string, unknown>> & { readonly id: string }): Query<number> {
  const { sql, values: given } = insertion(values);
  return command(`INSERT INTO auth.sessions ${sql}`, given);
}

export function updateSession(id: string, values: Readonly<Record<string, unknown>>, now: Date): Query<number> {
  const set = assignments({ ...values, updated_at: now }, 2);
  return command(`UPDATE auth.sessions SET ${set.sql} WHERE id = $1`, [id, ...set.values]);
}

export function deleteSession(id: string): Query<number> {
  return command('DELETE FROM auth.sessions WHERE id = $1', [id]);
}

export function deleteSessionsOfUser(userId: string): Query<number> {
  return command('DELETE FROM auth.sessions WHERE user_id = $1', [userId]);
}

/** All but one. */
export function deleteOtherSessions(userId: string, sessionId: string): Query<number> {
  return command('DELETE FROM auth.sessions WHERE user_id = $1 AND id <> $2', [userId, sessionId]);
}
