import type { Value } from './slot.js';

/** What a query string asks for. Pure data, nothing of the database is known here. */
export interface Query {
  readonly select: readonly SelectItem[];
  /** Those of the root have an empty path. */
  readonly filters: readonly AtPath<Filter>[];
  readonly logic: readonly AtPath<Logic>[];
  readonly order: readonly AtPath<readonly OrderTerm[]>[];
  readonly ranges: readonly AtPath<RowRange>[];
  /** Arguments of a function that is called by GET: whatever is not an operator expression. */
  readonly parameters: readonly (readonly [string, string])[];
  readonly columns: readonly string[] | undefined;
  readonly onConflict: readonly string[] | undefined;
  /** Names of the parameters that are filters, with their paths and JSON operators. */
  readonly filterNames: ReadonlySet<string>;
  /** limit or offset was given for the root, whatever its value. */
  readonly hasRootRange: boolean;
}

/** Something said of an embedded resource, by the names that lead to it. */
export interface AtPath<T> {
  readonly path: readonly string[];
  readonly value: T;
}

export type SelectItem = SelectField | SelectRelation;

export interface SelectField {
  readonly kind: 'field';
  readonly field: Field;
  readonly alias: string | undefined;
  readonly cast: string | undefined;
  readonly aggregate: Aggregate | undefined;
  readonly aggregateCast: string | undefined;
}

export interface SelectRelation {
  readonly kind: 'relation';
  readonly name: string;
  readonly alias: string | undefined;
  readonly hint: string | undefined;
  readonly join: 'inner' | 'left' | undefined;
  readonly spread: boolean;
  readonly items: readonly SelectItem[];
}

export type Aggregate = 'sum' | 'avg' | 'count' | 'max' | 'min';

export interface Field {
  readonly name: string;
  readonly path: readonly JsonStep[];
}

export interface JsonStep {
  readonly arrow: '->' | '->>';
  /** A number selects an element, text a key. */
  readonly key: string | number;
}

export interface Filter {
  readonly field: Field;
  readonly not: boolean;
  readonly operation: Operation;
}

export type Operation =
  | { readonly kind: 'simple'; readonly operator: SimpleOperator; readonly value: Value }
  | {
      readonly kind: 'quantified';
      readonly operator: QuantifiedOperator;
      readonly quantifier: 'any' | 'all' | undefined;
      readonly value: Value;
    }
  | { readonly kind: 'in'; readonly values: readonly string[] }
  | { readonly kind: 'is'; readonly what: 'null' | 'not null' | 'true' | 'false' | 'unknown' }
  | { readonly kind: 'distinct'; readonly value: string }
  | {
      readonly kind: 'search';
      readonly operator: SearchOperator;
      readonly language: string | undefined;
      readonly value: string;
    };

export type SimpleOperator = 'neq' | 'cs' | 'cd' | 'ov' | 'sl' | 'sr' | 'nxr' | 'nxl' | 'adj';
export type QuantifiedOperator = 'eq' | 'gte' | 'gt' | 'lte' | 'lt' | 'like' | 'ilike' | 'match' | 'imatch';
export type SearchOperator = 'fts' | 'plfts' | 'phfts' | 'wfts';

export type Logic =
  | { readonly kind: 'filter'; readonly filter: Filter }
  | {
      readonly kind: 'group';
      readonly not: boolean;
      readonly operator: 'and' | 'or';
      readonly members: readonly Logic[];
    };

export interface OrderTerm {
  /** Set: the field is one of this embedded resource. */
  readonly relation: string | undefined;
  readonly field: Field;
  readonly direction: 'asc' | 'desc' | undefined;
  readonly nulls: 'first' | 'last' | undefined;
}

/** Rows; undefined limit: all. A limit below zero is kept, whoever plans refuses it. */
export interface RowRange {
  readonly offset: number;
  readonly limit: number | undefined;
}
