import {
  type Column,
  type KeyRelationship,
  nameKey,
  type Relationship,
  type Routine,
  type RoutineParameter,
  type SchemaCache,
  type Table,
} from '../../src/schema-cache/types.js';

/** Schema caches for tests that need no database; everything lies in the schema `api`. */

export const emptyCache: SchemaCache = {
  tables: new Map(),
  relationships: new Map(),
  routines: new Map(),
  representations: new Map(),
  mediaHandlers: [],
  timeZones: new Set(),
  schemaDescriptions: new Map(),
};

export function column(name: string, change: Partial<Column> = {}): Column {
  return {
    name,
    description: null,
    nullable: true,
    type: 'integer',
    baseType: 'integer',
    maxLength: null,
    default: null,
    enumLabels: [],
    ...change,
  };
}

export function table(name: string, columns: readonly Column[] = [], change: Partial<Table> = {}): Table {
  return {
    schema: 'api',
    name,
    description: null,
    isView: false,
    insertable: true,
    updatable: true,
    deletable: true,
    primaryKey: [],
    columns: new Map(columns.map((each) => [each.name, each])),
    ...change,
  };
}

export function manyToOne(
  source: string,
  target: string,
  constraint: string,
  pairs: readonly (readonly [string, string])[],
  change: Partial<KeyRelationship> = {},
): KeyRelationship {
  return {
    kind: 'key',
    cardinality: 'many-to-one',
    sourceHoldsKey: true,
    constraint,
    columns: pairs.map(([from, to]) => ({ source: from, target: to })),
    source: { schema: 'api', name: source },
    target: { schema: 'api', name: target },
    isSelf: source === target,
    sourceIsView: false,
    targetIsView: false,
    ...change,
  };
}

export function parameter(name: string, type = 'integer', change: Partial<RoutineParameter> = {}): RoutineParameter {
  return { name, type, castType: type, required: true, variadic: false, ...change };
}

let lastId = 0;

export function routine(name: string, parameters: readonly RoutineParameter[], change: Partial<Routine> = {}): Routine {
  lastId += 1;
  return {
    id: lastId,
    schema: 'api',
    name,
    description: null,
    parameters,
    returns: {
      isSet: false,
      kind: 'scalar',
      type: { schema: 'pg_catalog', name: 'int4' },
      isCompositeAlias: false,
    },
    volatility: 'volatile',
    hasVariadic: false,
    isolation: null,
    settings: [],
    ...change,
  };
}

export function cacheOf(parts: {
  readonly tables?: readonly Table[];
  readonly relationships?: readonly Relationship[];
  readonly routines?: readonly Routine[];
}): SchemaCache {
  const relationships = new Map<string, Relationship[]>();
  for (const relationship of parts.relationships ?? []) {
    const key = nameKey(relationship.source);
    relationships.set(key, [...(relationships.get(key) ?? []), relationship]);
  }
  const routines = new Map<string, Routine[]>();
  for (const each of parts.routines ?? []) routines.set(nameKey(each), [...(routines.get(nameKey(each)) ?? []), each]);
  return {
    ...emptyCache,
    tables: new Map((parts.tables ?? []).map((each) => [nameKey(each), each])),
    relationships,
    routines,
  };
}
