import { describe, expect, test } from 'vitest';
import { describeFeatures, type ExtensionFacts } from '../src/supabase/features.js';

const facts: ExtensionFacts = {
  extensions: new Map(),
  preloaded: [],
  hasWal2json: true,
  outputPlugins: undefined,
  hasStandIn: () => true,
  requests: undefined,
};
const pgNet = (change: Partial<ExtensionFacts>) =>
  describeFeatures({ ...facts, ...change }, 15).find(({ name }) => name === 'pg_net');

describe('pg_net in describeFeatures', () => {
  test.each([
    [undefined, 'same names and signatures, in SQL'],
    [{ waiting: 3, workers: 1 }, 'same names and signatures, in SQL, with a worker; 3 requests wait'],
    [
      { waiting: 100_000, workers: 2 },
      'same names and signatures, in SQL, with a worker; at least 100000 requests wait',
    ],
    [
      { waiting: 0, workers: 0 },
      'same names and signatures, in SQL; 0 requests wait, and no worker is connected: holdfast ps; holdfast logs net',
    ],
  ])('a stand-in with %j', (requests, note) => {
    expect(pgNet({ requests })).toEqual({ name: 'pg_net', state: 'stand-in', version: undefined, note });
  });

  test('the extension itself', () => {
    const extensions = new Map([['pg_net', { installed: '0.14.0', available: '0.14.0' }]]);
    expect(pgNet({ extensions, preloaded: ['pg_net'] })).toMatchObject({ state: 'ready', note: '' });
  });
});

describe('wal2json in describeFeatures', () => {
  const wal2json = (change: Partial<ExtensionFacts>) =>
    describeFeatures({ ...facts, ...change }, 15).find(({ name }) => name === 'wal2json');

  test.each([
    [
      { hasWal2json: false },
      'not available',
      'no postgres_changes in Realtime; apt-get install postgresql-15-wal2json',
    ],
    [{}, 'ready', ''],
    [{ outputPlugins: ['pgoutput', 'wal2json'] }, 'ready', ''],
    [
      { outputPlugins: ['pgoutput', 'test_decoding'] },
      'must be loaded',
      'postgres.parameters.output_plugin_libraries: pgoutput, test_decoding, wal2json',
    ],
  ] as const)('%j: %s', (change, state, note) => {
    expect(wal2json(change)).toMatchObject({ state, note });
  });
});
