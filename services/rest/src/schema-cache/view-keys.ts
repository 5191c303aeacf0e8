import { groupBy } from './group-by.js';
import type { ConstraintRow } from './introspection-sql.js';
import type { QualifiedName } from './types.js';
import type { TracedColumn } from './view-columns.js';

/** A key all of whose columns a view shows. */
export interface ViewKey {
  readonly view: QualifiedName;
  readonly viewId: number;
  /** The table whose columns these are. */
  readonly tableId: number;
  readonly constraint: string;
  /** The table that the constraint belongs to: names of constraints are unique in a table only. */
  readonly constraintTableId: number;
  /** The table's own primary key, its own foreign key, or the columns that a foreign key of another table points to. */
  readonly use: 'primary' | 'foreign' | 'referenced';
  /** For each column of the key, in its order, the view's columns that show it, in the view's order. */
  readonly columns: readonly (readonly string[])[];
}

interface KeyUse {
  readonly use: ViewKey['use'];
  readonly numbers: readonly number[];
  readonly constraint: string;
  readonly constraintTableId: number;
}

export function findViewKeys(
  views: readonly {
    readonly id: number;
    readonly name: QualifiedName;
    readonly columns: ReadonlyMap<number, string>;
  }[],
  traced: readonly TracedColumn[],
  constraints: readonly ConstraintRow[],
): readonly ViewKey[] {
  const uses = keyUsesByTable(constraints);
  const tracedByView = groupBy(traced, ({ viewId }) => viewId);
  return views.flatMap((view) => {
    const byTable = groupBy(tracedByView.get(view.id) ?? [], ({ tableId }) => tableId);
    return [...byTable].flatMap(([tableId, columns]) => {
      const byColumn = groupBy(columns, ({ tableColumn }) => tableColumn);
      return (uses.get(tableId) ?? []).flatMap(({ use, numbers, constraint, constraintTableId }) => {
        const shown = numbers.map((number) =>
          (byColumn.get(number) ?? []).flatMap(({ viewColumn }) => view.columns.get(viewColumn) ?? []),
        );
        if (shown.some((names) => names.length === 0)) return [];
        return [{ view: view.name, viewId: view.id, tableId, constraint, constraintTableId, use, columns: shown }];
      });
    });
  });
}

function keyUsesByTable(constraints: readonly ConstraintRow[]): ReadonlyMap<number, readonly KeyUse[]> {
  const uses = new Map<number, KeyUse[]>();
  const add = (tableId: number, use: KeyUse): void => {
    const list = uses.get(tableId);
    if (list === undefined) uses.set(tableId, [use]);
    else list.push(use);
  };
  for (const { kind, name, tableId, columnNumbers, foreignId, foreignNumbers } of constraints) {
    const common = { constraint: name, constraintTableId: tableId };
    if (kind === 'p') add(tableId, { ...common, use: 'primary', numbers: columnNumbers });
    if (kind === 'f') add(tableId, { ...common, use: 'foreign', numbers: columnNumbers });
    if (kind === 'f' && foreignId !== null && foreignNumbers !== null) {
      add(foreignId, { ...common, use: 'referenced', numbers: foreignNumbers });
    }
  }
  return uses;
}
