import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createThrowAwayFolder } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';
import { planPush } from '../src/project/plan-push.js';
import type { ProjectMigration, RecordedProjectMigration } from '../src/project/project-migration.js';
import { statementsOf } from '../src/project/push.js';
import { readProject } from '../src/project/read-project.js';

const file = (version: string, sql = `SELECT ${version}`): ProjectMigration => ({
  version,
  name: 'step',
  path: `supabase/migrations/${version}_step.sql`,
  sql,
});
const ran = ({ version, name, sql }: ProjectMigration): RecordedProjectMigration => ({
  version,
  name,
  statements: [sql],
});
const push = (files: readonly ProjectMigration[], recorded: readonly RecordedProjectMigration[], includeAll = false) =>
  planPush(files, recorded, { includeAll }).map(({ version }) => version);

describe('planPush', () => {
  const [one, two, three] = [file('20260101000000'), file('20260102000000'), file('20260103000000')];

  test('answers what has not run', () => {
    expect(push([one, two, three], [])).toEqual([one.version, two.version, three.version]);
    expect(push([one, two, three], [ran(one), ran(two)])).toEqual([three.version]);
    expect(push([one], [ran(one)])).toEqual([]);
  });

  test('takes what the Supabase CLI recorded as the same', () => {
    const multiple = file('1', '-- tables\nCREATE TABLE a ();\n\nCREATE TABLE b ();\n');
    expect(
      push(
        [multiple],
        [{ version: '1', name: 'step', statements: ['-- tables\nCREATE TABLE a ()', 'CREATE TABLE b ()'] }],
      ),
    ).toEqual([]);
    expect(push([multiple], [{ version: '1', name: 'step', statements: null }])).toEqual([]);
  });

  test.each([
    ['one that ran and has no file', [two], [ran(one)], 'HF_DB_MIGRATION_UNKNOWN'],
    ['a file that was edited', [file(one.version, 'SELECT 9')], [ran(one)], 'HF_DB_MIGRATION_CHANGED'],
    ['one before what ran', [one, two], [ran(two)], 'HF_DB_MIGRATION_LATE'],
  ])('refuses %s', (_, files, recorded, code) => {
    expect(() => push(files, recorded)).toThrow(expect.objectContaining({ code }));
  });

  test('one before what ran can be asked for', () => {
    expect(push([one, two], [ran(two)], true)).toEqual([one.version]);
  });

  test('names the file that a renumbered migration has become', () => {
    expect(() => push([file('20260109000000', one.sql)], [ran(one)])).toThrow(
      expect.objectContaining({ detail: expect.stringContaining('20260109000000_step.sql') }),
    );
  });
});

describe('statementsOf', () => {
  const prepare = async (sql: string) => (await statementsOf(file('1', sql))).map(({ text }) => text);

  test('takes statements apart as PostgreSQL does', async () => {
    expect(
      await prepare(
        "-- ä first;\nCREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT ';' $$;\n/* second; */ SELECT 'it''s;';\n",
      ),
    ).toEqual(["CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT ';' $$", "SELECT 'it''s;'"]);
    for (const nothing of ['', ' \n', '-- only words\n']) expect(await prepare(nothing)).toEqual([]);
  });

  test('a file that is one transaction is run without its BEGIN and COMMIT', async () => {
    expect(await prepare('BEGIN;\nSELECT 1;\nSAVEPOINT a;\nCOMMIT;')).toEqual(['SELECT 1', 'SAVEPOINT a']);
  });

  test.each([
    ['SELECT 1;\nCOMMIT;\nSELECT 2;', 2],
    ['BEGIN;\nSELECT 1;\nROLLBACK;', 1],
    ['BEGIN; SELECT 1; COMMIT;\nBEGIN; SELECT 2; COMMIT;', 1],
  ])('%j ends its transaction: refused', async (sql, line) => {
    await expect(prepare(sql)).rejects.toMatchObject({
      code: 'HF_DB_TRANSACTION',
      message: expect.stringContaining(`line ${line}:`),
    });
  });

  test.each([
    ['SELECT 1;\n\nCREATE TABL x ();', 3],
    ['-- ä ö ü\nSELECT FROM FROM', 2],
  ])('%j is refused with its line', async (sql, line) => {
    await expect(prepare(sql)).rejects.toMatchObject({
      code: 'HF_DB_SYNTAX',
      message: expect.stringContaining(`line ${line}:`),
    });
  });
});

describe('readProject', () => {
  test('reads migrations in order, the seed, and what it leaves out', async () => {
    await using folder = await createThrowAwayFolder();
    await mkdir(join(folder.path, 'migrations'));
    for (const name of ['20260102_b.sql', '20260101_a.sql', 'notes.sql', 'README.md'])
      await writeFile(join(folder.path, 'migrations', name), 'SELECT 1');
    await writeFile(join(folder.path, 'seed.sql'), 'SELECT 2');
    const project = await readProject(folder.path);
    expect(project.migrations.map(({ version, name }) => `${version} ${name}`)).toEqual(['20260101 a', '20260102 b']);
    expect(project.ignored).toEqual(['notes.sql']);
    expect(project.seed?.sql).toBe('SELECT 2');
  });

  test('says what is missing, and what is there twice', async () => {
    await using folder = await createThrowAwayFolder();
    await expect(readProject(folder.path)).rejects.toMatchObject({ code: 'HF_DB_NO_PROJECT' });
    await mkdir(join(folder.path, 'migrations'));
    for (const name of ['1_a.sql', '1_b.sql']) await writeFile(join(folder.path, 'migrations', name), '');
    await expect(readProject(folder.path)).rejects.toMatchObject({ code: 'HF_DB_FILES_INVALID' });
  });
});
