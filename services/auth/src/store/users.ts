import { assignments, command, insertion, type Query, query } from './query.js';
import {
  allRows,
  columns,
  integer,
  json,
  jsonOr,
  maybeRow,
  oneRow,
  optionalText,
  type RowOf,
  text,
  timestamp,
  truth,
} from './row.js';

/** The instance that everything belongs to; GoTrue knows no other any more. */
export const instanceId = '00000000-0000-0000-0000-000000000000';

/** auth.users, as we read it. Token columns and generated ones are left out. */
export const userColumns = columns({
  id: text,
  aud: text,
  role: text,
  email: optionalText,
  encrypted_password: optionalText,
  email_confirmed_at: timestamp,
  invited_at: timestamp,
  confirmation_sent_at: timestamp,
  recovery_sent_at: timestamp,
  email_change: text,
  email_change_sent_at: timestamp,
  email_change_confirm_status: integer,
  last_sign_in_at: timestamp,
  raw_app_meta_data: jsonOr<Readonly<Record<string, unknown>>>({}),
  raw_user_meta_data: jsonOr<Readonly<Record<string, unknown>>>({}),
  created_at: timestamp,
  updated_at: timestamp,
  phone: optionalText,
  phone_confirmed_at: timestamp,
  phone_change: text,
  phone_change_sent_at: timestamp,
  confirmed_at: timestamp,
  banned_until: timestamp,
  reauthentication_sent_at: timestamp,
  is_sso_user: truth,
  deleted_at: timestamp,
  is_anonymous: truth,
});

export type User = RowOf<typeof userColumns>;

export interface IdentityView {
  readonly id: string;
  readonly provider_id: string;
  readonly user_id: string;
  readonly identity_data: Readonly<Record<string, unknown>>;
  readonly provider: string;
  readonly last_sign_in_at: string | null;
  readonly created_at: string | null;
  readonly updated_at: string | null;
  readonly email: string | null;
}

/** A factor without its secret. */
export interface FactorView {
  readonly id: string;
  readonly friendly_name: string | null;
  readonly factor_type: string;
  readonly status: 'unverified' | 'verified';
  readonly phone: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly last_challenged_at: string | null;
}

/** A user with what belongs to it; what clients are shown is made of this. */
export interface FullUser extends User {
  readonly identities: readonly IdentityView[];
  readonly factors: readonly FactorView[];
}

const extras = (alias: string) => `
  (SELECT json_agg(json_build_object('id', i.id, 'provider_id', i.provider_id, 'user_id', i.user_id,
     'identity_data', i.identity_data, 'provider', i.provider, 'last_sign_in_at', i.last_sign_in_at AT TIME ZONE 'UTC',
     'created_at', i.created_at AT TIME ZONE 'UTC', 'updated_at', i.updated_at AT TIME ZONE 'UTC', 'email', i.email)
     ORDER BY i.created_at, i.id)
   FROM auth.identities i WHERE i.user_id = ${alias}.id),
  (SELECT json_agg(json_build_object('id', f.id, 'friendly_name', f.friendly_name, 'factor_type', f.factor_type,
     'status', f.status, 'phone', f.phone, 'created_at', f.created_at AT TIME ZONE 'UTC',
     'updated_at', f.updated_at AT TIME ZONE 'UTC', 'last_challenged_at', f.last_challenged_at AT TIME ZONE 'UTC')
     ORDER BY f.created_at, f.id)
   FROM auth.mfa_factors f WHERE f.user_id = ${alias}.id)`;

/** For SELECT: a user's columns and what belongs to it. */
export const fullUserSql = (alias: string): string => `${userColumns.sql(alias)}, ${extras(alias)}`;

/** How many columns fullUserSql gives. */
export const fullUserWidth = userColumns.width + 2;

const readIdentities = json<readonly IdentityView[]>();
const readFactors = json<readonly FactorView[]>();

export function readFullUser(row: readonly (string | null)[], offset = 0): FullUser {
  const identities = readIdentities(row[offset + userColumns.width] ?? null) ?? [];
  const factors = readFactors(row[offset + userColumns.width + 1] ?? null) ?? [];
  return { ...userColumns.read(row, offset), identities: identities.map(utcIdentity), factors: factors.map(utcFactor) };
}

/** `AT TIME ZONE 'UTC'` gives JSON without a zone. */
const utc = (value: string | null) => (value === null || value.endsWith('Z') ? value : `${value}Z`);

function utcIdentity(identity: IdentityView): IdentityView {
  return {
    ...identity,
    last_sign_in_at: utc(identity.last_sign_in_at),
    created_at: utc(identity.created_at),
    updated_at: utc(identity.updated_at),
  };
}

function utcFactor(factor: FactorView): FactorView {
  return {
    ...factor,
    created_at: utc(factor.created_at) ?? '',
    updated_at: utc(factor.updated_at) ?? '',
    last_challenged_at: utc(factor.last_challenged_at),
  };
}

export interface FindOptions {
  /** Locks the row until the transaction ends. */
  readonly forUpdate?: boolean;
}

const lock = ({ forUpdate = false }: FindOptions = {}) => (forUpdate ? ' FOR UPDATE OF u' : '');

