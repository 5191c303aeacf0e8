import type { PlannedColumn, PlannedField, PlannedLogic, PlannedOrder, ReadNode } from '../plan/read-plan.js';
import type { Aggregate, RowRange } from '../request/query.js';
import { fieldSql, logicSql } from './field-sql.js';
import { name, type Parameters, qualified } from './sql-text.js';

/** The CTE that a mutation's or a call's rows come from. */
export const sourceName = 'pgrst_source';

export interface ReadSqlOptions {
  /** Embedded resources as jsonb: their rows are given to an aggregate that prints them. */
  readonly binaryJson: boolean;
}

/** One column of a level's SELECT. Those of a spread resource stand in its parent's, where their aggregate is applied. */
interface Output {
  readonly sql: string;
  readonly label: string | undefined;
  readonly aggregate: Aggregate | undefined;
  readonly cast: string | undefined;
  readonly isJson: boolean;
}

/** The SELECT of a level with everything embedded in it. */
export function readSql(root: ReadNode, parameters: Parameters, options: ReadSqlOptions): string {
  return selectSql(root, outputsOf(root), parameters, options, true);
}

function selectSql(
  node: ReadNode,
  outputs: readonly Output[],
  parameters: Parameters,
  options: ReadSqlOptions,
  apply: boolean,
): string {
  const grouped = apply && outputs.some(({ aggregate }) => aggregate !== undefined);
  const binary = grouped || options.binaryJson;
  const list = outputs.map((output) => outputSql(output, apply, binary));
  // Parameters are numbered as they are written, so that equal requests make equal texts.
  const joins = node.children.map((child) => joinSql(child, parameters, options)).join('');
  const where = whereSql(node, parameters);
  const groups = grouped
    ? outputs.flatMap(({ aggregate }, at) => (aggregate === undefined ? [String(at + 1)] : []))
    : [];
  return [
    `SELECT ${list.length === 0 ? `${name(node.rowAlias)}.*` : list.join(', ')} FROM ${fromSql(node)}${joins}`,
    where,
    groups.length === 0 ? '' : ` GROUP BY ${groups.join(', ')}`,
    orderSql(node.rowAlias, node.order),
    rangeSql(node.range, parameters),
  ].join('');
}

function outputSql({ sql, label, aggregate, cast, isJson }: Output, apply: boolean, binary: boolean): string {
  if (label === undefined) return sql;
  let value = isJson && binary ? `${sql}::jsonb` : sql;
  if (apply && aggregate !== undefined) {
    value = `${aggregate}(${value})`;
    if (cast !== undefined) value = castSql(value, cast);
  }
  return `${value} AS ${name(label)}`;
}

/** The parser lets nothing but letters, digits, `_`, `$` and blanks through; quoted, `int` would be another type. */
function castSql(value: string, type: string): string {
  return `CAST(${value} AS ${type})`;
}

function outputsOf(node: ReadNode): readonly Output[] {
  const own = node.columns.map((column) => columnOutput(node, column));
  return [...own, ...node.children.flatMap((child) => embeddedOutputs(child))];
}

function columnOutput(node: ReadNode, { field, cast, aggregate, aggregateCast, label }: PlannedColumn): Output {
  const sql = aggregate !== undefined && isStar(field) ? rowCount(node) : columnSql(node.rowAlias, field, cast);
  return { sql, label, aggregate, cast: aggregateCast, isJson: false };
}

function columnSql(alias: string, field: PlannedField, cast: string | undefined): string {
  const plain = fieldSql(alias, field);
  const shown = field.transform === undefined ? plain : `${qualified(field.transform)}(${plain})`;
  return cast === undefined ? shown : castSql(shown, cast);
}

/** What `count()` counts: rows; hoisted out of a spread resource, those that were found. */
function rowCount(node: ReadNode): string {
  return node.spread ? name(node.rowAlias) : '*';
}

function isStar(field: PlannedField): boolean {
  return field.name === '*' && field.path.length === 0;
}

function embeddedOutputs(child: ReadNode): readonly Output[] {
  const alias = name(child.embedAlias);
  if (!child.spread) {
    if (isEmpty(child)) return [];
    const sql = child.isToOne ? `row_to_json(${alias}.*)` : `COALESCE(${alias}."body", '[]')`;
    return [{ sql, label: child.label, aggregate: undefined, cast: undefined, isJson: true }];
  }
  return innerOutputs(child).map(({ inner, output }) => {
    if (output.label === undefined || inner === undefined) return { ...output, sql: `${alias}.*` };
    const sql = `${alias}.${name(inner)}`;
    if (child.isToOne) return { ...output, sql };
    return { ...output, sql: `COALESCE(${sql}, '[]')`, isJson: true };
  });
}

/** Columns of a spread resource as its lateral join names them: aggregates come in twos under one label. */
function innerOutputs(child: ReadNode): readonly { readonly inner: string | undefined; readonly output: Output }[] {
  return outputsOf(child).map((output, at) => ({
    inner: output.aggregate === undefined ? output.label : `pgrst_${at}`,
    output,
  }));
}

/** Nothing is selected in it nor below it, so that it does not show. */
function isEmpty(node: ReadNode): boolean {
  return node.columns.length === 0 && node.children.every(isEmpty);
}

