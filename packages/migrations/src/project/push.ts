import type { Connection } from '@holdfast/postgres';
import { projectFailed, projectNotInTransaction, projectSyntax, projectTableMissing } from '../errors.js';
import { planPush } from './plan-push.js';
import type { ProjectMigration, RecordedProjectMigration } from './project-migration.js';
import { readStatements, type SqlStatement, SqlSyntaxError } from './read-statements.js';

/** What push and every other `db` command hold while they change something; known to those who look into pg_locks. */
export const projectLockKey = 0x484f4c45;

/** What ran. Throws HF_DB_NOT_PREPARED. */
export async function readProjectRecords(connection: Connection): Promise<readonly RecordedProjectMigration[]> {
  try {
    return await connection.query<RecordedProjectMigration & Record<string, unknown>>(
      'SELECT version, name, statements FROM supabase_migrations.schema_migrations ORDER BY version',
    );
  } catch (error) {
    // undefined_table, invalid_schema_name
    if (['42P01', '3F000'].includes(String((error as { code?: unknown }).code))) throw projectTableMissing(error);
    throw error;
  }
}

/**
 * Checks what can be checked before anything runs. A file that is one transaction by itself (BEGIN first, COMMIT last) is taken for what is
 * between the two. Throws HF_DB_SYNTAX and HF_DB_TRANSACTION.
 */
export async function statementsOf(file: {
  readonly path: string;
  readonly sql: string;
}): Promise<readonly SqlStatement[]> {
  let statements: readonly SqlStatement[];
  try {
    statements = await readStatements(file.sql);
  } catch (error) {
    if (error instanceof SqlSyntaxError) throw projectSyntax(file.path, error);
    throw error;
  }
  const wrapped = statements[0]?.transaction === 'begin' && statements.at(-1)?.transaction === 'commit';
  const inner = wrapped ? statements.slice(1, -1) : statements;
  const control = inner.find(({ transaction }) => transaction !== undefined);
  if (control !== undefined) throw projectNotInTransaction(file.path, control);
  return inner;
}

export interface PushOptions {
  readonly includeAll: boolean;
  readonly signal: AbortSignal;
  readonly onApplied?: (migration: ProjectMigration, milliseconds: number) => void;
}

/**
 * Runs the project's migrations that the database lacks: each with its record in one transaction, so that a failover in the middle leaves
 * all of one or nothing, and under a lock, so that two who push at once do each of them once. As the Supabase CLI, as the role
 * of the connection, and with its table. Throws what planPush throws, HF_DB_SYNTAX, HF_DB_TRANSACTION, HF_DB_MIGRATION_FAILED.
 */
export async function pushProject(
  connection: Connection,
  files: readonly ProjectMigration[],
  options: PushOptions,
): Promise<readonly ProjectMigration[]> {
  // All that can be wrong without the database's help is said before the first one runs.
  for (const file of planPush(files, await readProjectRecords(connection), options)) await statementsOf(file);
  const applied: ProjectMigration[] = [];
  for (;;) {
    options.signal.throwIfAborted();
    const from = performance.now();
    const one = await pushNext(connection, files, options);
    if (one === undefined) return applied;
    applied.push(one);
    options.onApplied?.(one, Math.round(performance.now() - from));
  }
}

async function pushNext(
  connection: Connection,
  files: readonly ProjectMigration[],
  options: PushOptions,
): Promise<ProjectMigration | undefined> {
  await connection.query('BEGIN');
  try {
    await connection.query('SELECT pg_advisory_xact_lock($1)', [projectLockKey]);
    const [next] = planPush(files, await readProjectRecords(connection), options);
    if (next !== undefined) await runInTransaction(connection, next);
    await connection.query(next === undefined ? 'ROLLBACK' : 'COMMIT');
    return next;
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => []);
    throw error;
  }
}

/** One file and its record, within the transaction that the caller has begun. `failed`: see runFile. */
export async function runInTransaction(
  connection: Connection,
  file: ProjectMigration,
  failed: typeof projectFailed = projectFailed,
): Promise<void> {
  await runFile(connection, file, failed);
  // What a migration set for itself must not reach the next one.
  await connection.query('RESET ROLE; RESET search_path');
  await recordAsApplied(connection, file);
}

export async function recordAsApplied(connection: Connection, file: ProjectMigration): Promise<void> {
  await connection.query(
    'INSERT INTO supabase_migrations.schema_migrations (version, name, statements) VALUES ($1, $2, $3)',
    [file.version, file.name, [file.sql]],
  );
}

/**
 * Runs a file statement by statement, so that the one that fails can be named. Throws what statementsOf throws, and what `failed` makes of
 * a failure: HF_DB_MIGRATION_FAILED.
 */
export async function runFile(
  connection: Connection,
  file: { readonly path: string; readonly sql: string },
  failed: typeof projectFailed = projectFailed,
): Promise<void> {
  for (const statement of await statementsOf(file)) {
    try {
      await connection.query(statement.text);
    } catch (error) {
      throw failed(file.path, statement, error);
    }
  }
}