export function findUserById(id: string, options?: FindOptions): Query<FullUser | undefined> {
  const sql = `SELECT ${fullUserSql('u')} FROM auth.users u WHERE u.id = $1 AND u.instance_id = $2${lock(options)}`;
  return query(sql, [id, instanceId], maybeRow(readFullUser));
}

/** Never an SSO user: several of those may have the same address. */
export function findUserByEmail(email: string, audience: string, options?: FindOptions): Query<FullUser | undefined> {
  const sql = `SELECT ${fullUserSql('u')} FROM auth.users u
    WHERE u.instance_id = $1 AND lower(u.email) = $2 AND u.aud = $3 AND NOT u.is_sso_user${lock(options)}`;
  return query(sql, [instanceId, email.toLowerCase(), audience], maybeRow(readFullUser));
}

export function findUserByPhone(phone: string, audience: string, options?: FindOptions): Query<FullUser | undefined> {
  const sql = `SELECT ${fullUserSql('u')} FROM auth.users u
    WHERE u.phone = $2 AND u.instance_id = $1 AND u.aud = $3 AND NOT u.is_sso_user${lock(options)}`;
  return query(sql, [instanceId, phone, audience], maybeRow(readFullUser));
}

/** Whoever has this address, also by an identity of another provider; `except` is not counted. */
export function findUserWithEmail(email: string, audience: string, except?: string): Query<FullUser | undefined> {
  const sql = `SELECT ${fullUserSql('u')} FROM auth.users u
    WHERE u.instance_id = $1 AND u.aud = $3 AND NOT u.is_sso_user AND ($4::uuid IS NULL OR u.id <> $4::uuid)
      AND u.id IN (
        SELECT id FROM auth.users WHERE instance_id = $1 AND lower(email) = $2
        UNION ALL
        SELECT user_id FROM auth.identities WHERE email = $2 AND provider NOT LIKE 'sso:%'
      )
    ORDER BY lower(u.email) = $2 DESC NULLS LAST LIMIT 1`;
  return query(sql, [instanceId, email.toLowerCase(), audience, except ?? null], maybeRow(readFullUser));
}

export function findUserByPhoneChange(phone: string, audience: string): Query<FullUser | undefined> {
  const sql = `SELECT ${fullUserSql('u')} FROM auth.users u
    WHERE u.phone_change = $2 AND u.instance_id = $1 AND u.aud = $3 AND NOT u.is_sso_user LIMIT 1`;
  return query(sql, [instanceId, phone, audience], maybeRow(readFullUser));
}

/** Columns of auth.users by name; what is undefined is not touched. */
export type UserValues = Readonly<Record<string, unknown>>;

export function insertUser(values: UserValues & { readonly id: string }): Query<User> {
  const { sql, values: given } = insertion({
    instance_id: instanceId,
    // GoTrue reads these as strings: NULL would make it fail.
    confirmation_token: '',
    recovery_token: '',
    email_change: '',
    email_change_token_new: '',
    ...values,
  });
  return query(
    `INSERT INTO auth.users ${sql} RETURNING ${userColumns.sql()}`,
    given,
    oneRow((row) => userColumns.read(row)),
  );
}

/** Also sets updated_at. Answers how many users were changed. */
export function updateUser(id: string, values: UserValues, now: Date): Query<number> {
  const set = assignments({ ...values, updated_at: now }, 2);
  return command(`UPDATE auth.users SET ${set.sql} WHERE id = $1`, [id, ...set.values]);
}

/** Merges at the top level; null removes a key. */
export function mergeMetadata(
  current: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries({ ...current, ...changes }).filter(([, value]) => value !== null));
}

export function deleteUser(id: string): Query<number> {
  return command('DELETE FROM auth.users WHERE id = $1', [id]);
}

export interface ListUsersOptions {
  readonly audience: string;
  readonly limit: number;
  readonly offset: number;
  /** Part of an address or number, or a whole id. */
  readonly filter?: string;
}

/** Newest first; `total` counts all that match. */
export function listUsers(
  options: ListUsersOptions,
): Query<{ readonly users: readonly FullUser[]; readonly total: number }> {
  const filter = options.filter?.trim() ?? '';
  const sql = `
    WITH matching AS (
      SELECT id, created_at FROM auth.users
      WHERE instance_id = $1 AND aud = $2
        AND ($3 = '' OR email ILIKE $4 OR phone ILIKE $4 OR raw_user_meta_data ->> 'full_name' ILIKE $4 OR id::text = $3)
    ), page AS (SELECT id, created_at FROM matching ORDER BY created_at DESC, id LIMIT $5 OFFSET $6)
    SELECT (SELECT count(*) FROM matching), ${fullUserSql('u')}
    FROM (SELECT 1) AS always LEFT JOIN page ON true LEFT JOIN auth.users u ON u.id = page.id
    ORDER BY page.created_at DESC, page.id`;
  const pattern = `%${filter.replaceAll(/[\\%_]/g, '\\$&')}%`;
  return query(sql, [instanceId, options.audience, filter, pattern, options.limit, options.offset], (result) => ({
    total: Number(result.rows[0]?.[0] ?? 0),
    users: allRows((row) => row)(result)
      .filter((row) => row[1] !== null && row[1] !== undefined)
      .map((row) => readFullUser(row, 1)),
  }));
}
