import { groupBy } from './group-by.js';
import type { ComputedRelationshipRow, ConstraintRow } from './introspection-sql.js';
import {
  type ColumnPair,
  type ComputedRelationship,
  type JunctionRelationship,
  type KeyRelationship,
  nameKey,
  type QualifiedName,
  type Relationship,
  type Table,
} from './types.js';
import type { ViewKey } from './view-keys.js';

interface ForeignKey {
  readonly name: string;
  readonly source: QualifiedName;
  readonly target: QualifiedName;
  readonly sourceId: number;
  readonly targetId: number;
  readonly columns: readonly ColumnPair[];
  readonly isUnique: boolean;
}

/**
 * All relationships from exposed schemas into exposed schemas, by the `nameKey` of their source, in a stable order: from foreign keys in both
 * directions, from the same keys seen through views, over junction tables, and from functions on a row, which replace a found one of the same name.
 */
export function deriveRelationships(
  constraints: readonly ConstraintRow[],
  viewKeys: readonly ViewKey[],
  computed: readonly ComputedRelationshipRow[],
  tables: ReadonlyMap<string, Table>,
  schemas: readonly string[],
): ReadonlyMap<string, readonly Relationship[]> {
  const exposed = new Set(schemas);
  const viewKeysByUse = groupBy(viewKeys, useKey);
  const holding = foreignKeys(constraints).flatMap((key) => [direct(key), ...throughViews(key, viewKeysByUse)]);
  const found: Relationship[] = [...holding, ...holding.map(inverse), ...overJunctions(holding, tables)];
  const functions = computed.map(computedRelationship);
  const replaced = new Set(functions.map((relationship) => pairKey(relationship.source, relationship.function)));
  const all = [
    ...found.filter((relationship) => !replaced.has(pairKey(relationship.source, relationship.target))),
    ...functions,
  ].filter((relationship) => isExposed(relationship, exposed));
  const bySource = groupBy(all, ({ source }) => nameKey(source));
  return new Map([...bySource].map(([key, list]) => [key, sortRelationships(list)]));
}

function isExposed(relationship: Relationship, exposed: ReadonlySet<string>): boolean {
  if (!exposed.has(relationship.source.schema) || !exposed.has(relationship.target.schema)) return false;
  return relationship.kind !== 'junction' || exposed.has(relationship.junction.table.schema);
}

function pairKey(source: QualifiedName, target: QualifiedName): string {
  return `${nameKey(source)}\0${nameKey(target)}`;
}

function isSame(left: QualifiedName, right: QualifiedName): boolean {
  return left.schema === right.schema && left.name === right.name;
}

function foreignKeys(constraints: readonly ConstraintRow[]): readonly ForeignKey[] {
  const uniques = new Map<number, Set<string>>();
  for (const { kind, tableId, columns } of constraints) {
    if (kind === 'f') continue;
    const sets = uniques.get(tableId) ?? new Set();
    uniques.set(tableId, sets.add([...columns].sort().join('\0')));
  }
  return constraints.flatMap((row) => {
    const { foreignId, foreignSchema, foreignTable, foreignColumns } = row;
    if (row.kind !== 'f' || foreignId === null || foreignSchema === null || foreignTable === null) return [];
    return [
      {
        name: row.name,
        source: { schema: row.schema, name: row.table },
        target: { schema: foreignSchema, name: foreignTable },
        sourceId: row.tableId,
        targetId: foreignId,
        columns: row.columns.map((source, index) => ({ source, target: foreignColumns?.[index] ?? '' })),
        isUnique: uniques.get(row.tableId)?.has([...row.columns].sort().join('\0')) ?? false,
      },
    ];
  });
}

function direct(key: ForeignKey): KeyRelationship {
  return {
    kind: 'key',
    cardinality: key.isUnique ? 'one-to-one' : 'many-to-one',
    sourceHoldsKey: true,
    constraint: key.name,
    columns: key.columns,
    source: key.source,
    target: key.target,
    isSelf: isSame(key.source, key.target),
    sourceIsView: false,
    targetIsView: false,
  };
}

function useKey(key: Pick<ViewKey, 'use' | 'tableId' | 'constraint' | 'constraintTableId'>): string {
  return `${key.use} ${key.tableId} ${key.constraintTableId} ${key.constraint}`;
}

