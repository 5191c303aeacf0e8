import { describe, expect, test } from 'vitest';
import { findRelationship } from '../../src/schema-cache/find-relationship.js';
import { findRoutine } from '../../src/schema-cache/find-routine.js';
import { findTable } from '../../src/schema-cache/find-table.js';
import type { Relationship } from '../../src/schema-cache/types.js';
import { cacheOf, manyToOne, parameter, routine, table } from '../support/schema-builder.js';
import { thrown } from '../support/thrown.js';

const api = (name: string) => ({ schema: 'api', name });

describe('a table', () => {
  const cache = cacheOf({ tables: [table('projects')] });

  test('is found by schema and name', () => {
    expect(findTable(cache, api('projects')).name).toBe('projects');
  });

  test('is PGRST205 otherwise, with a similar name of that schema', async () => {
    const error = await thrown(() => findTable(cache, api('projectx')));
    expect(error.status).toBe(404);
    expect(error.body).toEqual({
      code: 'PGRST205',
      message: "Could not find the table 'api.projectx' in the schema cache",
      details: null,
      hint: "Perhaps you meant the table 'api.projects'",
    });
    expect((await thrown(() => findTable(cache, { schema: 'other', name: 'projectx' }))).hint).toBeNull();
  });
});

describe('a relationship', () => {
  const toAuthor = manyToOne('posts', 'people', 'posts_author_fkey', [['author', 'id']]);
  const toEditor = manyToOne('posts', 'people', 'posts_editor_fkey', [['editor', 'id']]);
  const toBlog = manyToOne('posts', 'blogs', 'posts_blog_fkey', [['blog', 'id']]);
  const overView = manyToOne('posts', 'people_view', 'posts_author_fkey', [['author', 'id']], { targetIsView: true });
  const junction: Relationship = {
    kind: 'junction',
    cardinality: 'many-to-many',
    source: api('posts'),
    target: api('tags'),
    isSelf: false,
    sourceIsView: false,
    targetIsView: false,
    junction: {
      table: api('posts_tags'),
      sourceConstraint: 'to_post',
      targetConstraint: 'to_tag',
      sourceColumns: [{ source: 'id', junction: 'post' }],
      targetColumns: [{ target: 'id', junction: 'tag' }],
    },
  };
  const parent = manyToOne('people', 'people', 'people_boss_fkey', [['boss', 'id']]);
  const children = manyToOne('people', 'people', 'people_boss_fkey', [['id', 'boss']], {
    cardinality: 'one-to-many',
    sourceHoldsKey: false,
  });
  const computed: Relationship = {
    kind: 'computed',
    cardinality: 'one-to-many',
    function: api('drafts'),
    source: api('people'),
    target: api('posts'),
    isSelf: false,
  };
  const cache = cacheOf({
    tables: [table('posts'), table('people'), table('alone')],
    relationships: [toAuthor, toEditor, toBlog, overView, junction, parent, children, computed],
  });
  const find = (source: string, target: string, hint?: string) => findRelationship(cache, api(source), target, hint);

  test.each([
    ['blogs', undefined, toBlog],
    ['posts_blog_fkey', undefined, toBlog],
    ['blog', undefined, toBlog],
    ['people', 'posts_author_fkey', toAuthor],
    ['people', 'editor', toEditor],
    ['people_view', undefined, overView],
    ['tags', undefined, junction],
    ['tags', 'posts_tags', junction],
  ])('of posts to %s by the hint %s', (target, hint, found) => {
    expect(find('posts', target, hint)).toBe(found);
  });

  test('of a table to itself: its name means the many, the column the one', () => {
    expect(find('people', 'people')).toBe(children);
    expect(find('people', 'boss')).toBe(parent);
    expect(find('people', 'people', 'boss')).toBe(children);
  });

  test('that a function makes is found by the function', () => {
    expect(find('people', 'drafts')).toBe(computed);
  });

  test('by a key name or column leads to tables only', () => {
    expect(find('posts', 'author')).toBe(toAuthor);
    expect(find('posts', 'posts_author_fkey')).toBe(toAuthor);
  });

  test('that is not the only one is PGRST201, all listed', async () => {
    const error = await thrown(() => find('posts', 'people'));
    expect(error.status).toBe(300);
    expect(error.body).toEqual({
      code: 'PGRST201',
      message: "Could not embed because more than one relationship was found for 'posts' and 'people'",
      details: [
        {
          cardinality: 'many-to-one',
          embedding: 'posts with people',
          relationship: 'posts_author_fkey using posts(author) and people(id)',
        },
        {
          cardinality: 'many-to-one',
          embedding: 'posts with people',
          relationship: 'posts_editor_fkey using posts(editor) and people(id)',
        },
      ],
      hint: "Try changing 'people' to one of the following: 'people!posts_author_fkey', 'people!posts_editor_fkey'. Find the desired relationship in the 'details' key.",
    });
  });

  test('that is not there is PGRST200, with what may have been meant', async () => {
    const error = await thrown(() => find('posts', 'blog_s', 'x'));
    expect(error.status).toBe(400);
    expect(error.body).toEqual({
      code: 'PGRST200',
      message: "Could not find a relationship between 'posts' and 'blog_s' in the schema cache",
      details:
        "Searched for a foreign key relationship between 'posts' and 'blog_s' using the hint 'x' in the schema 'api', but no matches were found.",
      hint: "Perhaps you meant 'blogs' instead of 'blog_s'.",
    });
    expect((await thrown(() => find('posts', 'blogs', 'wrong'))).hint).toBeNull();
    expect((await thrown(() => find('post', 'blogs'))).hint).toBe("Perhaps you meant 'posts' instead of 'post'.");
    expect((await thrown(() => find('alone', 'blogs'))).hint).toBeNull();
  });
});

