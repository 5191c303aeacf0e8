import { assignments, command, insertion, type Query, query } from './query.js';
import { allRows, columns, json, maybeRow, optionalText, type RowOf, text, timestamp } from './row.js';

export type FactorType = 'totp' | 'phone' | 'webauthn' | 'recovery_code';

/** auth.mfa_factors with its secrets: never send a row to a client. */
export const factorColumns = columns({
  id: text,
  user_id: text,
  friendly_name: optionalText,
  factor_type: (value) => (value ?? 'totp') as FactorType,
  status: (value): 'unverified' | 'verified' => (value === 'verified' ? 'verified' : 'unverified'),
  created_at: timestamp,
  updated_at: timestamp,
  secret: optionalText,
  phone: optionalText,
  last_challenged_at: timestamp,
  web_authn_credential: json<Readonly<Record<string, unknown>>>(),
});

export type Factor = RowOf<typeof factorColumns>;

const read = (row: readonly (string | null)[]) => factorColumns.read(row);

export function findFactor(id: string, userId: string): Query<Factor | undefined> {
  const sql = `SELECT ${factorColumns.sql()} FROM auth.mfa_factors WHERE id = $1 AND user_id = $2`;
  return query(sql, [id, userId], maybeRow(read));
}

/** Locks the rows, so that two requests cannot both be the last that is allowed. */
export function findFactorsForUpdate(userId: string): Query<readonly Factor[]> {
  const sql = `SELECT ${factorColumns.sql()} FROM auth.mfa_factors WHERE user_id = $1 ORDER BY created_at, id FOR UPDATE`;
  return query(sql, [userId], allRows(read));
}

export function findFactorsOfUser(userId: string): Query<readonly Factor[]> {
  const sql = `SELECT ${factorColumns.sql()} FROM auth.mfa_factors WHERE user_id = $1 ORDER BY created_at, id`;
  return query(sql, [userId], allRows(read));
}

export function insertFactor(
  values: Readonly<Record<string, unknown>> & { readonly id: string },
  now: Date,
): Query<number> {
  const { sql, values: given } = insertion({ status: 'unverified', created_at: now, updated_at: now, ...values });
  return command(`INSERT INTO auth.mfa_factors ${sql}`, given);
}

export function updateFactor(id: string, values: Readonly<Record<string, unknown>>, now: Date): Query<number> {
  const set = assignments({ ...values, updated_at: now }, 2);
  return command(`UPDATE auth.mfa_factors SET ${set.sql} WHERE id = $1`, [id, ...set.values]);
}

export function deleteFactor(id: string): Query<number> {
  return command('DELETE FROM auth.mfa_factors WHERE id = $1', [id]);
}

/** Factors of a user that were begun before `before` and never proved, nor challenged since. */
export function deleteStaleFactors(userId: string, before: Date): Query<number> {
  const sql = `DELETE FROM auth.mfa_factors f WHERE f.user_id = $1 AND f.status = 'unverified' AND f.created_at < $2
    AND NOT EXISTS (SELECT FROM auth.mfa_challenges c WHERE c.factor_id = f.id AND c.created_at >= $2)`;
  return command(sql, [userId, before.toISOString()]);
}

export function deleteUnverifiedFactors(userId: string, type: FactorType): Query<number> {
  const sql = `DELETE FROM auth.mfa_factors WHERE user_id = $1 AND status = 'unverified' AND factor_type::text = $2`;
  return command(sql, [userId, type]);
}

/** Ends the sessions that were begun without a second factor. */
export function deleteWeakSessions(userId: string): Query<number> {
  return command(`DELETE FROM auth.sessions WHERE user_id = $1 AND aal::text < 'aal2'`, [userId]);
}

/** Sessions that were raised by this factor fall back, and forget that it was proved. */
export function downgradeSessions(factorId: string, methods: readonly string[], now: Date): readonly Query<number>[] {
  const claims = `DELETE FROM auth.mfa_amr_claims a USING auth.sessions s
    WHERE a.session_id = s.id AND s.factor_id = $1 AND a.authentication_method = ANY($2::text[])`;
  const sessions = `UPDATE auth.sessions SET aal = 'aal1', factor_id = NULL, updated_at = $2 WHERE factor_id = $1`;
  return [command(claims, [factorId, [...methods]]), command(sessions, [factorId, now.toISOString()])];
}
