import type { Value } from '../request/slot.js';
import type { QualifiedName } from '../schema-cache/types.js';
import { name, type Parameters, qualified, text } from './sql-text.js';

/** A column or argument that is read from a JSON body. */
export interface BodyField {
  readonly name: string;
  /** SQL text of the type that the JSON is read as. */
  readonly type: string;
  /** Makes of it what the column holds. */
  readonly transform: QualifiedName | undefined;
  /** SQL text, for `missing=default`. */
  readonly default: string | null;
}

export interface JsonBody {
  readonly text: Value;
  readonly isObject: boolean;
}

export interface BodyRowsOptions {
  /** Absent keys get the column's default and not null. */
  readonly defaults: boolean;
  readonly onlyFirst: boolean;
}

/** The alias of the rows that `bodyRowsSql` makes. */
export const bodyName = 'pgrst_body';

/** A FROM item: the body, which is one parameter, as rows `pgrst_body` with these fields. */
export function bodyRowsSql(
  body: JsonBody,
  fields: readonly BodyField[],
  parameters: Parameters,
  { defaults, onlyFirst }: BodyRowsOptions,
): string {
  // A row of defaults; PostgreSQL refuses a value that the statement does not use.
  if (fields.length === 0 && body.isObject) return `(SELECT FROM (VALUES (1)) AS pgrst_row) AS ${bodyName}`;
  const payload = parameters.add(body.text);
  const source = defaults ? withDefaults(payload, fields, body.isObject) : `${payload}::json`;
  const prefix = defaults ? 'jsonb' : 'json';
  if (fields.length === 0) {
    // Empty objects: a row of defaults for each.
    return `(SELECT FROM ${prefix}_array_elements(${source}) AS pgrst_row) AS ${bodyName}`;
  }
  const types = fields.map((field) => `${name(field.name)} ${field.type}`).join(', ');
  const columns = fields.map((field) =>
    field.transform === undefined
      ? name(field.name)
      : `${qualified(field.transform)}(${name(field.name)}) AS ${name(field.name)}`,
  );
  const rows = `${prefix}_to_record${body.isObject ? '' : 'set'}(${source}) AS pgrst_row(${types})`;
  return `(SELECT ${columns.join(', ')} FROM ${rows}${onlyFirst && !body.isObject ? ' LIMIT 1' : ''}) AS ${bodyName}`;
}

/** Every object with its defaults under it. A default may be volatile: it is computed for each object. */
function withDefaults(payload: string, fields: readonly BodyField[], isObject: boolean): string {
  const pairs = fields.flatMap((field) => (field.default === null ? [] : [`${text(field.name)}, ${field.default}`]));
  const defaults = `jsonb_build_object(${pairs.join(', ')})`;
  if (isObject) return `${defaults} || ${payload}::jsonb`;
  return `(SELECT jsonb_agg(${defaults} || pgrst_element) FROM jsonb_array_elements(${payload}::jsonb) AS pgrst_element)`;
}
