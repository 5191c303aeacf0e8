import {
  applyMigrations,
  type Migration,
  planMigrations,
  readRecorded,
  readSupabaseSchema,
} from '@holdfast/migrations';
import { type Connection, type ConnectionTarget, connect, quoteIdentifier } from '@holdfast/postgres';
import type { ClusterContext } from '../context.js';
import { type PrimaryOptions, sqlState, withPrimary } from '../up/with-primary.js';
import { ensureRolePasswords } from './role-passwords.js';

export interface SchemaStep {
  readonly database: string;
  readonly version: number;
  readonly name: string;
  /** Undefined: it has not run. */
  readonly milliseconds: number | undefined;
}

export interface SchemaResult {
  readonly steps: readonly SchemaStep[];
  /** Roles that got the password in the cluster's secrets. */
  readonly passwords: readonly string[];
}

export interface MigrateOptions extends PrimaryOptions {
  /** Told when a migration has run. */
  readonly onApplied?: (step: SchemaStep) => void;
}

const connection = { timeoutMilliseconds: 10_000, statementTimeoutMilliseconds: 300_000 } as const;

/**
 * Makes the database what Supabase's services expect to find, or leaves it as it is when it is that already. A failover in the middle
 * leaves each migration there as a whole or not at all, and it goes on with the next primary. Throws HF_MIGRATION….
 */
export async function migrateSupabase(context: ClusterContext, options: MigrateOptions): Promise<SchemaResult> {
  const steps: SchemaStep[] = [];
  const note = (database: string) => ({
    signal: options.signal,
    onApplied({ migration, milliseconds }: { readonly migration: Migration; readonly milliseconds: number }) {
      const step = { database, version: migration.version, name: migration.name, milliseconds };
      steps.push(step);
      options.onApplied?.(step);
    },
  });
  const passwords = await withPrimary(context, options, async (target, signal) => {
    await using main = await connect({ ...target, database: 'postgres' }, { ...connection, signal });
    let changed: readonly string[] = [];
    for (const { database, migrations } of await readSupabaseSchema()) {
      if (database === 'postgres') {
        await applyMigrations(main, migrations, note(database));
        changed = await ensureRolePasswords(main, options.secrets);
      } else {
        await ensureDatabase(main, database);
        await using other = await connect({ ...target, database }, { ...connection, signal });
        await applyMigrations(other, migrations, note(database));
      }
    }
    return changed;
  });
  return { steps, passwords };
}

/** What migrateSupabase would do. Throws what it would throw before it changes anything. */
export async function planSupabase(context: ClusterContext, options: MigrateOptions): Promise<readonly SchemaStep[]> {
  return await withPrimary(context, options, async (target, signal) => {
    const names = await databaseNames(target, signal);
    const steps: SchemaStep[] = [];
    for (const { database, migrations } of await readSupabaseSchema()) {
      const pending = names.includes(database)
        ? await pendingIn({ ...target, database }, migrations, signal)
        : migrations;
      steps.push(...pending.map(({ version, name }) => ({ database, version, name, milliseconds: undefined })));
    }
    return steps;
  });
}

async function pendingIn(
  target: ConnectionTarget,
  migrations: readonly Migration[],
  signal: AbortSignal,
): Promise<readonly Migration[]> {
  await using there = await connect(target, { ...connection, signal });
  return planMigrations(migrations, await readRecorded(there));
}

async function databaseNames(
  target: Omit<ConnectionTarget, 'database'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  await using main = await connect({ ...target, database: 'postgres' }, { ...connection, signal });
  return (await main.query<{ datname: string }>('SELECT datname FROM pg_database')).map(({ datname }) => datname);
}

async function ensureDatabase(main: Connection, name: string): Promise<void> {
  const [there] = await main.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (there !== undefined) return;
  try {
    await main.query(`CREATE DATABASE ${quoteIdentifier(name)} OWNER supabase_admin`);
  } catch (error) {
    // Somebody else was faster: duplicate_database, or the unique index behind it.
    if (!['42P04', '23505'].includes(sqlState(error) ?? '')) throw error;
  }
}