/** A view may show a key's column more than once, under different names: each combination is a relationship of its own. */
function throughViews(key: ForeignKey, viewKeys: ReadonlyMap<string, readonly ViewKey[]>): readonly KeyRelationship[] {
  const common = { constraint: key.name, constraintTableId: key.sourceId };
  const sources = viewKeys.get(useKey({ ...common, use: 'foreign', tableId: key.sourceId })) ?? [];
  const targets = viewKeys.get(useKey({ ...common, use: 'referenced', tableId: key.targetId })) ?? [];
  const base = direct(key);
  const sourceSides = sources.flatMap(({ view, columns }) => choices(columns).map((names) => ({ view, names })));
  const targetSides = targets.flatMap(({ view, columns }) => choices(columns).map((names) => ({ view, names })));
  return [
    ...sourceSides.map(({ view, names }) => ({
      ...base,
      source: view,
      isSelf: false,
      sourceIsView: true,
      columns: pairs(
        names,
        key.columns.map(({ target }) => target),
      ),
    })),
    ...targetSides.map(({ view, names }) => ({
      ...base,
      target: view,
      isSelf: false,
      targetIsView: true,
      columns: pairs(
        key.columns.map(({ source }) => source),
        names,
      ),
    })),
    ...sourceSides.flatMap((from) =>
      targetSides.map((to) => ({
        ...base,
        source: from.view,
        target: to.view,
        isSelf: isSame(from.view, to.view),
        sourceIsView: true,
        targetIsView: true,
        columns: pairs(from.names, to.names),
      })),
    ),
  ];
}

/** More combinations than this come from a view that nobody embeds by hints. */
const mostChoices = 64;

function choices(columns: readonly (readonly string[])[]): readonly (readonly string[])[] {
  let result: string[][] = [[]];
  for (const names of columns) {
    result = result.flatMap((chosen) => names.map((name) => [...chosen, name])).slice(0, mostChoices);
  }
  return result;
}

function pairs(sources: readonly string[], targets: readonly string[]): readonly ColumnPair[] {
  return sources.map((source, index) => ({ source, target: targets[index] ?? '' }));
}

function inverse(relationship: KeyRelationship): KeyRelationship {
  return {
    ...relationship,
    cardinality: relationship.cardinality === 'one-to-one' ? 'one-to-one' : 'one-to-many',
    sourceHoldsKey: false,
    columns: relationship.columns.map(({ source, target }) => ({ source: target, target: source })),
    source: relationship.target,
    target: relationship.source,
    sourceIsView: relationship.targetIsView,
    targetIsView: relationship.sourceIsView,
  };
}

/** A table is a junction of two others where its primary key holds the columns of two many-to-one keys. */
function overJunctions(
  holding: readonly KeyRelationship[],
  tables: ReadonlyMap<string, Table>,
): readonly JunctionRelationship[] {
  const manyToOne = holding.filter(({ cardinality }) => cardinality === 'many-to-one');
  const byTable = groupBy(manyToOne, ({ source }) => nameKey(source));
  return [...byTable].flatMap(([key, relationships]) => {
    const primaryKey = new Set(tables.get(key)?.primaryKey ?? []);
    const inKey = relationships.filter(({ columns }) => columns.every(({ source }) => primaryKey.has(source)));
    return inKey.flatMap((first) =>
      inKey.filter((second) => second.constraint !== first.constraint).map((second) => junction(first, second)),
    );
  });
}

function junction(toSource: KeyRelationship, toTarget: KeyRelationship): JunctionRelationship {
  return {
    kind: 'junction',
    cardinality: 'many-to-many',
    source: toSource.target,
    target: toTarget.target,
    isSelf: isSame(toSource.target, toTarget.target),
    sourceIsView: toSource.targetIsView,
    targetIsView: toTarget.targetIsView,
    junction: {
      table: toSource.source,
      sourceConstraint: toSource.constraint,
      targetConstraint: toTarget.constraint,
      sourceColumns: toSource.columns.map((pair) => ({ source: pair.target, junction: pair.source })),
      targetColumns: toTarget.columns.map((pair) => ({ target: pair.target, junction: pair.source })),
    },
  };
}

function computedRelationship(row: ComputedRelationshipRow): ComputedRelationship {
  const source = { schema: row.sourceSchema, name: row.sourceName };
  const target = { schema: row.targetSchema, name: row.targetName };
  return {
    kind: 'computed',
    cardinality: row.isToOne ? 'many-to-one' : 'one-to-many',
    function: { schema: row.schema, name: row.name },
    source,
    target,
    isSelf: isSame(source, target),
  };
}

const order = ['one-to-many', 'many-to-one', 'one-to-one', 'many-to-many'];

/** The order in which PostgREST lists candidates: target, cardinality, then constraint. */
function sortRelationships(list: readonly Relationship[]): readonly Relationship[] {
  return list
    .map((relationship) => ({ relationship, key: sortKey(relationship) }))
    .sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0))
    .map(({ relationship }) => relationship);
}

/** \x01 sorts before whatever a name may hold, so that a name comes before its longer versions. */
function sortKey(relationship: Relationship): string {
  return [
    relationship.kind === 'computed' ? '1' : '0',
    nameKey(relationship.target),
    relationship.isSelf ? '1' : '0',
    String(order.indexOf(relationship.cardinality)),
    ...detailKeys(relationship),
  ].join('\x01');
}

function detailKeys(relationship: Relationship): readonly string[] {
  if (relationship.kind === 'computed') return [nameKey(relationship.function)];
  if (relationship.kind === 'key') {
    return [relationship.constraint, ...relationship.columns.map(({ source, target }) => `${source}\0${target}`)];
  }
  const { table, sourceConstraint, targetConstraint } = relationship.junction;
  return [nameKey(table), sourceConstraint, targetConstraint];
}
