import {
  applyAllAgain,
  isDroppedByReset,
  type Project,
  planPush,
  pushProject,
  readProjectRecords,
  readSupabaseSchema,
  resetProject,
} from '@holdfast/migrations';
import { connect } from '@holdfast/postgres';
import type { ClusterContext } from '../context.js';
import { resetUnknown } from '../errors.js';
import { lostItsPrimary, type PrimaryOptions, withPrimary } from '../up/with-primary.js';

const connection = { timeoutMilliseconds: 10_000, statementTimeoutMilliseconds: 3_600_000 } as const;

export interface PushProjectOptions extends PrimaryOptions {
  /** Run those too that come before what ran. */
  readonly includeAll: boolean;
  readonly onApplied?: (name: string, milliseconds: number) => void;
}

/** Names of the project's migrations that the database lacks, in order. Throws what planPush throws. */
export async function planProject(
  context: ClusterContext,
  project: Project,
  options: PushProjectOptions,
): Promise<readonly string[]> {
  return await withPrimary(context, options, async (target, signal) => {
    await using main = await connect({ ...target, database: 'postgres' }, { ...connection, signal });
    return planPush(project.migrations, await readProjectRecords(main), options).map(nameOf);
  });
}

/** Runs them; a failover in the middle leaves all of one or nothing, and it goes on. Throws what pushProject throws. */
export async function pushToCluster(
  context: ClusterContext,
  project: Project,
  options: PushProjectOptions,
): Promise<readonly string[]> {
  const applied: string[] = [];
  await withPrimary(context, options, async (target, signal) => {
    await using main = await connect({ ...target, database: 'postgres' }, { ...connection, signal });
    await pushProject(main, project.migrations, {
      includeAll: options.includeAll,
      signal: options.signal,
      onApplied(migration, milliseconds) {
        applied.push(nameOf(migration));
        options.onApplied?.(nameOf(migration), milliseconds);
      },
    });
  });
  return applied;
}

/**
 * Empties the database `postgres` and makes it anew: Supabase's schema, the project's migrations, its seed; all in one transaction, so that
 * whatever fails leaves everything as it was. Answers the schemas that it dropped. Never done twice: when the primary is lost, nobody knows
 * whether it was the last thing that it did, and what was written since must stay (HF_DB_RESET_UNKNOWN).
 */
export async function resetCluster(
  context: ClusterContext,
  project: Project,
  options: PrimaryOptions,
): Promise<{ readonly dropped: readonly string[]; readonly applied: readonly string[] }> {
  const [schema] = await readSupabaseSchema();
  return await withPrimary(context, options, async (target, signal) => {
    try {
      await using main = await connect({ ...target, database: 'postgres' }, { ...connection, signal });
      const dropped = await resetProject(
        main,
        project,
        async () => await applyAllAgain(main, schema?.migrations ?? []),
      );
      return { dropped, applied: project.migrations.map(nameOf) };
    } catch (error) {
      if (lostItsPrimary(error)) throw resetUnknown(error);
      throw error;
    }
  });
}

/** The schemas that resetCluster would drop, with the number of their tables. */
export async function planReset(
  context: ClusterContext,
  options: PrimaryOptions,
): Promise<readonly { readonly schema: string; readonly tables: number }[]> {
  return await withPrimary(context, options, async (target, signal) => {
    await using main = await connect({ ...target, database: 'postgres' }, { ...connection, signal });
    return await main.query<{ schema: string; tables: number }>(`
      SELECT nspname AS schema, count(pg_class.oid)::integer AS tables
      FROM pg_namespace LEFT JOIN pg_class ON relnamespace = pg_namespace.oid AND relkind IN ('r', 'p')
      WHERE ${isDroppedByReset} GROUP BY 1 ORDER BY 1
    `);
  });
}

function nameOf({ version, name }: { readonly version: string; readonly name: string }): string {
  return `${version}_${name}`;
}
