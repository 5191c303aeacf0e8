import { command, insertion, type Query, query } from './query.js';
import { columns, maybeRow, optionalText, type RowOf, text, timestamp } from './row.js';

export const authorizationColumns = columns({
  id: text,
  authorization_id: text,
  client_id: text,
  user_id: optionalText,
  redirect_uri: text,
  scope: text,
  state: optionalText,
  resource: optionalText,
  code_challenge: optionalText,
  code_challenge_method: optionalText,
  status: text,
  authorization_code: optionalText,
  expires_at: timestamp,
  nonce: optionalText,
});

/** A request of an application for access, until its code is exchanged: auth.oauth_authorizations. */
export type Authorization = RowOf<typeof authorizationColumns>;

const read = (row: readonly (string | null)[]) => authorizationColumns.read(row);

export function insertAuthorization(values: Readonly<Record<string, unknown>>): Query<number> {
  const { sql, values: given } = insertion(values);
  return command(`INSERT INTO auth.oauth_authorizations ${sql}`, given);
}

/** Locked, so that it is decided once. */
export function findAuthorizationForUpdate(authorizationId: string): Query<Authorization | undefined> {
  const sql = `SELECT ${authorizationColumns.sql()} FROM auth.oauth_authorizations WHERE authorization_id = $1 FOR UPDATE`;
  return query(sql, [authorizationId], maybeRow(read));
}

/** Locked, so that a code is exchanged once. */
export function findAuthorizationByCode(code: string): Query<Authorization | undefined> {
  const sql = `SELECT ${authorizationColumns.sql()} FROM auth.oauth_authorizations
    WHERE authorization_code = $1 AND status = 'approved' FOR UPDATE`;
  return query(sql, [code], maybeRow(read));
}

export function claimAuthorization(id: string, userId: string): Query<number> {
  return command('UPDATE auth.oauth_authorizations SET user_id = $2 WHERE id = $1', [id, userId]);
}

export function approveAuthorization(id: string, code: string, now: Date): Query<number> {
  const sql = `UPDATE auth.oauth_authorizations SET status = 'approved', authorization_code = $2, approved_at = $3 WHERE id = $1`;
  return command(sql, [id, code, now.toISOString()]);
}

export function closeAuthorization(id: string, status: 'denied' | 'expired'): Query<number> {
  const sql = `UPDATE auth.oauth_authorizations SET status = $2::auth.oauth_authorization_status WHERE id = $1`;
  return command(sql, [id, status]);
}

export function deleteAuthorization(id: string): Query<number> {
  return command('DELETE FROM auth.oauth_authorizations WHERE id = $1', [id]);
}

/** A few that are long over; each new one takes some of them along. */
export function deleteStaleAuthorizations(before: Date): Query<number> {
  const sql = `DELETE FROM auth.oauth_authorizations WHERE id IN
    (SELECT id FROM auth.oauth_authorizations WHERE expires_at < $1 LIMIT 10 FOR UPDATE SKIP LOCKED)`;
  return command(sql, [before.toISOString()]);
}
