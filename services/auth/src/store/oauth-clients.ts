import { assignments, command, insertion, type Query, query } from './query.js';
import { allRows, columns, maybeRow, oneRow, optionalText, type RowOf, text, timestamp } from './row.js';

const list = (value: string | null): readonly string[] => (value === null || value === '' ? [] : value.split(','));

export const clientColumns = columns({
  id: text,
  client_secret_hash: optionalText,
  registration_type: text,
  client_type: (value) => (value === 'public' ? ('public' as const) : ('confidential' as const)),
  token_endpoint_auth_method: text,
  redirect_uris: list,
  grant_types: list,
  client_name: optionalText,
  client_uri: optionalText,
  logo_uri: optionalText,
  created_at: timestamp,
  updated_at: timestamp,
});

/** An application that signs our users in: auth.oauth_clients. Lists are texts with commas between. */
export type OAuthClient = RowOf<typeof clientColumns>;

const read = (row: readonly (string | null)[]) => clientColumns.read(row);

/** Lists as the columns hold them. */
function joinLists(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
  );
}

export function findOAuthClient(id: string): Query<OAuthClient | undefined> {
  const sql = `SELECT ${clientColumns.sql()} FROM auth.oauth_clients WHERE id = $1 AND deleted_at IS NULL`;
  return query(sql, [id], maybeRow(read));
}

/** Newest first. */
export function listOAuthClients(
  limit: number,
  offset: number,
): Query<{ readonly clients: readonly OAuthClient[]; readonly total: number }> {
  const sql = `SELECT (SELECT count(*) FROM auth.oauth_clients WHERE deleted_at IS NULL), ${clientColumns.sql('c')}
    FROM (SELECT 1) AS always LEFT JOIN (
      SELECT * FROM auth.oauth_clients WHERE deleted_at IS NULL ORDER BY created_at DESC, id LIMIT $1 OFFSET $2
    ) c ON true ORDER BY c.created_at DESC, c.id`;
  return query(sql, [limit, offset], (result) => ({
    total: Number(result.rows[0]?.[0] ?? 0),
    clients: result.rows.filter((row) => row[1] !== null).map((row) => clientColumns.read(row, 1)),
  }));
}

export function findOAuthClients(ids: readonly string[]): Query<readonly OAuthClient[]> {
  const sql = `SELECT ${clientColumns.sql()} FROM auth.oauth_clients WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL`;
  return query(sql, [[...ids]], allRows(read));
}

export function insertOAuthClient(values: Readonly<Record<string, unknown>>, now: Date): Query<OAuthClient> {
  const { sql, values: given } = insertion(joinLists({ ...values, created_at: now, updated_at: now }));
  return query(`INSERT INTO auth.oauth_clients ${sql} RETURNING ${clientColumns.sql()}`, given, oneRow(read));
}

export function updateOAuthClient(
  id: string,
  values: Readonly<Record<string, unknown>>,
  now: Date,
): Query<OAuthClient | undefined> {
  const set = assignments(joinLists({ ...values, updated_at: now }), 2);
  const sql = `UPDATE auth.oauth_clients SET ${set.sql} WHERE id = $1 AND deleted_at IS NULL
    RETURNING ${clientColumns.sql()}`;
  return query(sql, [id, ...set.values], maybeRow(read));
}

/** The row stays, as GoTrue's does; what was signed in by it ends. */
export function deleteOAuthClient(id: string, now: Date): readonly Query<number>[] {
  const at = now.toISOString();
  return [
    command('UPDATE auth.oauth_clients SET deleted_at = $2, updated_at = $2 WHERE id = $1', [id, at]),
    command('DELETE FROM auth.sessions WHERE oauth_client_id = $1', [id]),
  ];
}
