import { type Column, nameKey, type Relationship, type SchemaCache, type Table } from '../schema-cache/types.js';
import { defaultValue, splitComment, typeFields } from './data-types.js';

const reference = (name: string) => ({ $ref: `#/parameters/${name}` });

/** The table's row as a schema. */
export function tableDefinition(table: Table, cache: SchemaCache): Readonly<Record<string, unknown>> {
  const relationships = cache.relationships.get(nameKey(table)) ?? [];
  const columns = [...table.columns.values()];
  const required = columns.filter(({ nullable }) => !nullable).map(({ name }) => name);
  return {
    type: 'object',
    ...(table.description === null ? {} : { description: table.description }),
    ...(required.length === 0 ? {} : { required }),
    properties: Object.fromEntries(
      columns.map((column) => [column.name, columnDefinition(table, column, relationships)]),
    ),
  };
}

function columnDefinition(
  table: Table,
  column: Column,
  relationships: readonly Relationship[],
): Readonly<Record<string, unknown>> {
  const description = columnDescription(table, column, relationships);
  return {
    ...typeFields(column.baseType),
    ...(column.default === null ? {} : { default: defaultValue(column.baseType, column.default) }),
    ...(description === null ? {} : { description }),
    ...(column.enumLabels.length === 0 ? {} : { enum: column.enumLabels }),
    ...(column.maxLength === null ? {} : { maxLength: column.maxLength }),
  };
}

/** Tools read keys out of the text, since Swagger has no field for them. */
function columnDescription(table: Table, column: Column, relationships: readonly Relationship[]): string | null {
  const notes: string[] = [];
  if (table.primaryKey.includes(column.name)) notes.push('This is a Primary Key.<pk/>');
  const key = foreignKeyOf(column, relationships);
  if (key !== undefined) {
    notes.push(
      `This is a Foreign Key to \`${key.table}.${key.column}\`.<fk table='${key.table}' column='${key.column}'/>`,
    );
  }
  if (notes.length === 0) return column.description;
  const before = column.description === null ? '' : `${column.description}\n\n`;
  return `${before}${['Note:', ...notes].join('\n')}`;
}

function foreignKeyOf(
  column: Column,
  relationships: readonly Relationship[],
): { readonly table: string; readonly column: string } | undefined {
  const keys = relationships.flatMap((relationship) => {
    if (relationship.kind !== 'key' || !relationship.sourceHoldsKey) return [];
    const [pair, ...others] = relationship.columns;
    if (pair === undefined || others.length > 0 || pair.source !== column.name) return [];
    return [{ table: relationship.target.name, column: pair.target, isView: relationship.targetIsView }];
  });
  return keys.find(({ isView }) => !isView) ?? keys[0];
}

/** Parameters of one table that its operations refer to: its row as a body, and a filter for each column. */
export function tableParameters(table: Table): readonly (readonly [string, unknown])[] {
  const body = {
    name: table.name,
    in: 'body',
    description: table.name,
    required: false,
    schema: { $ref: `#/definitions/${table.name}` },
  };
  const filters = [...table.columns.values()].map(({ name, description }) => [
    `rowFilter.${table.name}.${name}`,
    { name, in: 'query', type: 'string', required: false, ...(description === null ? {} : { description }) },
  ]);
  return [[`body.${table.name}`, body], ...filters.map(([name, value]) => [String(name), value] as const)];
}

/** The operations of `/table`. */
export function tablePath(table: Table): Readonly<Record<string, unknown>> {
  const common = { tags: [table.name], ...splitComment(table.description) };
  const filters = [...table.columns.keys()].map((name) => reference(`rowFilter.${table.name}.${name}`));
  const body = reference(`body.${table.name}`);
  const reading = ['select', 'order', 'range', 'rangeUnit', 'offset', 'limit', 'preferCount'].map(reference);
  const rows = { type: 'array', items: { $ref: `#/definitions/${table.name}` } };
  const get = {
    ...common,
    parameters: [...filters, ...reading],
    responses: { 200: { description: 'OK', schema: rows }, 206: { description: 'Partial Content' } },
  };
  if (!table.insertable && !table.updatable && !table.deletable) return { get };
  const done = { 204: { description: 'No Content' } };
  return {
    get,
    post: {
      ...common,
      parameters: [body, reference('select'), reference('preferPost')],
      responses: { 201: { description: 'Created' } },
    },
    patch: { ...common, parameters: [...filters, body, reference('preferReturn')], responses: done },
    delete: { ...common, parameters: [...filters, reference('preferReturn')], responses: done },
  };
}
