import { setImmediate as turn } from 'node:timers/promises';
import type { Database, StatementResult } from '@holdfast/postgres';
import type { RestSettings } from '../settings.js';
import { groupBy } from './group-by.js';
import {
  type ColumnRow,
  type ComputedRelationshipRow,
  type ConstraintRow,
  columnsStatement,
  computedRelationshipsStatement,
  constraintsStatement,
  emptySearchPath,
  type MediaHandlerRow,
  mediaHandlersStatement,
  type RepresentationRow,
  type RoutineRow,
  representationsStatement,
  routinesStatement,
  type SchemaRow,
  schemasStatement,
  type TableRow,
  tablesStatement,
  timeZonesStatement,
  type ViewRow,
  viewsStatement,
} from './introspection-sql.js';
import { deriveRelationships } from './relationships.js';
import { readRoutine, sortOverloads } from './routines.js';
import {
  type CustomMediaHandler,
  type DataRepresentation,
  nameKey,
  type Routine,
  representationKey,
  type SchemaCache,
  type Table,
} from './types.js';
import { readViewOrigins, traceViewColumns } from './view-columns.js';
import { findViewKeys, type ViewKey } from './view-keys.js';

/**
 * Reads the catalogs in one transaction of one round trip. `known` saves what cannot have changed since it was read. Rejects as the database does.
 */
export async function loadSchemaCache(
  database: Database,
  settings: Pick<RestSettings, 'schemas' | 'extraSearchPath' | 'hoistedSettings'>,
  signal: AbortSignal,
  known?: Pick<SchemaCache, 'timeZones'>,
): Promise<SchemaCache> {
  const { schemas } = settings;
  const viewSchemas = [...new Set([...schemas, ...settings.extraSearchPath])];
  const options = { access: 'read only', isolation: 'repeatable read', repeatable: true } as const;
  // Time zones are slow to list and hang on nothing else, so they are asked for on another connection.
  const timeZones = known?.timeZones ?? readTimeZones(database.pipeline([timeZonesStatement()], options, signal));
  const [results, zones] = await Promise.all([
    database.pipeline(
      [
        emptySearchPath,
        tablesStatement(schemas),
        columnsStatement(schemas),
        constraintsStatement(),
        viewsStatement(viewSchemas),
        computedRelationshipsStatement(),
        routinesStatement(schemas),
        representationsStatement(),
        mediaHandlersStatement(schemas),
        schemasStatement(schemas),
      ],
      options,
      signal,
    ),
    timeZones,
  ]);
  const constraints = rowsOf<ConstraintRow>(results[3]);
  const tableRows = rowsOf<TableRow>(results[1]);
  // Of thousands of views each step takes tenths of a second, and requests should not wait for all of them together.
  await turn();
  const columnRows = groupBy(rowsOf<ColumnRow>(results[2]), ({ tableId }) => tableId);
  const viewKeys = findKeysOfViews(tableRows, columnRows, rowsOf<ViewRow>(results[4]), constraints);
  await turn();
  const primaryKeys = readPrimaryKeys(constraints, viewKeys);
  const tables = new Map(
    tableRows.map((row) => [nameKey(row), readTable(row, columnRows.get(row.id) ?? [], primaryKeys.get(row.id) ?? [])]),
  );
  return {
    tables,
    relationships: deriveRelationships(
      constraints,
      viewKeys,
      rowsOf<ComputedRelationshipRow>(results[5]),
      tables,
      schemas,
    ),
    routines: groupRoutines(rowsOf<RoutineRow>(results[6]).map((row) => readRoutine(row, settings.hoistedSettings))),
    representations: new Map(
      rowsOf<RepresentationRow>(results[7]).map((row) => [
        representationKey(row.source, row.target),
        readRepresentation(row),
      ]),
    ),
    mediaHandlers: rowsOf<MediaHandlerRow>(results[8]).map(readMediaHandler),
    schemaDescriptions: new Map(
      rowsOf<SchemaRow>(results[9]).flatMap(({ name, description }) =>
        description === null ? [] : [[name, description]],
      ),
    ),
    timeZones: zones,
  };
}

async function readTimeZones(asked: Promise<readonly StatementResult[]>): Promise<ReadonlySet<string>> {
  const [result] = await asked;
  return new Set(rowsOf<{ readonly name: string }>(result).map(({ name }) => name));
}

/** Our own statements made this JSON. */
function rowsOf<Row>(result: StatementResult | undefined): readonly Row[] {
  return JSON.parse(result?.rows[0]?.[0] ?? '[]') as readonly Row[];
}

function findKeysOfViews(
  tableRows: readonly TableRow[],
  columnRows: ReadonlyMap<number, readonly ColumnRow[]>,
  viewRows: readonly ViewRow[],
  constraints: readonly ConstraintRow[],
): readonly ViewKey[] {
  const views = viewRows.map(({ id, definition }) => ({ id, origins: readViewOrigins(definition) }));
  const exposed = tableRows
    .filter(({ isView }) => isView)
    .map(({ id, schema, name }) => ({
      id,
      name: { schema, name },
      columns: new Map((columnRows.get(id) ?? []).map((column) => [column.number, column.name])),
    }));
  return findViewKeys(exposed, traceViewColumns(views), constraints);
}

/** By the id of the table, or of the view: there each column of the key under the first of its names. */
function readPrimaryKeys(
  constraints: readonly ConstraintRow[],
  viewKeys: readonly ViewKey[],
): ReadonlyMap<number, readonly string[]> {
  const keys = new Map<number, readonly string[]>();
  for (const { kind, tableId, columns } of constraints) if (kind === 'p') keys.set(tableId, columns);
  for (const { use, viewId, columns } of viewKeys) {
    if (use !== 'primary') continue;
    keys.set(viewId, [...(keys.get(viewId) ?? []), ...columns.flatMap((names) => names.slice(0, 1))]);
  }
  return keys;
}

function readTable(row: TableRow, columns: readonly ColumnRow[], primaryKey: readonly string[]): Table {
  return {
    schema: row.schema,
    name: row.name,
    description: row.description,
    isView: row.isView,
    insertable: (row.writable & 8) !== 0,
    updatable: (row.writable & 4) !== 0,
    deletable: (row.writable & 16) !== 0,
    primaryKey,
    columns: new Map(
      columns.map(({ tableId: _table, number: _number, enumLabels, ...column }) => [
        column.name,
        { ...column, enumLabels: enumLabels ?? [] },
      ]),
    ),
  };
}

function groupRoutines(routines: readonly Routine[]): ReadonlyMap<string, readonly Routine[]> {
  const groups = groupBy(routines, nameKey);
  return new Map([...groups].map(([key, overloads]) => [key, sortOverloads(overloads)]));
}

function readRepresentation({ source, target, schema, name }: RepresentationRow): DataRepresentation {
  return { sourceType: source, targetType: target, function: { schema, name } };
}

function readMediaHandler(row: MediaHandlerRow): CustomMediaHandler {
  return {
    kind: row.kind,
    function: { schema: row.schema, name: row.name },
    target:
      row.targetSchema === 'pg_catalog' && row.targetName === 'anyelement'
        ? null
        : { schema: row.targetSchema, name: row.targetName },
    mediaType: row.mediaType,
    isAny: row.mediaType === '*/*',
  };
}
