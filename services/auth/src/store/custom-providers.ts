import { assignments, command, insertion, type Query, query } from './query.js';
import { allRows, columns, jsonOr, maybeRow, oneRow, optionalText, type RowOf, text, timestamp, truth } from './row.js';

/** Arrays are asked for as JSON, which is easier to read than PostgreSQL's own form. */
const list = (value: string | null): readonly string[] => (value === null ? [] : (JSON.parse(value) as string[]));

const decoders = {
  id: text,
  provider_type: (value: string | null) => (value === 'oidc' ? ('oidc' as const) : ('oauth2' as const)),
  identifier: text,
  name: text,
  client_id: text,
  client_secret: text,
  'to_jsonb(acceptable_client_ids)': list,
  'to_jsonb(scopes)': list,
  pkce_enabled: truth,
  attribute_mapping: jsonOr<Readonly<Record<string, unknown>>>({}),
  authorization_params: jsonOr<Readonly<Record<string, unknown>>>({}),
  enabled: truth,
  email_optional: truth,
  issuer: optionalText,
  discovery_url: optionalText,
  skip_nonce_check: truth,
  authorization_url: optionalText,
  token_url: optionalText,
  userinfo_url: optionalText,
  jwks_uri: optionalText,
  created_at: timestamp,
  updated_at: timestamp,
};

const customColumns = columns(decoders);

type Raw = RowOf<typeof customColumns>;

/** auth.custom_oauth_providers; the secret is in it. */
export interface CustomProvider extends Omit<Raw, 'to_jsonb(acceptable_client_ids)' | 'to_jsonb(scopes)'> {
  readonly acceptable_client_ids: readonly string[];
  readonly scopes: readonly string[];
}

function read(row: readonly (string | null)[]): CustomProvider {
  const {
    'to_jsonb(acceptable_client_ids)': acceptable,
    'to_jsonb(scopes)': scopes,
    ...others
  } = customColumns.read(row);
  return { ...others, acceptable_client_ids: acceptable, scopes };
}

export function findCustomProvider(identifier: string): Query<CustomProvider | undefined> {
  const sql = `SELECT ${customColumns.sql()} FROM auth.custom_oauth_providers WHERE identifier = $1`;
  return query(sql, [identifier], maybeRow(read));
}

/** Newest first. `type` undefined: all. */
export function listCustomProviders(type: string | undefined): Query<readonly CustomProvider[]> {
  const sql = `SELECT ${customColumns.sql()} FROM auth.custom_oauth_providers
    WHERE $1::text IS NULL OR provider_type = $1 ORDER BY created_at DESC, id`;
  return query(sql, [type ?? null], allRows(read));
}

export function countCustomProviders(): Query<number> {
  return query(
    'SELECT count(*) FROM auth.custom_oauth_providers',
    [],
    oneRow(([count]) => Number(count ?? 0)),
  );
}

/** Array columns as PostgreSQL arrays, which `encode` would turn into JSON. */
function withArrays(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const arrays = Object.entries(values).map(([name, value]) => [
    name,
    Array.isArray(value)
      ? `{${value.map((each) => `"${String(each).replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`
      : value,
  ]);
  return Object.fromEntries(arrays);
}

export function insertCustomProvider(values: Readonly<Record<string, unknown>>, now: Date): Query<CustomProvider> {
  const { sql, values: given } = insertion(withArrays({ ...values, created_at: now, updated_at: now }));
  return query(`INSERT INTO auth.custom_oauth_providers ${sql} RETURNING ${customColumns.sql()}`, given, oneRow(read));
}

export function updateCustomProvider(
  identifier: string,
  values: Readonly<Record<string, unknown>>,
  now: Date,
): Query<CustomProvider | undefined> {
  const set = assignments(withArrays({ ...values, updated_at: now }), 2);
  const sql = `UPDATE auth.custom_oauth_providers SET ${set.sql} WHERE identifier = $1 RETURNING ${customColumns.sql()}`;
  return query(sql, [identifier, ...set.values], maybeRow(read));
}

export function deleteCustomProvider(identifier: string): Query<number> {
  return command('DELETE FROM auth.custom_oauth_providers WHERE identifier = $1', [identifier]);
}
