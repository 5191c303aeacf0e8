import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { renderJsonSchema } from '../src/json-schema.js';
import { type SchemaField, schemaFields } from '../src/schema-fields.js';

it('is the committed one (after a build: node packages/spec/scripts/write-schema.mjs)', () => {
  expect(readFileSync(new URL('../holdfast.schema.json', import.meta.url), 'utf8')).toBe(renderJsonSchema());
});

it('is draft 2020-12 without an $id, and strict', () => {
  const schema = JSON.parse(renderJsonSchema());
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
  expect(schema).not.toHaveProperty('$id');
  expect(schema).not.toHaveProperty('required');
  expect(schema.additionalProperties).toBe(false);
  expect(schema.properties.etcd.additionalProperties).toBe(false);
});

it('describes every field', () => {
  const flatten = (fields: readonly SchemaField[]): readonly SchemaField[] =>
    fields.flatMap((field) => [field, ...flatten(field.fields)]);
  const fields = flatten(schemaFields());
  expect(fields.length).toBeGreaterThan(40);
  expect(fields.filter(({ description }) => description === '')).toEqual([]);
  expect(fields.filter(({ shown, fields: inner }) => shown === undefined && inner.length === 0)).toEqual([]);
});
