import type { Field, Operation } from '../request/query.js';
import {
  type Column,
  nameKey,
  type QualifiedName,
  representationKey,
  type SchemaCache,
  type Table,
} from '../schema-cache/types.js';
import type { PlannedField } from './read-plan.js';

/** Fields of one relation. What the cache does not know (computed columns, results of functions) is left to PostgreSQL to judge. */
export interface FieldResolver {
  readonly table: Table | undefined;
  selected(field: Field): PlannedField;
  ordered(field: Field): PlannedField;
  filtered(field: Field, operation: Operation): PlannedField;
  /** All columns by name where that is needed: some have a representation of their own. */
  readonly hasRepresentations: boolean;
}

/** Resolvers live as long as the cache that they read. */
const resolvers = new WeakMap<SchemaCache, Map<string, FieldResolver>>();

export function fieldResolver(cache: SchemaCache, relation: QualifiedName): FieldResolver {
  const key = nameKey(relation);
  const table = cache.tables.get(key);
  // Of what the cache does not have nothing is known: one resolver does for all of it. One for each would fill this map, or be made for every call of a function.
  const kept = table === undefined ? '' : key;
  let known = resolvers.get(cache);
  if (known === undefined) {
    known = new Map();
    resolvers.set(cache, known);
  }
  const resolver = known.get(kept);
  if (resolver !== undefined) return resolver;
  const made = new CachedResolver(cache, table);
  known.set(kept, made);
  return made;
}

class CachedResolver implements FieldResolver {
  readonly hasRepresentations: boolean;
  readonly #representations: SchemaCache['representations'];

  constructor(
    cache: SchemaCache,
    readonly table: Table | undefined,
  ) {
    this.#representations = cache.representations;
    const columns = cache.representations.size === 0 ? [] : [...(table?.columns.values() ?? [])];
    this.hasRepresentations = columns.some(({ type }) => this.#function(type, 'json') !== undefined);
  }

  selected({ name, path }: Field): PlannedField {
    const column = this.table?.columns.get(name);
    const transform = this.#function(column?.type, 'json');
    return { name, path, convert: !isJson(column), transform, toTextSearch: false };
  }

  ordered({ name, path }: Field): PlannedField {
    const convert = !isJson(this.table?.columns.get(name));
    return { name, path, convert, transform: undefined, toTextSearch: false };
  }

  filtered({ name, path }: Field, operation: Operation): PlannedField {
    const column = this.table?.columns.get(name);
    const toTextSearch = operation.kind === 'search' && column !== undefined && column.baseType !== 'tsvector';
    return { name, path, convert: !isJson(column), transform: this.#function('text', column?.type), toTextSearch };
  }

  #function(from: string | undefined, to: string | undefined): QualifiedName | undefined {
    if (from === undefined || to === undefined || this.#representations.size === 0) return undefined;
    return this.#representations.get(representationKey(from, to))?.function;
  }
}

function isJson(column: Column | undefined): boolean {
  return column?.baseType === 'json' || column?.baseType === 'jsonb';
}

/** The key that a JSON path gives a selected value: its last key, or the column's name where all steps are numbers. */
export function labelOf({ name, path }: Field): string {
  for (let at = path.length - 1; at >= 0; at--) {
    const key = path[at]?.key;
    if (typeof key === 'string') return key;
  }
  return name;
}
