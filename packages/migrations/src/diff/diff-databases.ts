import { type Connection, type Pool, quoteIdentifier } from '@holdfast/postgres';
import type { Plan } from '@supabase/pg-delta';
import { schemaUnknown } from '../errors.js';
import { type Catalog, namesIn, planDifference, readCatalog } from './compare-databases.js';
import { describeColumnOrder, describeDifference } from './describe-difference.js';
import { appendParts, destructiveStatements, renderPlan, type SqlPart, textOf } from './render-plan.js';

export interface DatabaseDiff {
  /** In order; empty when there is no difference. */
  readonly parts: readonly SqlPart[];
  /** Those of its statements that lose something. */
  readonly drops: readonly string[];
  /** What a reader must know beside the SQL. */
  readonly notes: readonly string[];
  /** Why running the parts did not lead to the other database; undefined: it did. */
  readonly unproven: string | undefined;
}

export interface DiffOptions {
  /** Only what is in these; undefined: everything that an application owns. */
  readonly schemas: readonly string[] | undefined;
  /** How long one look into a catalog may take. */
  readonly statementTimeoutMilliseconds: number;
}

/** A database with a connection to change it and a pool to look at it. */
export interface DiffSource {
  readonly connection: Connection;
  readonly pool: Pool;
}

/** Some things show only once the rest is there, such as grants to take back that a new table got by default. */
const rounds = 3;

/**
 * The SQL that leads from one database to the other, tried on the first, which is changed by it and must be a throw-away: only when nothing is
 * left to do there has it been shown to be right. Roles that it lacks are made there. Throws HF_DB_SCHEMA_UNKNOWN.
 */
export async function diffDatabases(from: DiffSource, wanted: Catalog, options: DiffOptions): Promise<DatabaseDiff> {
  const limit = options.statementTimeoutMilliseconds;
  const unknownRoles = await makeRoles(from.connection, namesIn([wanted]).roles);
  const start = await readCatalog(from.pool, limit);
  const unknown = options.schemas?.find((name) => !namesIn([start, wanted]).schemas.includes(name));
  if (unknown !== undefined) throw schemaUnknown(unknown);

  const plans: Plan[] = [];
  let parts: readonly SqlPart[] = [];
  let reached = start;
  let unproven: string | undefined;
  for (;;) {
    const plan = await planDifference(from.pool, reached, wanted, options.schemas);
    const next = renderPlan(plan, 'postgres');
    if (next.length === 0) break;
    if (plans.length === rounds) {
      unproven = `It leaves this to do:\n${next.map(textOf).join('\n')}`;
      break;
    }
    plans.push(plan);
    parts = appendParts(parts, next);
    unproven = await runParts(from.connection, next);
    if (unproven !== undefined) break;
    reached = await readCatalog(from.pool, limit);
  }
  const notes = describeDifference(plans, { from: start.diagnostics, to: wanted.diagnostics }, unknownRoles);
  const drops = destructiveStatements(plans.flatMap(({ actions }) => actions));
  return { parts, drops, notes: [...notes, ...describeColumnOrder(plans, reached, wanted)], unproven };
}

async function runParts(connection: Connection, parts: readonly SqlPart[]): Promise<string | undefined> {
  for (const part of parts) {
    const failed = await runPart(connection, part);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

async function runPart(connection: Connection, { transactional, statements }: SqlPart): Promise<string | undefined> {
  for (const statement of transactional ? ['BEGIN', ...statements, 'COMMIT'] : statements) {
    try {
      await connection.query(statement);
    } catch (error) {
      if (transactional) await connection.query('ROLLBACK').catch(() => []);
      return `${(error as Error).message}, in:\n${statement};`;
    }
  }
  return undefined;
}

/** Answers those that were not there. */
async function makeRoles(connection: Connection, names: readonly string[]): Promise<readonly string[]> {
  const rows = await connection.query<{ rolname: string }>('SELECT rolname FROM pg_roles');
  const there = rows.map(({ rolname }) => rolname);
  const missing = names.filter((name) => !there.includes(name));
  for (const name of missing) await connection.query(`CREATE ROLE ${quoteIdentifier(name)}`);
  return missing;
}
