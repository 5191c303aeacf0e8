import { expect, test } from 'vitest';
import { newFiles, readDiffFlags } from '../src/commands/db/diff.js';

test.each([
  [{}, {}],
  [{ f: 'add_posts' }, { name: 'add_posts' }],
  [{ file: 'add_posts' }, { name: 'add_posts' }],
  [{ f: 'other.yaml' }, { specFile: 'other.yaml' }],
  [
    { f: '../x/holdfast.yml', file: 'add_posts' },
    { name: 'add_posts', specFile: '../x/holdfast.yml' },
  ],
  [
    { f: 'add_posts', file: 'other.yaml' },
    { name: 'add_posts', specFile: 'other.yaml' },
  ],
  [{ f: '../add_posts' }, { name: '../add_posts' }],
])('%j', (given, expected) => {
  expect(readDiffFlags(given)).toEqual({ name: undefined, specFile: undefined, ...expected });
});

test('two of a kind are refused', () => {
  expect(() => readDiffFlags({ f: 'a', file: 'b' })).toThrow(expect.objectContaining({ code: 'HF_USAGE' }));
  expect(() => readDiffFlags({ f: 'a.yaml', file: 'b.yaml' })).toThrow(expect.objectContaining({ code: 'HF_USAGE' }));
});

test('what is not proven, or cannot run in a transaction, is never written', () => {
  const project = { migrations: [] };
  const parts = [{ transactional: true, statements: ['SELECT 1'] }];
  expect(newFiles('m', 'x', project, { parts, unproven: undefined })).toHaveLength(1);
  expect(() => newFiles('m', 'x', project, { parts, unproven: 'It fails.' })).toThrow(
    expect.objectContaining({ code: 'HF_DB_DIFF_UNPROVEN', detail: 'It fails.' }),
  );
  const byHand = [...parts, { transactional: false, statements: ['CREATE SUBSCRIPTION s'] }];
  expect(() => newFiles('m', 'x', project, { parts: byHand, unproven: undefined })).toThrow(
    expect.objectContaining({ code: 'HF_DB_DIFF_BY_HAND', detail: 'CREATE SUBSCRIPTION s' }),
  );
});
