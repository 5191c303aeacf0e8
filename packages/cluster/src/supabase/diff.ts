import {
  type DatabaseDiff,
  diffDatabases,
  diffPending,
  type Project,
  type ProjectMigration,
  planPush,
  type RepairStatus,
  readCatalog,
  readProjectRecords,
  readSupabaseSchema,
  repairProject,
  replayProject,
} from '@holdfast/migrations';
import { connect, openPool } from '@holdfast/postgres';
import type { ClusterContext, Progress } from '../context.js';
import { diffTooOld, shadowTimeout } from '../errors.js';
import { unlessAborted } from '../unless-aborted.js';
import { type PrimaryOptions, withPrimary } from '../up/with-primary.js';
import { readOriginal, startShadow } from './shadow.js';

/** The first that pg-delta reads. */
const oldestMajor = 14;
const limits = { timeoutMilliseconds: 10_000, statementTimeoutMilliseconds: 120_000 } as const;

export interface DiffProjectOptions extends PrimaryOptions {
  /** Only these; undefined: all but those of PostgreSQL, Holdfast and Supabase's services. */
  readonly schemas: readonly string[] | undefined;
  /** Refuse with HF_DB_DIFF_PENDING while the database lacks migrations: the difference takes back what they make. */
  readonly refusePending: boolean;
  /** For all of it; HF_SHADOW_TIMEOUT then. */
  readonly timeoutSeconds: number;
  readonly progress: Progress;
}

export interface ProjectDiff extends DatabaseDiff {
  /** Migrations that the database has not had. */
  readonly pending: readonly ProjectMigration[];
}

/**
 * The SQL that leads from the project's migrations to what the database `postgres` is now. The migrations run on a shadow database of their own,
 * never on the cluster, which is only read. Throws what planPush throws but HF_DB_MIGRATION_LATE, HF_DB_DIFF_PENDING, HF_DB_SYNTAX,
 * HF_DB_TRANSACTION, HF_DB_SHADOW_FAILED, HF_SHADOW_NO_POSTGRES, HF_SHADOW_START, HF_SHADOW_TIMEOUT,
 * HF_DB_SCHEMA_UNKNOWN, HF_DB_DIFF_VERSION.
 */
export async function diffProject(
  context: ClusterContext,
  project: Project,
  options: DiffProjectOptions,
): Promise<ProjectDiff> {
  const { progress, schemas, refusePending, timeoutSeconds } = options;
  const limitMilliseconds = timeoutSeconds * 1000;
  const timeout = AbortSignal.timeout(limitMilliseconds);
  const signal = AbortSignal.any([options.signal, timeout]);
  try {
    const [schema] = await readSupabaseSchema();
    progress.step('Reading the database');
    const { pending, original, wanted } = await readCluster(context, project, { ...options, signal });
    if (refusePending && pending.length > 0) throw diffPending(pending);
    progress.step('Making a shadow database');
    await using shadow = await startShadow(original, schema?.migrations ?? [], { signal, limitMilliseconds });
    progress.step("Running the project's migrations there");
    await unlessAborted(replayProject(shadow.connection, project.migrations, signal), signal);
    progress.step('Comparing the two');
    await using pool = openPool(shadow.target, limits, signal);
    const from = { connection: shadow.connection, pool };
    const diff = await unlessAborted(
      diffDatabases(from, wanted, { schemas, statementTimeoutMilliseconds: limits.statementTimeoutMilliseconds }),
      signal,
    );
    return { ...diff, notes: [...shadow.notes, ...diff.notes], pending };
  } catch (error) {
    if (timeout.aborted && !options.signal.aborted) throw shadowTimeout(timeoutSeconds);
    throw error;
  }
}

async function readCluster(context: ClusterContext, project: Project, options: PrimaryOptions) {
  return await withPrimary(context, options, async (target, signal) => {
    const database = { ...target, database: 'postgres' };
    await using main = await connect(database, { ...limits, signal });
    const original = await readOriginal(main);
    if (original.major < oldestMajor) throw diffTooOld(original.major, oldestMajor);
    const pending = planPush(project.migrations, await readProjectRecords(main), { includeAll: true });
    await using pool = openPool(database, limits, signal);
    const wanted = await unlessAborted(readCatalog(pool, limits.statementTimeoutMilliseconds), signal);
    return { pending, original, wanted };
  });
}

/** See repairProject. */
export async function repairCluster(
  context: ClusterContext,
  project: Project,
  versions: readonly string[],
  status: RepairStatus,
  options: PrimaryOptions,
): Promise<readonly string[]> {
  return await withPrimary(context, options, async (target, signal) => {
    await using main = await connect({ ...target, database: 'postgres' }, { ...limits, signal });
    return await repairProject(main, project.migrations, versions, status);
  });
}
