import type { Connection } from '@holdfast/postgres';
import { repairUnknown } from '../errors.js';
import { isSameAs, type ProjectMigration } from './project-migration.js';
import { projectLockKey, readProjectRecords, recordAsApplied } from './push.js';

/** `applied`: what it makes is there already. `reverted`: it is not there, whatever the record says. */
export type RepairStatus = 'applied' | 'reverted';

/**
 * Mends the record of what ran, for a database that was changed by other means; of the database itself it changes nothing. All versions or none.
 * Answers those whose record was changed. Throws HF_DB_REPAIR_UNKNOWN.
 */
export async function repairProject(
  connection: Connection,
  files: readonly ProjectMigration[],
  versions: readonly string[],
  status: RepairStatus,
): Promise<readonly string[]> {
  await connection.query('BEGIN');
  try {
    await connection.query('SELECT pg_advisory_xact_lock($1)', [projectLockKey]);
    const changed: string[] = [];
    for (const version of new Set(versions)) {
      const file = files.find((each) => each.version === version);
      const past = (await readProjectRecords(connection)).find((each) => each.version === version);
      if (file === undefined && (status === 'applied' || past === undefined)) throw repairUnknown(version);
      const isDone =
        status === 'applied' ? past !== undefined && file !== undefined && isSameAs(file, past) : past === undefined;
      if (isDone === true) continue;
      await connection.query('DELETE FROM supabase_migrations.schema_migrations WHERE version = $1', [version]);
      if (status === 'applied' && file !== undefined) await recordAsApplied(connection, file);
      changed.push(version);
    }
    await connection.query('COMMIT');
    return changed;
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => []);
    throw error;
  }
}
