import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createThrowAwayFolder } from '@holdfast/testkit';
import type { Action, Plan } from '@supabase/pg-delta';
import { describe, expect, test } from 'vitest';
import { describeDifference } from '../src/diff/describe-difference.js';
import { checkMigrationName, nameFiles, writeFiles } from '../src/diff/migration-file.js';
import { appendParts, destructiveStatements, renderPlan, type SqlPart, textOf } from '../src/diff/render-plan.js';

const action = (sql: string, more: Partial<Action> = {}): Action => ({
  sql,
  verb: 'create',
  produces: [],
  consumes: [],
  destroys: [],
  releases: [],
  transactionality: 'transactional',
  lockClass: 'none',
  newSegmentBefore: false,
  dataLoss: 'none',
  rewriteRisk: false,
  ...more,
});
const planOf = (actions: readonly Action[], more: Partial<Plan> = {}): Plan => ({
  formatVersion: 1,
  engineVersion: '0',
  source: { fingerprint: '' },
  target: { fingerprint: '' },
  preamble: [],
  deltas: [],
  filteredDeltas: [],
  renameCandidates: [],
  actions: [...actions],
  safetyReport: { destructiveActions: 0, rewriteRiskActions: 0, nonTransactionalActions: 0, lockClasses: {} },
  ...more,
});
const nothing = { from: [], to: [] };
const part = (...statements: readonly string[]): SqlPart => ({ transactional: true, statements });

describe('renderPlan', () => {
  test('is one transaction but where PostgreSQL needs more', () => {
    const plan = planOf(
      [
        action('CREATE TABLE a ();'),
        action("ALTER TYPE mood ADD VALUE 'x'", { transactionality: 'commitBoundaryAfter' }),
        action('CREATE TABLE b ()'),
        action("ALTER TABLE c ALTER m SET DEFAULT 'x'", { newSegmentBefore: true }),
        action('CREATE SUBSCRIPTION s', { transactionality: 'nonTransactional' }),
        action('CREATE TABLE d ()'),
      ],
      {
        preamble: [
          { name: 'search_path', value: 'pg_catalog' },
          { name: 'check_function_bodies', value: 'off' },
        ],
      },
    );
    const settings = 'SET LOCAL check_function_bodies = off';
    expect(renderPlan(plan, 'postgres')).toEqual([
      part(settings, 'CREATE TABLE a ()', "ALTER TYPE mood ADD VALUE 'x'", 'CREATE TABLE b ()'),
      part(settings, "ALTER TABLE c ALTER m SET DEFAULT 'x'"),
      { transactional: false, statements: ['CREATE SUBSCRIPTION s'] },
      part(settings, 'CREATE TABLE d ()'),
    ]);
  });

  test('says the owner only where it is not who runs it', () => {
    const a = { kind: 'table', schema: 'public', name: 'a' } as const;
    const owner = (name: string, table: { kind: 'table'; schema: string; name: string }) =>
      action(`ALTER TABLE "public"."${table.name}" OWNER TO "${name}"`, { verb: 'alter', consumes: [table] });
    const plan = planOf([
      action('CREATE TABLE a ()', { produces: [a] }),
      owner('postgres', a),
      owner('anon', a),
      owner('postgres', { ...a, name: 'old' }),
    ]);
    expect(renderPlan(plan, 'postgres').flatMap(({ statements }) => statements)).toEqual([
      'CREATE TABLE a ()',
      'ALTER TABLE "public"."a" OWNER TO "anon"',
      'ALTER TABLE "public"."old" OWNER TO "postgres"',
    ]);
  });

  test('makes an index of a partitioned table on its partitions too', () => {
    const sql = (text: string) => renderPlan(planOf([action(text)]), 'postgres')[0]?.statements[0];
    expect(sql('CREATE INDEX log_at ON ONLY public.log USING btree (at)')).toBe(
      'CREATE INDEX log_at ON public.log USING btree (at)',
    );
    expect(sql('CREATE UNIQUE INDEX "a ""b"" ON ONLY" ON ONLY public.log (at)')).toBe(
      'CREATE UNIQUE INDEX "a ""b"" ON ONLY" ON public.log (at)',
    );
  });

  test('what is found later joins the transaction only where it is safe in there', () => {
    const first = [part('SET LOCAL x = 1', 'CREATE TABLE a ()')];
    expect(appendParts(first, [part('SET LOCAL x = 1', 'REVOKE ALL ON a FROM anon'), part('b')])).toEqual([
      part('SET LOCAL x = 1', 'CREATE TABLE a ()', 'REVOKE ALL ON a FROM anon'),
      part('b'),
    ]);
    expect(appendParts(first, [part('DROP TABLE b')])).toEqual([...first, part('DROP TABLE b')]);
    expect(appendParts([], first)).toEqual(first);
  });

  test('what loses something is told from what only takes rights away', () => {
    expect(
      destructiveStatements([
        action('CREATE TABLE a ()'),
        action('DROP TABLE b;', { verb: 'drop' }),
        action('ALTER TYPE c', { verb: 'alter', dataLoss: 'destructive' }),
        action('REVOKE ALL ON d FROM anon', { verb: 'drop' }),
      ]),
    ).toEqual(['DROP TABLE b', 'ALTER TYPE c']);
  });

  test('ends each statement', () => {
    expect(textOf(part('SELECT 1', 'SELECT 2'))).toBe('SELECT 1;\n\nSELECT 2;\n');
  });
});

