import { type Connection, connect } from '@holdfast/postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  postgresBin,
  startThrowAwayPostgres,
  type ThrowAwayPostgres,
} from '../../postgres/test/throw-away-postgres.js';
import { applyMigrations, readRecorded } from '../src/apply-migrations.js';
import type { Migration } from '../src/migration.js';

const { signal } = new AbortController();
const options = { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 30_000 };

const migration = (version: number, sql: string): Migration => ({
  version,
  name: `step_${version}`,
  path: `migrations/000${version}_step_${version}.sql`,
  sql,
  checksum: `sum of ${sql}`,
});

describe.skipIf(postgresBin === undefined)('applyMigrations', () => {
  let server: ThrowAwayPostgres;
  let connection: Connection;
  const open = () => connect(server.target, options);
  const tables = async () =>
    (await connection.query("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1")).map(
      ({ relname }) => relname,
    );

  beforeAll(async () => {
    server = await startThrowAwayPostgres(postgresBin ?? '');
    connection = await open();
  });
  beforeEach(async () => {
    await connection.query('DROP SCHEMA IF EXISTS holdfast CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  });
  afterAll(async () => {
    await connection?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const two = [migration(1, 'CREATE TABLE public.one ()'), migration(2, 'CREATE TABLE public.two ()')];

  test('runs what did not run yet, once', async () => {
    expect(await applyMigrations(connection, two.slice(0, 1), { signal })).toHaveLength(1);
    expect((await applyMigrations(connection, two, { signal })).map(({ migration: { version } }) => version)).toEqual([
      2,
    ]);
    expect(await applyMigrations(connection, two, { signal })).toEqual([]);
    expect(await tables()).toEqual(['one', 'two']);
    expect(await readRecorded(connection)).toEqual(
      two.map(({ version, name, checksum }) => ({ version, name, checksum })),
    );
  });

  test('several at once run each of them once', async () => {
    const many = Array.from({ length: 20 }, (_, index) => migration(index + 1, `CREATE TABLE public.t${index} ()`));
    const results = await Promise.all(
      Array.from({ length: 4 }, async () => {
        await using own = await open();
        return await applyMigrations(own, many, { signal });
      }),
    );
    expect(results.flat()).toHaveLength(20);
    expect(await tables()).toHaveLength(20);
  });

  test('one that fails leaves nothing of itself and names the line; those before it stay', async () => {
    const broken = migration(2, 'CREATE TABLE public.two ();\n\nCREATE TABLE public.three (a nonsense);');
    await expect(applyMigrations(connection, [two[0] as Migration, broken], { signal })).rejects.toMatchObject({
      code: 'HF_MIGRATION_FAILED',
      detail: expect.stringMatching(/^line 3: type "nonsense" does not exist/),
    });
    expect(await tables()).toEqual(['one']);
    expect(await applyMigrations(connection, two, { signal })).toHaveLength(1);
    expect(await tables()).toEqual(['one', 'two']);
  });

  test.each([
    ['changed', [migration(1, 'SELECT 1')], 'HF_MIGRATION_CHANGED'],
    ['gone', [migration(2, 'CREATE TABLE public.two ()')], 'HF_MIGRATION_MISSING'],
    ['renumbered', [{ ...migration(1, 'CREATE TABLE public.one ()'), version: 2 }], 'HF_MIGRATION_MISSING'],
  ])('a past migration that is %s is an error, and nothing runs', async (_, files, code) => {
    await applyMigrations(connection, two.slice(0, 1), { signal });
    await expect(applyMigrations(connection, files, { signal })).rejects.toMatchObject({ code });
    expect(await tables()).toEqual(['one']);
  });

  test('a connection that is lost in the middle leaves all of a migration or nothing', async () => {
    const slow = [two[0] as Migration, migration(2, 'CREATE TABLE public.two (); SELECT pg_sleep(10)')];
    await using own = await open();
    const [{ pid } = { pid: 0 }] = await own.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const running = applyMigrations(own, slow, {
      signal,
      onApplied: () => void setTimeout(() => void connection.query('SELECT pg_terminate_backend($1)', [pid]), 200),
    });
    await expect(running).rejects.toThrow();
    expect(await tables()).toEqual(['one']);
    expect(await readRecorded(connection)).toHaveLength(1);
  });

  test('commands that cannot run in a transaction are refused by the server, and said with their line', async () => {
    const concurrently = migration(
      1,
      'CREATE TABLE public.one (n int);\nCREATE INDEX CONCURRENTLY i ON public.one (n)',
    );
    await expect(applyMigrations(connection, [concurrently], { signal })).rejects.toMatchObject({
      code: 'HF_MIGRATION_FAILED',
      detail: expect.stringContaining('cannot run inside a transaction block'),
    });
    expect(await tables()).toEqual([]);
  });
});
