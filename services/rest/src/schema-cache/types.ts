/** What the service knows of the database: immutable, made by `loadSchemaCache`, replaced as a whole when it is loaded anew. */
export interface SchemaCache {
  /** Tables, views, materialized views, foreign and partitioned tables of the exposed schemas, by `nameKey`. */
  readonly tables: ReadonlyMap<string, Table>;
  /** From the exposed schemas into exposed schemas, by the `nameKey` of the source. */
  readonly relationships: ReadonlyMap<string, readonly Relationship[]>;
  /** Functions of the exposed schemas, by `nameKey`; overloads with fewest parameters first. */
  readonly routines: ReadonlyMap<string, readonly Routine[]>;
  /** Implicit casts from and to domains, by `representationKey`. */
  readonly representations: ReadonlyMap<string, DataRepresentation>;
  readonly mediaHandlers: readonly CustomMediaHandler[];
  /** Names as PostgreSQL knows them. */
  readonly timeZones: ReadonlySet<string>;
  /** COMMENT ON SCHEMA, by the schema's name. */
  readonly schemaDescriptions: ReadonlyMap<string, string>;
}

export interface QualifiedName {
  readonly schema: string;
  readonly name: string;
}

export interface Table extends QualifiedName {
  readonly description: string | null;
  readonly isView: boolean;
  readonly insertable: boolean;
  readonly updatable: boolean;
  readonly deletable: boolean;
  /** Of a view: those of its source, where it selects all of them. Empty without a key. */
  readonly primaryKey: readonly string[];
  /** By name, in the table's order. */
  readonly columns: ReadonlyMap<string, Column>;
}

export interface Column {
  readonly name: string;
  readonly description: string | null;
  readonly nullable: boolean;
  /** The declared type as SQL text, with its schema unless it is in pg_catalog: `character varying(20)`, `test.color`. */
  readonly type: string;
  /** The same with a domain's base type in its place. */
  readonly baseType: string;
  /** Of character types; null: not limited. */
  readonly maxLength: number | null;
  /** SQL; null: none. Of a generated column none either; of an identity column nextval. */
  readonly default: string | null;
  /** Labels of an enum in their order; empty: none. */
  readonly enumLabels: readonly string[];
}

export type Relationship = KeyRelationship | JunctionRelationship | ComputedRelationship;

interface RelationshipEnds {
  readonly source: QualifiedName;
  readonly target: QualifiedName;
  readonly isSelf: boolean;
  readonly sourceIsView: boolean;
  readonly targetIsView: boolean;
}

/** Over one foreign key. */
export interface KeyRelationship extends RelationshipEnds {
  readonly kind: 'key';
  readonly cardinality: 'many-to-one' | 'one-to-many' | 'one-to-one';
  /** The source holds the foreign key. */
  readonly sourceHoldsKey: boolean;
  readonly constraint: string;
  readonly columns: readonly ColumnPair[];
}

export interface ColumnPair {
  readonly source: string;
  readonly target: string;
}

/** Over a table between that holds two foreign keys. */
export interface JunctionRelationship extends RelationshipEnds {
  readonly kind: 'junction';
  readonly cardinality: 'many-to-many';
  readonly junction: Junction;
}

export interface Junction {
  readonly table: QualifiedName;
  /** The constraint from the junction to the source. */
  readonly sourceConstraint: string;
  /** The constraint from the junction to the target. */
  readonly targetConstraint: string;
  readonly sourceColumns: readonly { readonly source: string; readonly junction: string }[];
  readonly targetColumns: readonly { readonly target: string; readonly junction: string }[];
}

/** A function that takes a row of the source and returns rows of the target; it is found by its name. */
export interface ComputedRelationship {
  readonly kind: 'computed';
  readonly cardinality: 'many-to-one' | 'one-to-many';
  readonly function: QualifiedName;
  readonly source: QualifiedName;
  readonly target: QualifiedName;
  readonly isSelf: boolean;
}

export type Volatility = 'immutable' | 'stable' | 'volatile';

export interface Routine extends QualifiedName {
  /** PostgreSQL's oid. */
  readonly id: number;
  readonly description: string | null;
  /** Those in and inout; names may be empty. */
  readonly parameters: readonly RoutineParameter[];
  readonly returns: RoutineResult;
  readonly volatility: Volatility;
  readonly hasVariadic: boolean;
  /** From SET default_transaction_isolation on the function. */
  readonly isolation: 'read committed' | 'repeatable read' | 'serializable' | null;
  /** Other settings on the function that are to hold for the whole transaction, e.g. statement_timeout. */
  readonly settings: readonly { readonly name: string; readonly value: string }[];
}

export interface RoutineParameter {
  readonly name: string;
  /** SQL text: `integer`, `test.color`, `character varying`. */
  readonly type: string;
  /** The same for casts: without a length `bit` and `character` would cut values to one, so here they are `bit varying` and `character varying`. */
  readonly castType: string;
  readonly required: boolean;
  readonly variadic: boolean;
}

export interface RoutineResult {
  readonly isSet: boolean;
  readonly kind: 'scalar' | 'composite' | 'void';
  /** The type, of a domain its base type; a table's row type has the table's name. RETURNS TABLE and several OUT parameters give pg_catalog.record. */
  readonly type: QualifiedName;
  /** The declared type is a domain over `type`. */
  readonly isCompositeAlias: boolean;
}

/** A function that turns one type into another: `json` into a domain (what a client writes), a domain into `json` (what it reads), `text` into a domain (filters). */
export interface DataRepresentation {
  readonly sourceType: string;
  readonly targetType: string;
  readonly function: QualifiedName;
}

/** A function whose result is a domain named as a media type. */
export interface CustomMediaHandler {
  readonly kind: 'aggregate' | 'routine';
  readonly function: QualifiedName;
  /** What the aggregate takes a row of, or the routine itself; null: anyelement. */
  readonly target: QualifiedName | null;
  /** The domain's name, lower case: `text/csv`, or the any type. */
  readonly mediaType: string;
  /** The domain is the any type: the handler answers whatever was asked for, and says itself what it is. */
  readonly isAny: boolean;
}

/** PostgreSQL's names cannot hold a NUL, so no two names share a key. */
export function nameKey({ schema, name }: QualifiedName): string {
  return `${schema}\0${name}`;
}

export function representationKey(sourceType: string, targetType: string): string {
  return `${sourceType}\0${targetType}`;
}

/** A to-one embedding is an object, a to-many one an array. */
export function isToOne(relationship: Relationship): boolean {
  return relationship.cardinality === 'many-to-one' || relationship.cardinality === 'one-to-one';
}
