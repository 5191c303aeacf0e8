import type { Aggregate, JsonStep, Operation, RowRange } from '../request/query.js';
import type { QualifiedName, Relationship } from '../schema-cache/types.js';

/** One level of a read: the root or an embedded resource. Made by `planRead`, then only read. */
export interface ReadNode {
  readonly depth: number;
  /** As the request names it; of the root the table's. */
  readonly name: string;
  /** Its key in the answer. */
  readonly label: string;
  /** Whose columns are known. */
  readonly table: QualifiedName;
  readonly from: Source;
  /** How its rows are referred to. */
  readonly rowAlias: string;
  /** Of the lateral join in the parent. */
  readonly embedAlias: string;
  readonly relationship: Relationship | undefined;
  readonly isToOne: boolean;
  readonly inner: boolean;
  readonly spread: boolean;
  readonly columns: readonly PlannedColumn[];
  readonly children: readonly ReadNode[];
  readonly where: readonly PlannedLogic[];
  readonly order: readonly PlannedOrder[];
  readonly range: RowRange;
}

export type Source =
  | { readonly kind: 'table' }
  /** The CTE that holds the rows written, or what the function returned. */
  | { readonly kind: 'source' }
  | { readonly kind: 'related'; readonly parentAlias: string; readonly junctionAlias: string };

export interface PlannedField {
  /** `*` is all columns. */
  readonly name: string;
  readonly path: readonly JsonStep[];
  /** The column is no JSON, so that its path needs to_jsonb. */
  readonly convert: boolean;
  /** A function to be called on it: what it looks like to the client, or of a filter's value what it is to the column. */
  readonly transform: QualifiedName | undefined;
  /** Full-text search on a column that is no tsvector. */
  readonly toTextSearch: boolean;
}

export interface PlannedColumn {
  readonly field: PlannedField;
  readonly cast: string | undefined;
  readonly aggregate: Aggregate | undefined;
  readonly aggregateCast: string | undefined;
  /** Its key in the answer; undefined: `*`. */
  readonly label: string | undefined;
}

export type PlannedLogic =
  | { readonly kind: 'filter'; readonly not: boolean; readonly field: PlannedField; readonly operation: Operation }
  /** Whether there is an embedded row. */
  | { readonly kind: 'embedded'; readonly child: ReadNode; readonly present: boolean }
  | {
      readonly kind: 'group';
      readonly not: boolean;
      readonly operator: 'and' | 'or';
      readonly members: readonly PlannedLogic[];
    };

export interface PlannedOrder {
  /** Undefined: one of the node's own fields. */
  readonly embedAlias: string | undefined;
  readonly field: PlannedField;
  readonly direction: 'asc' | 'desc' | undefined;
  readonly nulls: 'first' | 'last' | undefined;
}

/** A star and nothing else: custom media types are then made of whole rows. */
export function hasDefaultSelect(root: ReadNode): boolean {
  const [only] = root.columns;
  return (
    root.children.length === 0 && root.columns.length === 1 && only?.label === undefined && only?.field.name === '*'
  );
}
