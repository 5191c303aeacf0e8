import { z } from 'zod';
import { specSchema } from './schema.js';

/** A field of the file, as its schema describes it. */
export interface SchemaField {
  readonly name: string;
  /** From the top, with dots. */
  readonly path: string;
  readonly description: string;
  /** The default, or an example where the default depends on the machine; undefined for a group. */
  readonly shown: unknown;
  /** Of a group. */
  readonly fields: readonly SchemaField[];
}

/** All fields in the order of the schema. */
export function schemaFields(): readonly SchemaField[] {
  return fieldsOf(specSchema, '');
}

/** The fields of the group at this path; undefined: there is none. */
export function fieldsAt(path: readonly PropertyKey[]): readonly SchemaField[] | undefined {
  return path.reduce<readonly SchemaField[] | undefined>(
    (fields, key) => fields?.find(({ name }) => name === key)?.fields,
    schemaFields(),
  );
}

function fieldsOf(schema: unknown, prefix: string): readonly SchemaField[] {
  const group = asGroup(schema);
  if (group === undefined) return [];
  return Object.entries(group.shape).map(([name, child]) => {
    const inner = child instanceof z.ZodOptional ? child.unwrap() : child;
    const { description = '', default: preset, examples } = (inner instanceof z.ZodType && inner.meta()) || {};
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const example: unknown = Array.isArray(examples) ? examples[0] : undefined;
    return { name, path, description, shown: preset ?? example, fields: fieldsOf(inner, path) };
  });
}

/** The object in a schema, also behind a transformation or among alternatives. */
function asGroup(schema: unknown): z.ZodObject | undefined {
  if (schema instanceof z.ZodObject) return schema;
  if (schema instanceof z.ZodPipe) return asGroup(schema.in);
  if (schema instanceof z.ZodUnion) return schema.options.map(asGroup).find((group) => group !== undefined);
  return undefined;
}
