import { aggregatesNotAllowed, notEmbedded, notImplemented, relatedOrderNotToOne } from '../errors/request-errors.js';
import type {
  AtPath,
  Filter,
  Logic,
  OrderTerm,
  Query,
  RowRange,
  SelectItem,
  SelectRelation,
} from '../request/query.js';
import { allRows, restrictRows } from '../request/row-range.js';
import { findRelationship } from '../schema-cache/find-relationship.js';
import { isToOne, type QualifiedName, type Relationship, type SchemaCache } from '../schema-cache/types.js';
import type { PlannedColumn, PlannedLogic, PlannedOrder, ReadNode, Source } from './read-plan.js';
import { type FieldResolver, fieldResolver, labelOf } from './resolve-field.js';

export interface ReadRequest {
  readonly cache: SchemaCache;
  readonly table: QualifiedName;
  readonly query: Query;
  /** `source`: the rows come from the CTE of a mutation or a call. */
  readonly from: 'table' | 'source';
  /** Filters of the root belong to a mutation and are not applied to what it returned. */
  readonly rootFilters: boolean;
  readonly rootRange: RowRange;
  /** Applies to every level; null: no limit. */
  readonly maxRows: number | null;
  readonly aggregatesEnabled: boolean;
}

type Draft = { -readonly [K in keyof Omit<ReadNode, 'children' | 'where'>]: ReadNode[K] } & {
  children: Draft[];
  where: PlannedLogic[];
  resolver: FieldResolver;
  items: readonly SelectItem[];
};

type Start = Omit<Draft, 'isToOne' | 'columns' | 'children' | 'where' | 'order' | 'range' | 'resolver'>;

/** Resolves embedded resources and fields. Throws PGRST108, 118, 123, 127, 200 and 201. */
export function planRead(request: ReadRequest): ReadNode {
  return new ReadPlanner(request).plan();
}

class ReadPlanner {
  readonly #request: ReadRequest;
  /** Taken aliases. A table may have the very name that an alias would get. */
  readonly #aliases = new Set<string>();

  constructor(request: ReadRequest) {
    this.#request = request;
  }

  plan(): ReadNode {
    const { table, from, query, rootRange, maxRows } = this.#request;
    this.#aliases.add(table.name);
    const root = this.#draft({
      depth: 0,
      name: table.name,
      label: table.name,
      table,
      from: { kind: from },
      rowAlias: table.name,
      embedAlias: '',
      relationship: undefined,
      inner: false,
      spread: false,
      items: query.select,
    });
    this.#addChildren(root);
    root.range = rootRange;
    for (const { path, value } of query.ranges) {
      if (path.length > 0) nodeAt(root, path).range = value;
    }
    for (const { path, value } of query.filters) {
      if (path.length > 0 || this.#request.rootFilters) addFilter(nodeAt(root, path), value);
    }
    for (const { path, value } of query.logic) {
      const node = nodeAt(root, path);
      if (path.length > 0 || this.#request.rootFilters) node.where.push(planLogic(node, value));
    }
    this.#judgeAggregates(root);
    this.#addColumns(root, false);
    for (const order of query.order) addOrder(root, order);
    refuseSpreadAggregates(root);
    restrict(root, maxRows);
    return root;
  }

  #draft(start: Start): Draft {
    const { depth, name, label, table, from, rowAlias, embedAlias, relationship, inner, spread, items } = start;
    return {
      depth,
      name,
      label,
      table,
      from,
      rowAlias,
      embedAlias,
      relationship,
      isToOne: relationship !== undefined && isToOne(relationship),
      inner,
      spread,
      items,
      columns: [],
      children: [],
      where: [],
      order: [],
      range: allRows,
      resolver: fieldResolver(this.#request.cache, table),
    };
  }

  #addChildren(parent: Draft): void {
    for (const item of parent.items) {
      if (item.kind !== 'relation') continue;
      const child = this.#child(parent, item);
      parent.children.push(child);
      this.#addChildren(child);
    }
  }

  #child(parent: Draft, item: SelectRelation): Draft {
    const { cache, table } = this.#request;
    const source = { schema: table.schema, name: parent.table.name };
    const relationship = findRelationship(cache, source, item.name, item.hint);
    const depth = parent.depth + 1;
    const label = item.alias ?? item.name;
    const from: Source = {
      kind: 'related',
      parentAlias: parent.rowAlias,
      junctionAlias: relationship.kind === 'junction' ? this.#alias(relationship.junction.table.name, depth) : '',
    };
    return this.#draft({
      depth,
      name: item.name,
      label,
      table: relationship.target,
      from,
      rowAlias: this.#alias(relationship.target.name, depth),
      embedAlias: this.#alias(`pgrst_${label}`, depth),
      relationship,
      inner: item.join === 'inner',
      spread: item.spread,
      items: item.items,
    });
  }

  /** Short enough that PostgreSQL does not cut it. */
  #alias(name: string, depth: number): string {
    const short = Buffer.byteLength(name) > 48 ? [...name].slice(0, 12).join('') : name;
    let alias = `${short}_${depth}`;
    for (let again = 2; this.#aliases.has(alias); again++) alias = `${short}_${depth}_${again}`;
    this.#aliases.add(alias);
    return alias;
  }

  #judgeAggregates(node: Draft): void {
    if (this.#request.aggregatesEnabled) return;
    if (node.items.some((item) => item.kind === 'field' && item.aggregate !== undefined)) throw aggregatesNotAllowed();
    for (const child of node.children) this.#judgeAggregates(child);
  }

  /** @param expand Stars must become names, since what is around handles columns one by one. */
  #addColumns(node: Draft, expand: boolean): void {
    const aggregates = hasAggregates(node);
    const byName = expand || aggregates || (node.spread && !node.isToOne);
    node.columns = plannedColumns(node, byName);
    for (const child of node.children) this.#addColumns(child, byName);
  }
}