function joinSql(child: ReadNode, parameters: Parameters, options: ReadSqlOptions): string {
  const alias = name(child.embedAlias);
  const join = ` ${child.inner ? 'INNER' : 'LEFT'} JOIN LATERAL (`;
  if (child.spread) {
    const inner = innerOutputs(child);
    const outputs = inner.map(({ inner: label, output }) => ({ ...output, label }));
    const rows = selectSql(child, outputs, parameters, options, false);
    if (child.isToOne) return `${join}${rows}) AS ${alias} ON TRUE`;
    const lists = outputs.flatMap(({ label }) =>
      label === undefined ? [] : [`json_agg(${alias}.${name(label)}) AS ${name(label)}`],
    );
    // Without rows there is no row here either, so that the join can tell.
    const list = lists.length === 0 ? 'TRUE AS "body"' : lists.join(', ');
    return `${join}SELECT ${list} FROM (${rows}) AS ${alias} HAVING count(*) > 0) AS ${alias} ON TRUE`;
  }
  const rows = selectSql(child, outputsOf(child), parameters, options, true);
  if (child.isToOne) return `${join}${rows}) AS ${alias} ON TRUE`;
  const condition = child.inner ? `${alias}."body" IS NOT NULL` : 'TRUE';
  return `${join}SELECT json_agg(${alias}) AS "body" FROM (${rows}) AS ${alias}) AS ${alias} ON ${condition}`;
}

export function fromSql(node: ReadNode): string {
  const alias = name(node.rowAlias);
  const { from, relationship } = node;
  if (from.kind === 'source') return `${sourceName} AS ${alias}`;
  if (from.kind === 'table' || relationship === undefined) return `${qualified(node.table)} AS ${alias}`;
  switch (relationship.kind) {
    case 'key':
      return `${qualified(node.table)} AS ${alias}`;
    case 'junction':
      return `${qualified(node.table)} AS ${alias}, ${qualified(relationship.junction.table)} AS ${name(from.junctionAlias)}`;
    case 'computed':
      // The rows of a mutation or a call are records, from which overloads could not be told apart.
      return `${qualified(relationship.function)}(${name(from.parentAlias)}::${qualified(relationship.source)}) AS ${alias}`;
  }
}

export function joinConditions({ from, relationship, rowAlias }: ReadNode): readonly string[] {
  if (from.kind !== 'related' || relationship === undefined) return [];
  const column = (alias: string, own: string) => `${name(alias)}.${name(own)}`;
  switch (relationship.kind) {
    case 'key':
      return relationship.columns.map(
        ({ source, target }) => `${column(rowAlias, target)} = ${column(from.parentAlias, source)}`,
      );
    case 'junction': {
      const { sourceColumns, targetColumns } = relationship.junction;
      return [
        ...targetColumns.map(
          ({ target, junction }) => `${column(from.junctionAlias, junction)} = ${column(rowAlias, target)}`,
        ),
        ...sourceColumns.map(
          ({ source, junction }) => `${column(from.junctionAlias, junction)} = ${column(from.parentAlias, source)}`,
        ),
      ];
    }
    case 'computed':
      return [];
  }
}

function whereSql(node: ReadNode, parameters: Parameters): string {
  const conditions = [
    ...node.where.map((logic) => logicSql(node.rowAlias, logic, parameters, embeddedSql)),
    ...joinConditions(node),
  ];
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

function embeddedSql({ child, present }: Extract<PlannedLogic, { kind: 'embedded' }>): string {
  const alias = name(child.embedAlias);
  if (!child.isToOne && !child.spread) return `${alias}."body" IS ${present ? 'NOT NULL' : 'NULL'}`;
  // A row of nulls is one nevertheless.
  return `${alias} IS ${present ? 'DISTINCT' : 'NOT DISTINCT'} FROM NULL`;
}

export function orderSql(alias: string, order: readonly PlannedOrder[]): string {
  if (order.length === 0) return '';
  const terms = order.map(({ embedAlias, field, direction, nulls }) => {
    const way = direction === undefined ? '' : ` ${direction === 'asc' ? 'ASC' : 'DESC'}`;
    const rest = nulls === undefined ? '' : ` NULLS ${nulls === 'first' ? 'FIRST' : 'LAST'}`;
    return `${fieldSql(embedAlias ?? alias, field)}${way}${rest}`;
  });
  return ` ORDER BY ${terms.join(', ')}`;
}

/**
 * The limit stands in the text: the planner takes a tenth of the table for one that it does not see, finds that worse than planning anew with the
 * value, and so plans at each use of a prepared statement. Clients use few limits, but any offset.
 */
export function rangeSql({ offset, limit }: RowRange, parameters: Parameters): string {
  const most = limit === undefined ? '' : ` LIMIT ${limit}`;
  return offset === 0 ? most : `${most} OFFSET ${parameters.add(String(offset))}`;
}

/**
 * The rows that there would be without a limit, as a SELECT of ones. Inner joins and filters on embedded resources become EXISTS, which the planner
 * estimates as it does for PostgREST.
 */
export function countSql(node: ReadNode, parameters: Parameters): string {
  const exists = (child: ReadNode) => `EXISTS (${countSql(child, parameters)})`;
  const conditions = [
    ...node.where.map((logic) =>
      logicSql(node.rowAlias, logic, parameters, ({ child, present }) => `${present ? '' : 'NOT '}${exists(child)}`),
    ),
    ...joinConditions(node),
    ...node.children.filter(({ inner }) => inner).map(exists),
  ];
  return `SELECT 1 FROM ${fromSql(node)}${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`}`;
}
