import { command, type Query, query } from './query.js';
import { columns, json, maybeRow, optionalText, type RowOf, text, timestamp, truth } from './row.js';

export const challengeColumns = columns({
  id: text,
  factor_id: text,
  created_at: timestamp,
  verified_at: timestamp,
  otp_code: optionalText,
  web_authn_session_data: json<Readonly<Record<string, unknown>>>(),
});

export interface Challenge extends RowOf<typeof challengeColumns> {
  /** Whether it was asked for by the address that answers. */
  readonly sameAddress: boolean;
}

export interface NewChallenge {
  readonly id: string;
  readonly factorId: string;
  readonly ip: string;
  readonly otpCode?: string;
  readonly session?: Readonly<Record<string, unknown>>;
}

export function insertChallenge({ id, factorId, ip, otpCode, session }: NewChallenge, now: Date): Query<number> {
  const sql = `INSERT INTO auth.mfa_challenges (id, factor_id, created_at, ip_address, otp_code, web_authn_session_data)
    VALUES ($1, $2, $3, $4, $5, $6::jsonb)`;
  const data = session === undefined ? null : JSON.stringify(session);
  return command(sql, [id, factorId, now.toISOString(), ip, otpCode ?? null, data]);
}

/** Locked, so that it is proved once only. PostgreSQL compares the addresses, which have several spellings. */
export function findChallengeForUpdate(id: string, factorId: string, ip: string): Query<Challenge | undefined> {
  const sql = `SELECT ip_address = $3::inet, ${challengeColumns.sql()} FROM auth.mfa_challenges
    WHERE id = $1 AND factor_id = $2 FOR UPDATE`;
  const read = (row: readonly (string | null)[]): Challenge => ({
    ...challengeColumns.read(row, 1),
    sameAddress: truth(row[0] ?? null),
  });
  return query(sql, [id, factorId, ip], maybeRow(read));
}

export function markChallengeVerified(id: string, now: Date): Query<number> {
  return command('UPDATE auth.mfa_challenges SET verified_at = $2 WHERE id = $1', [id, now.toISOString()]);
}

export function deleteChallenge(id: string): Query<number> {
  return command('DELETE FROM auth.mfa_challenges WHERE id = $1', [id]);
}

/** last_challenged_at is unique over the whole table, so it gets the clock's microseconds, which JavaScript lacks. */
export function touchFactorChallenged(factorId: string, now: Date): Query<number> {
  const sql = `UPDATE auth.mfa_factors
    SET last_challenged_at = $2::timestamptz + (extract(microseconds FROM clock_timestamp())::int % 1000) * interval '1 microsecond'
    WHERE id = $1`;
  return command(sql, [factorId, now.toISOString()]);
}
