import type { Connection } from '@holdfast/postgres';
import { replayFailed } from '../errors.js';
import type { ProjectMigration } from './project-migration.js';
import { runInTransaction, statementsOf } from './push.js';

/**
 * Runs all of a project's migrations, each in a transaction, on a database that is not the cluster's and on which none has run. Throws what statementsOf
 * throws, HF_DB_SHADOW_FAILED.
 */
export async function replayProject(
  connection: Connection,
  files: readonly ProjectMigration[],
  signal: AbortSignal,
): Promise<void> {
  for (const file of files) await statementsOf(file);
  for (const file of files) {
    signal.throwIfAborted();
    await connection.query('BEGIN');
    await runInTransaction(connection, file, replayFailed);
    await connection.query('COMMIT');
  }
}
