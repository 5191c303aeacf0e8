import { poolerFunction } from '@holdfast/components';
import {
  type Connection,
  type ConnectionTarget,
  connect,
  quoteIdentifier,
  quoteLiteral,
  scramVerifier,
} from '@holdfast/postgres';
import type { Secrets } from '@holdfast/spec';

const connection = { timeoutMilliseconds: 10_000, statementTimeoutMilliseconds: 30_000 } as const;

/**
 * What the pooler needs in the database: role `pgbouncer`, which may only look up password verifiers through
 * `pgbouncer.get_auth` (auth_query in pgbouncer.ini), in every database and in template1 for those to come. Changes nothing where it is there.
 */
export async function prepareDatabase(
  target: Omit<ConnectionTarget, 'database'>,
  secrets: Secrets,
  signal: AbortSignal,
): Promise<void> {
  await using main = await connect({ ...target, database: 'postgres' }, { ...connection, signal });
  await ensurePoolerRole(main, secrets.pgbouncer);
  const databases = await main.query<{ datname: string }>(
    "SELECT datname FROM pg_database WHERE datallowconn AND datname <> 'postgres' ORDER BY datname",
  );
  await ensurePoolerFunction(main);
  for (const { datname } of databases) {
    await using other = await connect({ ...target, database: datname }, { ...connection, signal });
    await ensurePoolerFunction(other);
  }
}

async function ensurePoolerRole(database: Connection, password: string): Promise<void> {
  const [existing] = await database.query("SELECT 1 AS found FROM pg_roles WHERE rolname = 'pgbouncer'");
  if (existing !== undefined) return;
  await database.query(
    `CREATE ROLE ${quoteIdentifier('pgbouncer')} LOGIN PASSWORD ${quoteLiteral(scramVerifier(password))}`,
  );
}

async function ensurePoolerFunction(database: Connection): Promise<void> {
  const [existing] = await database.query("SELECT to_regprocedure('pgbouncer.get_auth(text)') IS NOT NULL AS found");
  if (existing?.found === true) return;
  // One round trip and one transaction: all of it is there, or nothing.
  await database.query(poolerFunction);
}