/** Parsed selects are kept and so the same objects come again, with the same resolver as long as the schema cache stays. */
const planned = new WeakMap<FieldResolver, WeakMap<readonly SelectItem[], (readonly PlannedColumn[])[]>>();

function plannedColumns(node: Draft, byName: boolean): readonly PlannedColumn[] {
  let ofTable = planned.get(node.resolver);
  if (ofTable === undefined) {
    ofTable = new WeakMap();
    planned.set(node.resolver, ofTable);
  }
  let variants = ofTable.get(node.items);
  if (variants === undefined) {
    variants = [];
    ofTable.set(node.items, variants);
  }
  const at = byName ? 1 : 0;
  const known = variants[at];
  if (known !== undefined) return known;
  const columns = node.items.flatMap((item) => (item.kind === 'field' ? columnsOf(item, node, byName) : []));
  variants[at] = columns;
  return columns;
}

function columnsOf(
  item: Extract<SelectItem, { kind: 'field' }>,
  { resolver }: Draft,
  expand: boolean,
): readonly PlannedColumn[] {
  const { field, cast, aggregate, aggregateCast } = item;
  const isStar = field.name === '*' && field.path.length === 0;
  if (isStar && aggregate === undefined) {
    if (resolver.table !== undefined && (expand || resolver.hasRepresentations)) {
      return [...resolver.table.columns.keys()].map((name) => ({
        field: resolver.selected({ name, path: [] }),
        cast: undefined,
        aggregate: undefined,
        aggregateCast: undefined,
        label: name,
      }));
    }
    const star = { name: '*', path: [], convert: false, transform: undefined, toTextSearch: false };
    return [{ field: star, cast: undefined, aggregate: undefined, aggregateCast: undefined, label: undefined }];
  }
  const selected = resolver.selected(field);
  const label = item.alias ?? aggregate ?? labelOf(field);
  const kept = field.path.length === 0 ? selected : { ...selected, transform: undefined };
  return [{ field: kept, cast, aggregate, aggregateCast, label }];
}

function childAt(node: Draft, name: string): Draft | undefined {
  return node.children.find((child) => child.name === name || child.label === name);
}

