import type { QualifiedName } from '../schema-cache/types.js';
import { scalarName } from './call-sql.js';
import { name, qualified } from './sql-text.js';

/** How the rows become the answer's body. */
export type Handler =
  /** There is none. */
  | { readonly kind: 'none' }
  | { readonly kind: 'json'; readonly stripNulls: boolean; readonly single: boolean }
  | { readonly kind: 'csv' }
  | { readonly kind: 'geojson' }
  /** The value of the function that was called is the body. */
  | { readonly kind: 'value' }
  /** An aggregate over rows, of the target's type or any. */
  | { readonly kind: 'custom'; readonly function: QualifiedName; readonly target: QualifiedName | null };

/** What one row is: of a table, or of a function that returns one row, one value or values. */
export type RowShape = 'rows' | 'row' | 'scalar' | 'scalars';

/** The alias of the rows in the statement's FROM. */
export const rowsName = 'pgrst_rows';

/** The body as an SQL expression over `pgrst_rows`. */
export function bodySql(handler: Handler, shape: RowShape): string {
  switch (handler.kind) {
    case 'none':
      return `''`;
    case 'json':
      return jsonSql(handler.single, handler.stripNulls, shape);
    case 'csv':
      return csvSql();
    case 'geojson':
      return `json_build_object('type', 'FeatureCollection', 'features', coalesce(json_agg(ST_AsGeoJSON(${rowsName})::json), '[]'))`;
    case 'value':
      return `(array_agg(${rowsName}.${name(scalarName)}))[1]`;
    case 'custom': {
      const isScalar = shape === 'scalar' || shape === 'scalars';
      const row = isScalar ? `${rowsName}.${name(scalarName)}` : rowsName;
      return `${qualified(handler.function)}(${row}${handler.target === null || isScalar ? '' : `::${qualified(handler.target)}`})`;
    }
  }
}

function jsonSql(single: boolean, stripNulls: boolean, shape: RowShape): string {
  const row = shape === 'scalar' || shape === 'scalars' ? `${rowsName}.${name(scalarName)}` : rowsName;
  const first = single || shape === 'row' || shape === 'scalar';
  const list = `json_agg(${row})${first ? '->0' : ''}`;
  return `coalesce(${stripNulls ? `json_strip_nulls(${list})` : list}, '${first ? 'null' : '[]'}')`;
}

/** The rows must stand in a CTE too, since the header is made of the first one's keys. */
export const csvRowsName = 'pgrst_csv';

function csvSql(): string {
  const header = `(SELECT coalesce(string_agg(key, ','), '') FROM json_object_keys((SELECT row_to_json(first) FROM ${csvRowsName} AS first LIMIT 1)) AS key)`;
  const record = `${rowsName}::text`;
  return `${header} || E'\\n' || coalesce(string_agg(substring(${record}, 2, length(${record}) - 2), E'\\n'), '')`;
}
