import { command, type Query, query } from './query.js';
import { allRows, columns, maybeRow, type RowOf, text, timestamp } from './row.js';

export const consentColumns = columns({ id: text, client_id: text, scopes: text, granted_at: timestamp });

/** What a user allowed an application: auth.oauth_consents. */
export type Consent = RowOf<typeof consentColumns>;

const read = (row: readonly (string | null)[]) => consentColumns.read(row);

export function findConsent(userId: string, clientId: string): Query<Consent | undefined> {
  const sql = `SELECT ${consentColumns.sql()} FROM auth.oauth_consents
    WHERE user_id = $1 AND client_id = $2 AND revoked_at IS NULL`;
  return query(sql, [userId, clientId], maybeRow(read));
}

export function listConsents(userId: string): Query<readonly Consent[]> {
  const sql = `SELECT ${consentColumns.sql()} FROM auth.oauth_consents
    WHERE user_id = $1 AND revoked_at IS NULL ORDER BY granted_at DESC`;
  return query(sql, [userId], allRows(read));
}

/** A new consent takes the place of the old one, revoked or not. */
export function putConsent(userId: string, clientId: string, scopes: string, now: Date): Query<number> {
  const sql = `INSERT INTO auth.oauth_consents (id, user_id, client_id, scopes, granted_at)
    VALUES (gen_random_uuid(), $1, $2, $3, $4)
    ON CONFLICT (user_id, client_id) DO UPDATE
      SET scopes = excluded.scopes, granted_at = excluded.granted_at, revoked_at = NULL`;
  return command(sql, [userId, clientId, scopes, now.toISOString()]);
}

/** The sessions that came of it end too. Answers how many consents there were. */
export function revokeConsent(userId: string, clientId: string, now: Date): readonly [Query<number>, Query<number>] {
  const sql = `UPDATE auth.oauth_consents SET revoked_at = greatest($3, granted_at)
    WHERE user_id = $1 AND client_id = $2 AND revoked_at IS NULL`;
  const sessions = 'DELETE FROM auth.sessions WHERE user_id = $1 AND oauth_client_id = $2';
  return [command(sql, [userId, clientId, now.toISOString()]), command(sessions, [userId, clientId])];
}
