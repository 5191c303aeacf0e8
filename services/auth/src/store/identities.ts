import { assignments, command, insertion, type Query, query } from './query.js';
import { columns, jsonOr, maybeRow, optionalText, type RowOf, text, timestamp } from './row.js';

export const identityColumns = columns({
  id: text,
  provider_id: text,
  user_id: text,
  identity_data: jsonOr<Readonly<Record<string, unknown>>>({}),
  provider: text,
  last_sign_in_at: timestamp,
  created_at: timestamp,
  updated_at: timestamp,
  email: optionalText,
});

export type Identity = RowOf<typeof identityColumns>;

const read = (row: readonly (string | null)[]) => identityColumns.read(row);

export function findIdentity(providerId: string, provider: string): Query<Identity | undefined> {
  const sql = `SELECT ${identityColumns.sql()} FROM auth.identities WHERE provider_id = $1 AND provider = $2`;
  return query(sql, [providerId, provider], maybeRow(read));
}

export interface NewIdentity {
  readonly userId: string;
  readonly provider: string;
  /** `sub` is the id at the provider. */
  readonly data: Readonly<Record<string, unknown>> & { readonly sub: string };
}

export function insertIdentity({ userId, provider, data }: NewIdentity, now: Date): Query<number> {
  const { sql, values } = insertion({
    provider_id: data.sub,
    user_id: userId,
    identity_data: data,
    provider,
    last_sign_in_at: now,
    created_at: now,
    updated_at: now,
  });
  return command(`INSERT INTO auth.identities ${sql}`, values);
}

export function updateIdentity(id: string, values: Readonly<Record<string, unknown>>, now: Date): Query<number> {
  const set = assignments({ ...values, updated_at: now }, 2);
  return command(`UPDATE auth.identities SET ${set.sql} WHERE id = $1`, [id, ...set.values]);
}

/** Changes keys of the data of a user's identity at this provider. */
export function mergeIdentityData(
  userId: string,
  provider: string,
  data: Readonly<Record<string, unknown>>,
  now: Date,
): Query<number> {
  const sql = `UPDATE auth.identities SET identity_data = identity_data || $3::jsonb, updated_at = $4
    WHERE user_id = $1 AND provider = $2`;
  return command(sql, [userId, provider, JSON.stringify(data), now.toISOString()]);
}

export function deleteIdentity(id: string): Query<number> {
  return command('DELETE FROM auth.identities WHERE id = $1', [id]);
}
