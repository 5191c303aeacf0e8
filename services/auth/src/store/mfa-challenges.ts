import { command, type Query, query } from './query.js';
import { columns, json, maybeRow, optionalText, type RowOf, text, timestamp } from './row.js';

export const challengeColumns = columns({
  id: text,
  factor_id: text,
  created_at: timestamp,
  verified_at: timestamp,
  ip_address: text,
  otp_code: optionalText,
  web_authn_session_data: json<Readonly<Record<string, unknown>>>(),
});

export type Challenge = RowOf<typeof challengeColumns>;

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

/** Locked, so that it is proved once only. */
export function findChallengeForUpdate(id: string, factorId: string): Query<Challenge | undefined> {
  const sql = `SELECT ${challengeColumns.sql()} FROM auth.mfa_challenges WHERE id = $1 AND factor_id = $2 FOR UPDATE`;
  return query(
    sql,
    [id, factorId],
    maybeRow((row) => challengeColumns.read(row)),
  );
}

export function markChallengeVerified(id: string, now: Date): Query<number> {
  return command('UPDATE auth.mfa_challenges SET verified_at = $2 WHERE id = $1', [id, now.toISOString()]);
}

export function deleteChallenge(id: string): Query<number> {
  return command('DELETE FROM auth.mfa_challenges WHERE id = $1', [id]);
}

/** last_challenged_at is unique over the whole table, so the time is moved by a few microseconds at random. */
export function touchFactorChallenged(factorId: string, now: Date): Query<number> {
  const sql = `UPDATE auth.mfa_factors
    SET last_challenged_at = $2::timestamptz + (random() * 999)::int * interval '1 microsecond' WHERE id = $1`;
  return command(sql, [factorId, now.toISOString()]);
}