describe('describeDifference', () => {
  test('names roles that only the cluster knows', () => {
    const target = { kind: 'table', schema: 'public', name: 'a' } as const;
    const plan = planOf([
      action('GRANT', { produces: [{ kind: 'acl', target, grantee: 'reporting' }] }),
      action('GRANT', { produces: [{ kind: 'acl', target, grantee: 'anon' }] }),
    ]);
    expect(describeDifference([plan], nothing, ['reporting', 'unused'])).toEqual([
      expect.stringContaining('creates the role reporting'),
    ]);
  });

  test('names once what is not compared', () => {
    const diagnostic = {
      code: 'unmodeled_kind',
      severity: 'warning',
      message: '',
      context: { kind: 'cast', count: 1, samples: ['a AS b'] },
    } as const;
    expect(describeDifference([], { from: [diagnostic], to: [diagnostic] }, [])).toEqual([
      'Not compared, look yourself: 1 of the kind cast (a AS b).',
    ]);
  });
});

describe('the file of a new migration', () => {
  const now = new Date('2026-02-28T23:59:59.900Z');
  const versions = (existing: readonly string[], parts = 1) =>
    nameFiles(
      'm',
      'x',
      Array.from({ length: parts }, () => part('SELECT 1')),
      existing.map((version) => ({ version })),
      now,
    ).map(({ path }) => path);

  test('is named as the Supabase CLI names it', () => {
    expect(versions([])).toEqual(['m/20260228235959_x.sql']);
    expect(versions(['20260101000000'], 2)).toEqual(['m/20260228235959_x_1.sql', 'm/20260301000000_x_2.sql']);
  });

  test('comes after all that are there, whatever their clock said', () => {
    expect(versions(['20260228235959'])).toEqual(['m/20260301000000_x.sql']);
    expect(versions(['20270101000000', '1'])).toEqual(['m/20270101000001_x.sql']);
    expect(() => versions(['3_no_time'])).toThrow(expect.objectContaining({ code: 'HF_DB_FILES_INVALID' }));
    expect(() => versions(['99999999999999'])).toThrow(expect.objectContaining({ code: 'HF_DB_FILES_INVALID' }));
  });

  test.each(['add_posts', 'Add-Posts2'])('%s is a name', (name) => {
    expect(checkMigrationName(name)).toBe(name);
  });

  test.each(['', '-x', '../x', 'a/b', 'a b', 'a.sql', 'ä', 'a\nb', 'a'.repeat(101)])('%j is none', (name) => {
    expect(() => checkMigrationName(name)).toThrow(expect.objectContaining({ code: 'HF_DB_DIFF_NAME' }));
  });

  test('is never written over another, and all of them or none are written', async () => {
    await using folder = await createThrowAwayFolder();
    const there = join(folder.path, '2_x.sql');
    await writeFile(there, 'mine');
    const files = [
      { version: '1', path: join(folder.path, '1_x.sql'), sql: 'SELECT 1;\n' },
      { version: '2', path: there, sql: 'SELECT 2;\n' },
    ];
    await expect(writeFiles(files)).rejects.toMatchObject({ code: 'HF_DB_FILE_EXISTS' });
    expect(await readdir(folder.path)).toEqual(['2_x.sql']);
    expect(await readFile(there, 'utf8')).toBe('mine');
    await writeFiles(files.slice(0, 1));
    expect(await readFile(join(folder.path, '1_x.sql'), 'utf8')).toBe('SELECT 1;\n');
  });
});
