import { command, type Query, query } from './query.js';
import { allRows, columns, jsonOr, maybeRow, optionalText, type RowOf, text, timestamp, truth } from './row.js';

/** bytea as PostgreSQL writes it: \x and hexadecimal digits. */
const bytes = (value: string | null): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.from((value ?? '').replace(/^\\x/, ''), 'hex'));

export const credentialColumns = columns({
  id: text,
  user_id: text,
  credential_id: bytes,
  public_key: bytes,
  attestation_type: text,
  aaguid: optionalText,
  sign_count: (value) => Number(value ?? 0),
  transports: jsonOr<readonly string[]>([]),
  backup_eligible: truth,
  backed_up: truth,
  friendly_name: text,
  created_at: timestamp,
  updated_at: timestamp,
  last_used_at: timestamp,
});

/** A passkey: auth.webauthn_credentials. */
export type PasskeyRow = RowOf<typeof credentialColumns>;

const read = (row: readonly (string | null)[]) => credentialColumns.read(row);

const hex = (value: Uint8Array) => `\\x${Buffer.from(value).toString('hex')}`;

export function findPasskeysOfUser(userId: string): Query<readonly PasskeyRow[]> {
  const sql = `SELECT ${credentialColumns.sql()} FROM auth.webauthn_credentials WHERE user_id = $1 ORDER BY created_at, id`;
  return query(sql, [userId], allRows(read));
}

export function findPasskeyByCredential(credentialId: Uint8Array): Query<PasskeyRow | undefined> {
  const sql = `SELECT ${credentialColumns.sql()} FROM auth.webauthn_credentials WHERE credential_id = $1 FOR UPDATE`;
  return query(sql, [hex(credentialId)], maybeRow(read));
}

export interface NewPasskey {
  readonly id: string;
  readonly userId: string;
  readonly credentialId: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly attestationType: string;
  readonly aaguid: string;
  readonly signCount: number;
  readonly transports: readonly string[];
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
  readonly friendlyName: string;
}

/** 23505 where the credential is somebody's already. */
export function insertPasskey(passkey: NewPasskey, now: Date): Query<number> {
  const sql = `INSERT INTO auth.webauthn_credentials (id, user_id, credential_id, public_key, attestation_type, aaguid, sign_count,
      transports, backup_eligible, backed_up, friendly_name, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11, $12, $12)`;
  return command(sql, [
    passkey.id,
    passkey.userId,
    hex(passkey.credentialId),
    hex(passkey.publicKey),
    passkey.attestationType,
    passkey.aaguid,
    passkey.signCount,
    JSON.stringify(passkey.transports),
    passkey.backupEligible,
    passkey.backedUp,
    passkey.friendlyName,
    now.toISOString(),
  ]);
}

/** The counter only ever grows: a smaller one would be a copy of the authenticator. */
export function touchPasskey(id: string, signCount: number, backedUp: boolean, now: Date): Query<number> {
  const sql = `UPDATE auth.webauthn_credentials SET sign_count = $2, backed_up = $3, last_used_at = $4, updated_at = $4 WHERE id = $1`;
  return command(sql, [id, signCount, backedUp, now.toISOString()]);
}

export function renamePasskey(id: string, userId: string, name: string, now: Date): Query<PasskeyRow | undefined> {
  const sql = `UPDATE auth.webauthn_credentials SET friendly_name = $3, updated_at = $4 WHERE id = $1 AND user_id = $2
    RETURNING ${credentialColumns.sql()}`;
  return query(sql, [id, userId, name, now.toISOString()], maybeRow(read));
}

export function deletePasskey(id: string, userId: string): Query<number> {
  return command('DELETE FROM auth.webauthn_credentials WHERE id = $1 AND user_id = $2', [id, userId]);
}
