import { type Connection, connect } from '@holdfast/postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  postgresBin,
  startThrowAwayPostgres,
  type ThrowAwayPostgres,
} from '../../postgres/test/throw-away-postgres.js';
import {
  applyAllAgain,
  applyMigrations,
  pushProject,
  readProjectRecords,
  readSupabaseSchema,
  repairProject,
  resetProject,
} from '../src/index.js';
import type { Migration } from '../src/migration.js';
import type { ProjectMigration } from '../src/project/project-migration.js';

const { signal } = new AbortController();
const options = { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 60_000 };
const settings = { includeAll: false, signal };
const file = (version: string, sql: string): ProjectMigration => ({
  version,
  name: 'step',
  path: `supabase/migrations/${version}_step.sql`,
  sql,
});

describe.skipIf(postgresBin === undefined)("the project's own migrations", () => {
  let server: ThrowAwayPostgres;
  let main: Connection;
  let schema: readonly Migration[];
  const tables = async () =>
    (await main.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")).map(
      ({ tablename }) => tablename,
    );
  const reset = async (migrations: readonly ProjectMigration[], seed?: string) =>
    await resetProject(
      main,
      { migrations, ignored: [], seed: seed === undefined ? undefined : { path: 'supabase/seed.sql', sql: seed } },
      async () => await applyAllAgain(main, schema),
    );

  beforeAll(async () => {
    server = await startThrowAwayPostgres(postgresBin ?? '');
    main = await connect(server.target, options);
    schema = (await readSupabaseSchema())[0]?.migrations ?? [];
    await applyMigrations(main, schema, { signal });
  });
  beforeEach(async () => {
    await main.query(
      'DROP SCHEMA public CASCADE; CREATE SCHEMA public; TRUNCATE supabase_migrations.schema_migrations',
    );
  });
  afterAll(async () => {
    await main?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const two = [
    file('20260101', 'CREATE TABLE public.one (n int);\nINSERT INTO public.one VALUES (1);'),
    file('20260102', 'BEGIN;\nCREATE TABLE public.two ();\nCOMMIT;'),
  ];

  test('run once, and are recorded as the Supabase CLI does', async () => {
    expect(await pushProject(main, two, settings)).toHaveLength(2);
    expect(await pushProject(main, two, settings)).toEqual([]);
    expect(await tables()).toEqual(['one', 'two']);
    expect(await readProjectRecords(main)).toEqual(
      two.map(({ version, name, sql }) => ({ version, name, statements: [sql] })),
    );
  });

  test('two that push at once do each of them once', async () => {
    const many = Array.from({ length: 10 }, (_, index) => file(`2026010${index}`, `CREATE TABLE public.t${index} ()`));
    const results = await Promise.all(
      [1, 2, 3].map(async () => {
        await using own = await connect(server.target, options);
        return await pushProject(own, many, settings);
      }),
    );
    expect(results.flat()).toHaveLength(10);
  });

  test('a mistake in a later file is said before the first one runs', async () => {
    await expect(pushProject(main, [...two, file('20260103', 'CREATE TABL x')], settings)).rejects.toMatchObject({
      code: 'HF_DB_SYNTAX',
    });
    expect(await tables()).toEqual([]);
  });

  test('one that fails leaves nothing of itself, and what it set does not reach the next', async () => {
    const broken = file(
      '20260103',
      'CREATE TABLE public.three ();\nSET search_path = auth;\nSET ROLE anon;\nSELECT 1 / 0',
    );
    await expect(pushProject(main, [...two, broken], settings)).rejects.toMatchObject({
      code: 'HF_DB_MIGRATION_FAILED',
      message: expect.stringContaining('20260103_step.sql, line 4: division by zero'),
    });
    expect(await tables()).toEqual(['one', 'two']);
    const mended = file('20260103', 'SET search_path = auth; SET ROLE anon');
    await pushProject(main, [...two, mended, file('20260104', 'CREATE TABLE four ()')], settings);
    expect(await tables()).toEqual(['four', 'one', 'two']);
  });

  test('what cannot run in a transaction is refused with what to do', async () => {
    const index = file('20260102', 'CREATE INDEX CONCURRENTLY i ON public.one (n)');
    await expect(pushProject(main, [two[0] as ProjectMigration, index], settings)).rejects.toMatchObject({
      code: 'HF_DB_MIGRATION_FAILED',
      suggestion: expect.stringContaining('by hand'),
    });
    expect(await tables()).toEqual(['one']);
  });

  test('the record of what ran is mended without running anything', async () => {
    const [one, other] = two as [ProjectMigration, ProjectMigration];
    expect(await repairProject(main, two, [one.version, other.version], 'applied')).toEqual([
      one.version,
      other.version,
    ]);
    expect(await tables()).toEqual([]);
    expect(await pushProject(main, two, settings)).toEqual([]);
    expect(await repairProject(main, two, [one.version], 'applied')).toEqual([]);

    const edited = { ...one, sql: 'CREATE TABLE public.one ()' };
    expect(await repairProject(main, [edited, other], [one.version], 'applied')).toEqual([one.version]);
    expect((await readProjectRecords(main))[0]?.statements).toEqual([edited.sql]);

    // What has no file any more can only be forgotten.
    await expect(repairProject(main, [other], [one.version], 'applied')).rejects.toMatchObject({
      code: 'HF_DB_REPAIR_UNKNOWN',
    });
    expect(await repairProject(main, [other], [one.version], 'reverted')).toEqual([one.version]);
    await expect(repairProject(main, two, [other.version, '1'], 'reverted')).rejects.toMatchObject({
      code: 'HF_DB_REPAIR_UNKNOWN',
    });
    expect((await readProjectRecords(main)).map(({ version }) => version)).toEqual([other.version]);
    expect((await pushProject(main, two, { ...settings, includeAll: true })).map(({ version }) => version)).toEqual([
      one.version,
    ]);
  });

  test('what is there already is refused with the way to record it', async () => {
    await main.query('CREATE TABLE public.one ()');
    await expect(pushProject(main, two, settings)).rejects.toMatchObject({
      code: 'HF_DB_MIGRATION_FAILED',
      suggestion: expect.stringContaining('holdfast db repair --status applied'),
    });
  });

  test('a database without the table of what ran is named as such', async () => {
    await main.query('CREATE DATABASE bare');
    await using bare = await connect({ ...server.target, database: 'bare' }, options);
    await expect(readProjectRecords(bare)).rejects.toMatchObject({ code: 'HF_DB_NOT_PREPARED' });
  });

  describe('reset', () => {
    test('makes the database anew: the schema, the migrations, the seed', async () => {
      await pushProject(main, two, settings);
      await main.query('CREATE SCHEMA mine; CREATE TABLE mine.own (); CREATE TABLE public.left_over ()');
      expect(await reset(two, 'INSERT INTO public.one VALUES (2)')).toEqual(
        expect.arrayContaining(['auth', 'mine', 'public']),
      );
      expect(await tables()).toEqual(['one', 'two']);
      expect(await main.query('SELECT n FROM public.one ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }]);
      expect(
        await main.query("SELECT to_regnamespace('mine') AS mine, to_regrole('anon') IS NOT NULL AS anon"),
      ).toEqual([{ mine: null, anon: true }]);
      expect(await applyMigrations(main, schema, { signal })).toEqual([]);
      expect(await main.query("SELECT has_table_privilege('anon', 'public.one', 'SELECT') AS open")).toEqual([
        { open: true },
      ]);
      expect((await readProjectRecords(main)).map(({ version }) => version)).toEqual(['20260101', '20260102']);
    });

    test('leaves everything as it was when a file is wrong', async () => {
      await pushProject(main, two, settings);
      await main.query('CREATE TABLE public.kept (); INSERT INTO public.one VALUES (7)');
      await expect(reset(two, 'INSERT INTO public.nothing VALUES (1)')).rejects.toMatchObject({
        code: 'HF_DB_MIGRATION_FAILED',
        message: expect.stringContaining('seed.sql, line 1'),
      });
      expect(await tables()).toEqual(['kept', 'one', 'two']);
      expect(await main.query('SELECT count(*)::int AS n FROM public.one')).toEqual([{ n: 2 }]);
    });
  });
});
