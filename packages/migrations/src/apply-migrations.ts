import type { Connection } from '@holdfast/postgres';
import { quoteLiteral } from '@holdfast/postgres';
import { migrationFailed, migrationsBusy } from './errors.js';
import type { Migration, RecordedMigration } from './migration.js';
import { planMigrations } from './plan-migrations.js';

/** Any number that nobody else uses; known to those who look into pg_locks. */
const lockKey = 0x484f4c44;
const lockSeconds = 60;

export interface AppliedMigration {
  readonly migration: Migration;
  readonly milliseconds: number;
}

/** What the database remembers; empty where nothing ever ran. */
export async function readRecorded(connection: Connection): Promise<readonly RecordedMigration[]> {
  const [there] = await connection.query("SELECT to_regclass('holdfast.migrations') IS NOT NULL AS found");
  if (there?.found !== true) return [];
  return await connection.query<RecordedMigration & Record<string, unknown>>(
    'SELECT version, name, checksum FROM holdfast.migrations ORDER BY version',
  );
}

/**
 * Runs what is still to run, each migration with its record in one transaction: a connection that breaks, a failover or a SIGKILL leaves all
 * of one or nothing. Whoever else does the same waits for a lock, and finds it done. Needs a connection of its own, as a superuser.
 * Throws what planMigrations throws, HF_MIGRATION_FAILED, HF_MIGRATIONS_BUSY.
 */
export async function applyMigrations(
  connection: Connection,
  migrations: readonly Migration[],
  options: { readonly signal: AbortSignal; readonly onApplied?: (applied: AppliedMigration) => void },
): Promise<readonly AppliedMigration[]> {
  const applied: AppliedMigration[] = [];
  if (planMigrations(migrations, await readRecorded(connection)).length === 0) return applied;
  await connection.query(prepareRecords);
  for (;;) {
    options.signal.throwIfAborted();
    const one = await applyNext(connection, migrations);
    if (one === undefined) return applied;
    applied.push(one);
    options.onApplied?.(one);
  }
}

const prepareRecords = `
  SELECT pg_advisory_xact_lock(${lockKey});
  SET LOCAL client_min_messages = warning;
  CREATE SCHEMA IF NOT EXISTS holdfast;
  CREATE TABLE IF NOT EXISTS holdfast.migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    milliseconds integer NOT NULL
  )
`;

/** Undefined: none is left. */
async function applyNext(
  connection: Connection,
  migrations: readonly Migration[],
): Promise<AppliedMigration | undefined> {
  await connection.query('BEGIN');
  try {
    await lock(connection);
    const [next] = planMigrations(migrations, await readRecorded(connection));
    if (next === undefined) {
      await connection.query('ROLLBACK');
      return undefined;
    }
    const from = performance.now();
    await run(connection, next);
    const milliseconds = Math.round(performance.now() - from);
    await record(connection, next, milliseconds);
    await connection.query('COMMIT');
    return { migration: next, milliseconds };
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => []);
    throw error;
  }
}

/**
 * Runs all of them and records them in place of what was recorded, in the transaction that the caller has begun and in which the caller has
 * dropped what they made. Throws HF_MIGRATION_FAILED.
 */
export async function applyAllAgain(connection: Connection, migrations: readonly Migration[]): Promise<void> {
  await connection.query(prepareRecords);
  await connection.query('DELETE FROM holdfast.migrations');
  for (const migration of migrations) {
    const from = performance.now();
    await run(connection, migration);
    await record(connection, migration, Math.round(performance.now() - from));
  }
}

async function record(connection: Connection, { version, name, checksum }: Migration, milliseconds: number) {
  await connection.query(
    'INSERT INTO holdfast.migrations (version, name, checksum, milliseconds) VALUES ($1, $2, $3, $4)',
    [version, name, checksum, milliseconds],
  );
}

async function lock(connection: Connection): Promise<void> {
  try {
    await connection.query(
      `SET LOCAL lock_timeout = ${quoteLiteral(`${lockSeconds}s`)}; SELECT pg_advisory_xact_lock(${lockKey}); SET LOCAL lock_timeout = 0`,
    );
  } catch (error) {
    if ((error as { code?: string }).code === '55P03') throw migrationsBusy(lockSeconds, error);
    throw error;
  }
}

async function run(connection: Connection, migration: Migration): Promise<void> {
  try {
    await connection.query('SET LOCAL client_min_messages = warning; SET LOCAL search_path = pg_catalog');
    await connection.query(migration.sql);
  } catch (error) {
    throw migrationFailed(migration, error);
  }
}