describe('a function', () => {
  const noArguments = routine('f', []);
  const one = routine('f', [parameter('a')]);
  const two = routine('f', [parameter('a'), parameter('b', 'text', { required: false })]);
  const body = routine('f', [parameter('', 'json')]);
  const find = (
    routines: readonly ReturnType<typeof routine>[],
    names: readonly string[],
    kind: 'json' | 'text' | null,
  ) => findRoutine(cacheOf({ routines }), { routine: api('f'), argumentNames: names, body: kind });

  test('is the overload that takes just these arguments', () => {
    expect(find([noArguments, one], [], null)).toBe(noArguments);
    expect(find([noArguments, one], ['a'], null)).toBe(one);
    expect(find([noArguments, two], ['a', 'b'], null)).toBe(two);
    expect(find([noArguments, two], ['a'], 'json')).toBe(two);
  });

  test('with one unnamed parameter takes the body where no other fits', () => {
    expect(find([one, body], ['x'], 'json')).toBe(body);
    expect(find([one, body], ['a'], 'json')).toBe(one);
    const text = routine('f', [parameter('', 'text')]);
    expect(find([noArguments, text, body], [], 'text')).toBe(text);
  });

  test('that is not the only one is PGRST203', async () => {
    const error = await thrown(() => find([one, two], ['a'], null));
    expect(error.status).toBe(300);
    expect(error.message).toBe(
      'Could not choose the best candidate function between: api.f(a => integer), api.f(a => integer, b => text)',
    );
  });

  test('that is not there is PGRST202, worded by what was possible', async () => {
    const error = await thrown(() => find([one], ['b', 'a'], 'json'));
    expect(error.status).toBe(404);
    expect(error.body).toEqual({
      code: 'PGRST202',
      message: 'Could not find the function api.f(a, b) in the schema cache',
      details:
        'Searched for the function api.f with parameters a, b or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache.',
      hint: 'Perhaps you meant to call the function api.f(a)',
    });
    const unnamed = await thrown(() => find([one], [], 'text'));
    expect(unnamed.message).toBe('Could not find the function api.f in the schema cache');
    expect(unnamed.details).toContain('with a single unnamed text parameter');
    expect(unnamed.hint).toBeNull();
    const none = await thrown(() => find([one], [], null));
    expect(none.message).toBe('Could not find the function api.f without parameters in the schema cache');
  });
});
