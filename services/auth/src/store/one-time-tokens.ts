import { command, type Query, query } from './query.js';
import { allRows, columns, optionalText, type RowOf, text, timestamp } from './row.js';

export type OneTimeTokenType =
  | 'confirmation_token'
  | 'reauthentication_token'
  | 'recovery_token'
  | 'email_change_token_new'
  | 'email_change_token_current'
  | 'phone_change_token';

export const oneTimeTokenColumns = columns({
  id: text,
  user_id: text,
  token_type: (value) => (value ?? '') as OneTimeTokenType,
  token_hash: text,
  relates_to: text,
  created_at: timestamp,
  expires_at: timestamp,
  link_token_hash: optionalText,
});

export type OneTimeToken = RowOf<typeof oneTimeTokenColumns>;

/** By the whole hash, also with the mark `pkce_` that a link of PKCE carries. */
export function findOneTimeTokens(hash: string, types: readonly OneTimeTokenType[]): Query<readonly OneTimeToken[]> {
  const hashes = hash.startsWith('pkce_') ? [hash] : [hash, `pkce_${hash}`];
  const sql = `SELECT ${oneTimeTokenColumns.sql()} FROM auth.one_time_tokens
    WHERE (token_hash = ANY($1::text[]) OR link_token_hash = ANY($1::text[])) AND token_type::text = ANY($2::text[])`;
  return query(
    sql,
    [hashes, [...types]],
    allRows((row) => oneTimeTokenColumns.read(row)),
  );
}

export interface NewOneTimeToken {
  readonly userId: string;
  readonly type: OneTimeTokenType;
  readonly hash: string;
  /** The address or number that it was sent to. */
  readonly relatesTo: string;
}

/** A user has one token of a type: a new one takes the place of the old. */
export function putOneTimeToken({ userId, type, hash, relatesTo }: NewOneTimeToken, now: Date): Query<number> {
  const sql = `INSERT INTO auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to, created_at, updated_at)
    VALUES (gen_random_uuid(), $1, $2::auth.one_time_token_type, $3, $4, $5::timestamptz AT TIME ZONE 'UTC', $5::timestamptz AT TIME ZONE 'UTC')
    ON CONFLICT (user_id, token_type) DO UPDATE SET token_hash = excluded.token_hash, relates_to = excluded.relates_to,
      created_at = excluded.created_at, updated_at = excluded.updated_at, expires_at = NULL, link_token_hash = NULL`;
  return command(sql, [userId, type, hash, relatesTo.toLowerCase(), now.toISOString()]);
}

export function deleteOneTimeTokens(userId: string, types: readonly OneTimeTokenType[]): Query<number> {
  const sql = 'DELETE FROM auth.one_time_tokens WHERE user_id = $1 AND token_type::text = ANY($2::text[])';
  return command(sql, [userId, [...types]]);
}

export function deleteAllOneTimeTokens(userId: string): Query<number> {
  return command('DELETE FROM auth.one_time_tokens WHERE user_id = $1', [userId]);
}
