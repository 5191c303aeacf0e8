import type { CallPlan } from '../plan/plan-call.js';
import type { MutationPlan } from '../plan/plan-mutation.js';
import type { ReadNode } from '../plan/read-plan.js';
import type { Value } from '../request/slot.js';
import type { Table } from '../schema-cache/types.js';
import { bodySql, csvRowsName, type Handler, type RowShape, rowsName } from './answer-sql.js';
import { callSql, returnsScalar } from './call-sql.js';
import { type Guard, guardSql } from './guard-sql.js';
import { insertedSql, mutationSql } from './mutation-sql.js';
import { countSql, readSql, sourceName } from './read-sql.js';
import { Parameters } from './sql-text.js';

/** The statement that makes the whole answer. Its one row: total, count, body, headers, status, inserted, location, guard. */
export interface MainStatement {
  readonly text: string;
  readonly values: readonly (Value | Buffer | null)[];
}

/** Columns of the main statement's row, in their order. */
export const mainColumns = ['total', 'count', 'body', 'headers', 'status', 'inserted', 'location', 'guard'] as const;

interface Parts {
  readonly ctes: readonly string[];
  readonly rows: string;
  readonly total: string;
  readonly handler: Handler;
  readonly shape: RowShape;
  readonly inserted: string;
  readonly location: string;
  readonly guard: Guard | undefined;
}

const none = 'NULL';
const setting = (key: string) => `nullif(current_setting('${key}', true), '')`;

function assemble({ ctes, rows, total, handler, shape, inserted, location, guard }: Parts): string {
  const isCsv = handler.kind === 'csv';
  const all = isCsv ? [...ctes, `${csvRowsName} AS (${rows})`] : ctes;
  const columns = [
    total,
    'count(*)',
    bodySql(handler, shape),
    setting('response.headers'),
    setting('response.status'),
    inserted,
    location,
    guard === undefined ? none : guardSql(guard),
  ];
  const list = columns.map((column, at) => `${column} AS "${mainColumns[at] ?? ''}"`).join(', ');
  return `${all.length === 0 ? '' : `WITH ${all.join(', ')} `}SELECT ${list} FROM (${isCsv ? `SELECT * FROM ${csvRowsName}` : rows}) AS ${rowsName}`;
}

/** How many rows are counted: `limit` more than there may be is as good as all of them. */
export interface CountOptions {
  readonly limit: number | null;
}

function totalSql(root: ReadNode, count: CountOptions | undefined, parameters: Parameters): string {
  if (count === undefined) return none;
  const limit = count.limit === null ? '' : ` LIMIT ${count.limit}`;
  return `(SELECT count(*) FROM (${countSql(root, parameters)}${limit}) AS pgrst_count)`;
}

export function readStatement(
  root: ReadNode,
  options: { readonly handler: Handler; readonly count: CountOptions | undefined },
): MainStatement {
  const parameters = new Parameters();
  const { handler, count } = options;
  const rows = readSql(root, parameters, { binaryJson: handler.kind === 'custom' });
  const total = totalSql(root, count, parameters);
  const shape = 'rows';
  const text = assemble({ ctes: [], rows, total, handler, shape, inserted: none, location: none, guard: undefined });
  return { text, values: parameters.values };
}

export function mutationStatement(
  plan: MutationPlan,
  root: ReadNode,
  options: { readonly handler: Handler; readonly guard: Guard | undefined; readonly location: boolean },
): MainStatement {
  const parameters = new Parameters();
  const { handler, guard, location } = options;
  const ctes = [`${sourceName} AS (${mutationSql(plan, parameters)})`];
  const text = assemble({
    ctes,
    // Without a body nothing of the select is looked at.
    rows:
      handler.kind === 'none'
        ? `SELECT * FROM ${sourceName}`
        : readSql(root, parameters, { binaryJson: handler.kind === 'custom' }),
    total: none,
    handler,
    shape: 'rows',
    inserted: plan.kind === 'insert' && plan.countInserted ? insertedSql : none,
    location: location ? locationSql() : none,
    guard,
  });
  return { text, values: parameters.values };
}

/** The key of the row written, as a JSON object of texts; NULL unless it is one row. */
function locationSql(): string {
  const keys = `SELECT json_object_agg(key, value) FROM json_each_text((SELECT row_to_json(written) FROM ${sourceName} AS written LIMIT 1))`;
  return `CASE WHEN count(*) = 1 THEN (${keys}) END`;
}

export function callStatement(
  plan: CallPlan,
  root: ReadNode,
  options: {
    readonly handler: Handler;
    readonly guard: Guard | undefined;
    readonly count: CountOptions | undefined;
    /** Undefined: the function returns no table's rows. */
    readonly table: Table | undefined;
  },
): MainStatement {
  const parameters = new Parameters();
  const { handler, guard, count, table } = options;
  const ctes = [`${sourceName} AS (${callSql(plan, computedColumns(root, table), parameters)})`];
  const rows = readSql(root, parameters, { binaryJson: handler.kind === 'custom' });
  const text = assemble({
    ctes,
    rows,
    total: totalSql(root, count, parameters),
    handler,
    shape: shapeOf(plan),
    inserted: none,
    location: none,
    guard,
  });
  return { text, values: parameters.values };
}

export function shapeOf(plan: CallPlan): RowShape {
  const { isSet } = plan.routine.returns;
  if (returnsScalar(plan)) return isSet ? 'scalars' : 'scalar';
  return isSet ? 'rows' : 'row';
}

/** What the request names of a table's row that is no column: a function of the row, called where its type is known. */
function computedColumns({ columns, order, where }: ReadNode, table: Table | undefined): readonly string[] {
  if (table === undefined) return [];
  const fields = [
    ...columns.map(({ field }) => field.name),
    ...order.flatMap(({ embedAlias, field }) => (embedAlias === undefined ? [field.name] : [])),
    ...where.flatMap((logic) => (logic.kind === 'filter' ? [logic.field.name] : [])),
  ];
  return [...new Set(fields)].filter((field) => field !== '*' && !table.columns.has(field));
}

/** Answers the planner's estimate of how many rows there are. */
export function estimateStatement(root: ReadNode): MainStatement {
  const parameters = new Parameters();
  return { text: `EXPLAIN (FORMAT JSON) ${countSql(root, parameters)}`, values: parameters.values };
}
