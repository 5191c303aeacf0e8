import { command, type Query, query } from './query.js';
import { columns, jsonOr, maybeRow, optionalText, type RowOf, text, timestamp } from './row.js';

export type CeremonyType = 'registration' | 'authentication';

export const ceremonyColumns = columns({
  id: text,
  user_id: optionalText,
  session_data: jsonOr<Readonly<Record<string, unknown>>>({}),
  expires_at: timestamp,
});

/** A challenge to an authenticator that is not answered yet: auth.webauthn_challenges. */
export type Ceremony = RowOf<typeof ceremonyColumns>;

export interface NewCeremony {
  readonly id: string;
  /** Undefined: whoever holds a passkey may answer. */
  readonly userId: string | undefined;
  readonly type: CeremonyType;
  readonly session: Readonly<Record<string, unknown>>;
  readonly expiresAt: Date;
}

/** Expired ones of everybody go at the same time, a few at once. */
export function insertCeremony(
  { id, userId, type, session, expiresAt }: NewCeremony,
  now: Date,
): readonly Query<number>[] {
  const sql = `INSERT INTO auth.webauthn_challenges (id, user_id, challenge_type, session_data, created_at, expires_at)
    VALUES ($1, $2, $3, $4::jsonb, $5, $6)`;
  const values = [id, userId ?? null, type, JSON.stringify(session), now.toISOString(), expiresAt.toISOString()];
  const stale = `DELETE FROM auth.webauthn_challenges WHERE id IN
    (SELECT id FROM auth.webauthn_challenges WHERE expires_at < $1::timestamptz - interval '1 day' LIMIT 10 FOR UPDATE SKIP LOCKED)`;
  return [command(sql, values), command(stale, [now.toISOString()])];
}

/** Takes it away, so that it is answered once only; its user must be the one that is meant. */
export function consumeCeremony(
  id: string,
  type: CeremonyType,
  userId: string | undefined,
): Query<Ceremony | undefined> {
  const sql = `DELETE FROM auth.webauthn_challenges
    WHERE id = $1 AND challenge_type = $2 AND user_id IS NOT DISTINCT FROM $3::uuid RETURNING ${ceremonyColumns.sql()}`;
  return query(
    sql,
    [id, type, userId ?? null],
    maybeRow((row) => ceremonyColumns.read(row)),
  );
}
