import { type Connection, quoteIdentifier } from '@holdfast/postgres';
import { projectBusy } from '../errors.js';
import { projectLockKey, runFile, runInTransaction } from './push.js';
import type { Project } from './read-project.js';

const lockSeconds = 30;

/** SQL, of a row of pg_namespace: a reset drops this schema. */
export const isDroppedByReset = "nspname !~ '^(pg_|information_schema$|holdfast$|pgbouncer$)'";

/**
 * Drops every schema that is not PostgreSQL's or Holdfast's own, lets `makeSchema` make Supabase's again, and runs the project's migrations
 * and its seed, in one transaction. Answers the names of the schemas. Throws HF_DB_BUSY while others hold locks on what is dropped,
 * and what the files throw; nothing has changed then.
 */
export async function resetProject(
  connection: Connection,
  project: Project,
  makeSchema: () => Promise<void>,
): Promise<readonly string[]> {
  await connection.query('BEGIN');
  try {
    await connection.query('SELECT pg_advisory_xact_lock($1)', [projectLockKey]);
    const dropped = await dropAll(connection);
    await makeSchema();
    await connection.query('RESET search_path; RESET client_min_messages');
    for (const migration of project.migrations) await runInTransaction(connection, migration);
    if (project.seed !== undefined) await runFile(connection, project.seed);
    await connection.query('COMMIT');
    return dropped;
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => []);
    if ((error as { code?: string }).code === '55P03') throw projectBusy(lockSeconds, error);
    throw error;
  }
}

async function dropAll(connection: Connection): Promise<readonly string[]> {
  await connection.query(`SET LOCAL lock_timeout = '${lockSeconds}s'; SET LOCAL client_min_messages = warning`);
  const names = async (sql: string) => (await connection.query<{ name: string }>(sql)).map(({ name }) => name);
  for (const name of await names('SELECT evtname AS name FROM pg_event_trigger'))
    await connection.query(`DROP EVENT TRIGGER ${quoteIdentifier(name)} CASCADE`);
  for (const name of await names('SELECT pubname AS name FROM pg_publication'))
    await connection.query(`DROP PUBLICATION ${quoteIdentifier(name)}`);
  for (const name of await names("SELECT extname AS name FROM pg_extension WHERE extname <> 'plpgsql'"))
    await connection.query(`DROP EXTENSION IF EXISTS ${quoteIdentifier(name)} CASCADE`);
  const schemas = await names(`SELECT nspname AS name FROM pg_namespace WHERE ${isDroppedByReset} ORDER BY 1`);
  for (const name of schemas) await connection.query(`DROP SCHEMA IF EXISTS ${quoteIdentifier(name)} CASCADE`);
  // As initdb makes it.
  await connection.query(`
    CREATE SCHEMA public AUTHORIZATION pg_database_owner;
    COMMENT ON SCHEMA public IS 'standard public schema';
    GRANT USAGE ON SCHEMA public TO PUBLIC;
    SET LOCAL lock_timeout = 0
  `);
  return schemas;
}
