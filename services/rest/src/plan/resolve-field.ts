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

export function fieldResolver(cache: SchemaCache, relation: QualifiedName): FieldResolver {
  const table = cache.tables.get(nameKey(relation));
  const transform = (from: string | undefined, to: string | undefined): QualifiedName | undefined =>
    from === undefined || to === undefined || cache.representations.size === 0
      ? undefined
      : cache.representations.get(representationKey(from, to))?.function;
  const plain = (field: Field): PlannedField => {
    const column = table?.columns.get(field.name);
    return { ...field, convert: !isJson(column), transform: undefined, toTextSearch: false };
  };
  return {
    table,
    selected: (field) => ({ ...plain(field), transform: transform(table?.columns.get(field.name)?.type, 'json') }),
    ordered: plain,
    filtered: (field, operation) => {
      const column = table?.columns.get(field.name);
      return {
        ...plain(field),
        transform: transform('text', column?.type),
        toTextSearch: operation.kind === 'search' && column !== undefined && column.baseType !== 'tsvector',
      };
    },
    get hasRepresentations() {
      if (table === undefined || cache.representations.size === 0) return false;
      return [...table.columns.values()].some(({ type }) => transform(type, 'json') !== undefined);
    },
  };
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
