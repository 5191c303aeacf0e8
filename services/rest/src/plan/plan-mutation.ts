import { invalidFilters } from '../errors/request-errors.js';
import { columnNotFound } from '../errors/schema-errors.js';
import type { Body } from '../request/body.js';
import type { Preferences } from '../request/preferences.js';
import type { Query, RowRange } from '../request/query.js';
import { allRows } from '../request/row-range.js';
import { type QualifiedName, representationKey, type SchemaCache, type Table } from '../schema-cache/types.js';
import type { BodyField, JsonBody } from '../sql/body-sql.js';
import { neededForEmbedding, planRootLogic } from './plan-read.js';
import type { PlannedLogic, PlannedOrder, ReadNode } from './read-plan.js';
import { fieldResolver } from './resolve-field.js';

export type MutationMethod = 'POST' | 'PATCH' | 'PUT' | 'DELETE';

export type MutationPlan = InsertPlan | UpdatePlan | DeletePlan;

interface MutationBase {
  readonly table: QualifiedName;
  /** Columns to return; `*`: all. Empty: nothing but how many there are. */
  readonly returning: readonly string[];
}

export interface InsertPlan extends MutationBase {
  readonly kind: 'insert';
  readonly body: JsonBody;
  readonly fields: readonly BodyField[];
  readonly defaults: boolean;
  /** Undefined: a duplicate is an error. */
  readonly conflict: { readonly resolution: 'merge' | 'ignore'; readonly columns: readonly string[] } | undefined;
  /** Of PUT: what the row in the body must fulfil. */
  readonly conditions: readonly PlannedLogic[];
  /** Rows that are new are to be told from those that were there. */
  readonly countInserted: boolean;
  readonly primaryKey: readonly string[];
}

export interface UpdatePlan extends MutationBase, RowsToChange {
  readonly kind: 'update';
  readonly body: JsonBody;
  readonly fields: readonly BodyField[];
  readonly defaults: boolean;
}

export interface DeletePlan extends MutationBase, RowsToChange {
  readonly kind: 'delete';
}

interface RowsToChange {
  readonly where: readonly PlannedLogic[];
  /** Of a request with a limit: which rows count as the first ones. */
  readonly order: readonly PlannedOrder[];
  readonly range: RowRange;
  /** Rows are told apart by these where there is a limit; empty: by ctid. */
  readonly keyColumns: readonly string[];
}

export interface MutationRequest {
  readonly method: MutationMethod;
  readonly cache: SchemaCache;
  readonly table: Table;
  readonly query: Query;
  readonly preferences: Preferences;
  readonly body: Body | undefined;
  readonly read: ReadNode;
}

/** Throws PGRST105 and 204. */
export function planMutation(request: MutationRequest): MutationPlan {
  const { method, cache, table, query, preferences } = request;
  const base = { table: { schema: table.schema, name: table.name }, returning: returningOf(request) };
  const defaults = preferences.missing === 'default';
  const logic = planRootLogic(cache, base.table, query);
  const rows = () => ({ where: logic, ...limited(request) });
  switch (method) {
    case 'POST': {
      const columns = query.onConflict ?? table.primaryKey;
      const { resolution } = preferences;
      const merge = resolution === 'merge-duplicates';
      const conflict =
        resolution === undefined
          ? undefined
          : { resolution: merge ? ('merge' as const) : ('ignore' as const), columns };
      const shared = { conditions: [], countInserted: merge, primaryKey: table.primaryKey };
      return { kind: 'insert', ...base, ...bodyOf(request), defaults, conflict, ...shared };
    }
    case 'PUT': {
      if (!filtersKey(query, table.primaryKey)) throw invalidFilters();
      const conflict = { resolution: 'merge', columns: table.primaryKey } as const;
      const shared = { conditions: logic, countInserted: true, primaryKey: table.primaryKey };
      return { kind: 'insert', ...base, ...bodyOf(request), defaults: false, conflict, ...shared };
    }
    case 'PATCH':
      return { kind: 'update', ...base, ...bodyOf(request), defaults, ...rows() };
    case 'DELETE':
      return { kind: 'delete', ...base, ...rows() };
  }
}

/** Run twice, it leaves the same rows: each has its whole key in the body, and one that is there is overwritten. */
export function isRepeatable(plan: MutationPlan): boolean {
  if (plan.kind !== 'insert' || plan.conflict?.resolution !== 'merge' || plan.defaults) return false;
  const { columns } = plan.conflict;
  return columns.length > 0 && columns.every((column) => plan.fields.some(({ name }) => name === column));
}

function filtersKey(query: Query, primaryKey: readonly string[]): boolean {
  return (
    query.logic.length === 0 &&
    primaryKey.length > 0 &&
    query.filterNames.size === primaryKey.length &&
    primaryKey.every((column) => query.filterNames.has(column)) &&
    query.filters.every(
      ({ path, value: { not, operation } }) =>
        path.length > 0 ||
        (!not && operation.kind === 'quantified' && operation.operator === 'eq' && operation.quantifier === undefined),
    )
  );
}

function bodyOf({ cache, table, query, body }: MutationRequest): { body: JsonBody; fields: readonly BodyField[] } {
  if (body?.kind !== 'json') return { body: { text: '[]', isObject: false }, fields: [] };
  const keys = body.keys ?? new Set(query.columns ?? []);
  return { body, fields: [...keys].map((key) => bodyField(cache, table, key)) };
}

function bodyField(cache: SchemaCache, table: Table, key: string): BodyField {
  const column = table.columns.get(key);
  if (column === undefined) throw columnNotFound(key, table.name);
  const transform = cache.representations.get(representationKey('json', column.type))?.function;
  return {
    name: key,
    type: transform === undefined ? column.type : 'json',
    transform,
    default: column.default,
  };
}

function returningOf({ method, preferences, table, read }: MutationRequest): readonly string[] {
  switch (preferences.representation) {
    case undefined:
    case 'minimal':
      return [];
    case 'headers-only':
      return method === 'POST' ? table.primaryKey : [];
    case 'representation': {
      // Nothing selected is read as everything.
      if (read.columns.length === 0 && read.children.length === 0) return ['*'];
      const ordered = read.order.flatMap(({ embedAlias, field }) => (embedAlias === undefined ? [field.name] : []));
      const key = method === 'POST' ? table.primaryKey : [];
      const names = [...read.columns.map(({ field }) => field.name), ...neededForEmbedding(read), ...ordered, ...key];
      return names.includes('*') ? ['*'] : [...new Set(names)];
    }
  }
}

function limited({ cache, table, query }: MutationRequest): Omit<RowsToChange, 'where'> {
  const range = query.ranges.find(({ path }) => path.length === 0)?.value ?? allRows;
  if (range.limit === undefined && range.offset === 0) return { order: [], range: allRows, keyColumns: [] };
  const resolver = fieldResolver(cache, table);
  const terms = query.order.find(({ path }) => path.length === 0)?.value ?? [];
  const order = terms.flatMap(({ relation, field, direction, nulls }) =>
    relation === undefined ? [{ embedAlias: undefined, field: resolver.ordered(field), direction, nulls }] : [],
  );
  return { order, range, keyColumns: table.isView ? table.primaryKey : [] };
}
