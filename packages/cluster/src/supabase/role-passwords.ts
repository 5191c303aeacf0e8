import {
  type Connection,
  matchesScramVerifier,
  quoteIdentifier,
  quoteLiteral,
  scramVerifier,
} from '@holdfast/postgres';
import type { SecretName, Secrets } from '@holdfast/spec';

/** The roles that Supabase's services log in as, each with a secret of its own. */
export const supabaseLogins: Readonly<Record<string, SecretName>> = {
  authenticator: 'authenticator',
  pgbouncer: 'pgbouncer',
  supabase_admin: 'supabase-admin',
  supabase_auth_admin: 'supabase-auth-admin',
  supabase_storage_admin: 'supabase-storage-admin',
  supabase_functions_admin: 'supabase-functions-admin',
  supabase_replication_admin: 'supabase-replication-admin',
  supabase_read_only_user: 'supabase-read-only',
  supabase_etl_admin: 'supabase-etl-admin',
  holdfast_net: 'net',
};

/** Gives each of these roles the password in the secrets where it has another or none. The server sees verifiers only. */
export async function ensureRolePasswords(connection: Connection, secrets: Secrets): Promise<readonly string[]> {
  const roles = await connection.query<{ rolname: string; rolpassword: string | null }>(
    'SELECT rolname, rolpassword FROM pg_authid WHERE rolname = ANY ($1)',
    [Object.keys(supabaseLogins)],
  );
  const changed: string[] = [];
  for (const { rolname, rolpassword } of roles) {
    const name = supabaseLogins[rolname];
    if (name === undefined) continue;
    const password = secrets[name];
    if (rolpassword !== null && matchesScramVerifier(password, rolpassword)) continue;
    await connection.query(`ALTER ROLE ${quoteIdentifier(rolname)} PASSWORD ${quoteLiteral(scramVerifier(password))}`);
    changed.push(rolname);
  }
  return changed;
}
