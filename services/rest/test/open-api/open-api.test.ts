import { describe, expect, test } from 'vitest';
import { defaultValue, splitComment, swaggerType } from '../../src/open-api/data-types.js';
import { openApiUrl, renderOpenApi } from '../../src/open-api/render-open-api.js';
import { cacheOf, column, manyToOne, parameter, routine, table } from '../support/schema-builder.js';

const cache = {
  ...cacheOf({
    tables: [
      table(
        'posts',
        [
          column('id', { nullable: false, default: "nextval('api.posts_id_seq'::regclass)" }),
          column('author', { description: 'Who wrote it' }),
          column('title', { baseType: 'character varying', maxLength: 20, default: "'none'::character varying" }),
          column('state', { baseType: 'api.state', enumLabels: ['draft', 'done'] }),
          column('tags', { baseType: 'text[]' }),
        ],
        { primaryKey: ['id'], description: 'Posts\n\nAll that was written' },
      ),
      table('report', [column('n')], { isView: true, insertable: false, updatable: false, deletable: false }),
      table('hidden', [column('n')]),
      table('elsewhere', [], { schema: 'other' }),
    ],
    relationships: [manyToOne('posts', 'people', 'posts_author_fkey', [['author', 'id']])],
    routines: [
      routine('add', [parameter('a'), parameter('b', 'integer[]', { required: false })], { volatility: 'immutable' }),
      routine('write', [parameter('what', 'json')]),
    ],
  }),
  schemaDescriptions: new Map([['api', 'My API\nOf posts']]),
};

interface Document {
  readonly info: unknown;
  readonly host: string;
  readonly basePath: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly parameters?: unknown }>>>>;
  readonly definitions: Readonly<Record<string, unknown>>;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly security?: unknown;
}

function render(change: Partial<Parameters<typeof renderOpenApi>[0]> = {}): Document {
  const url = new URL('https://example.org/rest/v1');
  const input = { cache, schema: 'api', access: undefined, security: false, url, ...change };
  return JSON.parse(renderOpenApi(input)) as Document;
}

describe('the document', () => {
  test('says what and where the service is', () => {
    expect(render()).toMatchObject({
      swagger: '2.0',
      info: { title: 'My API', description: 'Of posts' },
      host: 'example.org:443',
      basePath: '/rest/v1',
      schemes: ['https'],
    });
    expect(render().security).toBeUndefined();
    expect(render({ security: true })).toMatchObject({ security: [{ JWT: [] }] });
  });

  test('shows the tables of one schema, writable ones with all methods', () => {
    const { paths } = render();
    expect(Object.keys(paths)).toEqual(['/', '/posts', '/report', '/hidden', '/rpc/add', '/rpc/write']);
    expect(Object.keys(paths['/posts'] ?? {})).toEqual(['get', 'post', 'patch', 'delete']);
    expect(Object.keys(paths['/report'] ?? {})).toEqual(['get']);
  });

  test('shows only what the role may use', () => {
    const { paths, definitions } = render({ access: { tables: new Set(['posts']), routines: new Set() } });
    expect(Object.keys(paths)).toEqual(['/', '/posts']);
    expect(Object.keys(definitions)).toEqual(['posts']);
  });

  test('describes columns: types, defaults, keys', () => {
    expect(render().definitions.posts).toEqual({
      type: 'object',
      description: 'Posts\n\nAll that was written',
      required: ['id'],
      properties: {
        id: { type: 'integer', format: 'integer', description: 'Note:\nThis is a Primary Key.<pk/>' },
        author: {
          type: 'integer',
          format: 'integer',
          description: "Who wrote it\n\nNote:\nThis is a Foreign Key to `people.id`.<fk table='people' column='id'/>",
        },
        title: { type: 'string', format: 'character varying', maxLength: 20, default: 'none' },
        state: { type: 'string', format: 'api.state', enum: ['draft', 'done'] },
        tags: { type: 'array', format: 'text[]', items: { type: 'string' } },
      },
    });
  });

  test('refers only to parameters that it has', () => {
    const document = render();
    const known = new Set(Object.keys(document.parameters).map((name) => `#/parameters/${name}`));
    const references = JSON.stringify(document.paths).matchAll(/"(#\/parameters\/[^"]+)"/g);
    for (const [, reference] of references) expect(known).toContain(reference);
  });

  test('describes functions; those that may write have no GET', () => {
    const { paths } = render();
    expect(Object.keys(paths['/rpc/write'] ?? {})).toEqual(['post']);
    expect(paths['/rpc/add']?.get?.parameters).toEqual([
      { name: 'a', in: 'query', required: true, type: 'integer', format: 'integer' },
      { name: 'b', in: 'query', required: false, type: 'string', format: 'integer[]' },
    ]);
  });
});

test('PostgreSQL types become types of JSON', () => {
  expect(['bigint', 'numeric', 'boolean', 'jsonb', 'uuid', 'text[]', 'constructor'].map(swaggerType)).toEqual([
    'integer',
    'number',
    'boolean',
    undefined,
    'string',
    'array',
    'string',
  ]);
  expect(defaultValue('integer', '42')).toBe(42);
  expect(defaultValue('boolean', 'false')).toBe(false);
  expect(defaultValue('timestamp with time zone', 'now()')).toBe('now()');
  expect(defaultValue('integer', 'random()')).toBeUndefined();
});

test('a comment is a summary and a description', () => {
  expect(splitComment('one\n\ntwo\nthree')).toEqual({ summary: 'one', description: 'two\nthree' });
  expect(splitComment('one')).toEqual({ summary: 'one' });
  expect(splitComment(null)).toEqual({});
});

test('the address is what is set, or where the request came', () => {
  expect(openApiUrl('https://api.example.org/x', 'other', '').href).toBe('https://api.example.org/x');
  expect(openApiUrl(null, 'localhost:8000', '/rest/v1').href).toBe('http://localhost:8000/rest/v1');
  expect(openApiUrl(null, undefined, '').href).toBe('http://0.0.0.0:3000/');
  expect(openApiUrl(null, 'not a host', '').href).toBe('http://0.0.0.0:3000/');
});