function nodeAt(root: Draft, path: readonly string[]): Draft {
  let node = root;
  for (const name of path) {
    const child = childAt(node, name);
    if (child === undefined) throw notEmbedded(name);
    node = child;
  }
  return node;
}

function addFilter(node: Draft, filter: Filter): void {
  node.where.push(planFilter(node, filter));
}

function planFilter(node: Draft, { field, not, operation }: Filter): PlannedLogic {
  if (operation.kind === 'is' && operation.what === 'null' && field.path.length === 0 && node.children.length > 0) {
    const child = node.children.find(({ label }) => label === field.name);
    if (child !== undefined) return { kind: 'embedded', child, present: not };
  }
  return { kind: 'filter', not, field: node.resolver.filtered(field, operation), operation };
}

function planLogic(node: Draft, logic: Logic): PlannedLogic {
  if (logic.kind === 'filter') return planFilter(node, logic.filter);
  return { ...logic, members: logic.members.map((member) => planLogic(node, member)) };
}

function addOrder(root: Draft, { path, value }: AtPath<readonly OrderTerm[]>): void {
  const node = nodeAt(root, path);
  node.order = value.map((term) => planOrder(node, term));
}

function planOrder(node: Draft, { relation, field, direction, nulls }: OrderTerm): PlannedOrder {
  if (relation === undefined) {
    return { embedAlias: undefined, field: node.resolver.ordered(field), direction, nulls };
  }
  const child = node.children.find(({ label }) => label === relation);
  if (child === undefined) throw notEmbedded(relation);
  if (!child.isToOne) throw relatedOrderNotToOne(node.table.name, relation);
  const planned = { ...field, convert: true, transform: undefined, toTextSearch: false };
  return { embedAlias: child.embedAlias, field: planned, direction, nulls };
}

/** Its own, or those of resources that are spread into it. */
function hasAggregates({ items, children }: Draft): boolean {
  return (
    items.some((item) => item.kind === 'field' && item.aggregate !== undefined) ||
    children.some((child) => child.spread && hasAggregates(child))
  );
}

function refuseSpreadAggregates(node: ReadNode): void {
  for (const child of node.children) {
    if (child.spread && !child.isToOne && hoistsAggregates(child)) {
      throw notImplemented('Aggregates are not implemented for one-to-many or many-to-many spreads.');
    }
    refuseSpreadAggregates(child);
  }
}

function hoistsAggregates(node: ReadNode): boolean {
  return (
    node.columns.some(({ aggregate }) => aggregate !== undefined) ||
    node.children.some((child) => child.spread && hoistsAggregates(child))
  );
}

function restrict(node: Draft, maxRows: number | null): void {
  if (maxRows === null) return;
  node.range = restrictRows(node.range, maxRows);
  for (const child of node.children) restrict(child, maxRows);
}

/** Columns of the source that joining the children needs; `*`: a computed relationship takes the whole row. */
export function neededForEmbedding(root: ReadNode): readonly string[] {
  return root.children.flatMap(({ relationship }) => (relationship === undefined ? [] : sourceColumns(relationship)));
}

function sourceColumns(relationship: Relationship): readonly string[] {
  switch (relationship.kind) {
    case 'key':
      return relationship.columns.map(({ source }) => source);
    case 'junction':
      return relationship.junction.sourceColumns.map(({ source }) => source);
    case 'computed':
      return ['*'];
  }
}

/** Logic on the rows to be changed. */
export function planRootLogic(cache: SchemaCache, table: QualifiedName, query: Query): readonly PlannedLogic[] {
  const resolver = fieldResolver(cache, table);
  const filter = ({ field, not, operation }: Filter): PlannedLogic => ({
    kind: 'filter',
    not,
    field: resolver.filtered(field, operation),
    operation,
  });
  const logic = (tree: Logic): PlannedLogic =>
    tree.kind === 'filter' ? filter(tree.filter) : { ...tree, members: tree.members.map(logic) };
  return [
    ...query.filters.flatMap(({ path, value }) => (path.length === 0 ? [filter(value)] : [])),
    ...query.logic.flatMap(({ path, value }) => (path.length === 0 ? [logic(value)] : [])),
  ];
}
