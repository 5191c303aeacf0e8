import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createThrowAwayFolder } from '@holdfast/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Migration } from '../src/migration.js';
import { planMigrations } from '../src/plan-migrations.js';
import { readMigrations } from '../src/read-migrations.js';
import { readSupabaseSchema } from '../src/supabase-schema.js';

const migration = (version: number, sql = `SELECT ${version}`): Migration => ({
  version,
  name: `step_${version}`,
  path: `database/${version}.sql`,
  sql,
  checksum: sql,
});

describe('planMigrations', () => {
  const versions = fc
    .uniqueArray(fc.integer({ min: 1, max: 50 }), { maxLength: 12 })
    .map((all) => all.sort((a, b) => a - b));

  test('answers the rest, whatever ran before, and nothing once all ran', () => {
    fc.assert(
      fc.property(versions, fc.nat(12), (all, ran) => {
        const migrations = all.map((version) => migration(version));
        const recorded = migrations.slice(0, ran);
        expect(planMigrations(migrations, recorded)).toEqual(migrations.slice(ran));
      }),
    );
  });

  test('refuses every past that is not the one in the files', () => {
    fc.assert(
      fc.property(versions, fc.nat(), fc.constantFrom('changed', 'gone', 'late'), (all, at, how) => {
        fc.pre(all.length > 1);
        const migrations = all.map((version) => migration(version));
        const index = at % (all.length - 1);
        const one = migrations[index] as Migration;
        const refused = () => {
          if (how === 'changed')
            return planMigrations(migrations.with(index, { ...one, checksum: 'another' }), migrations);
          const others = migrations.filter((each) => each !== one);
          return how === 'gone' ? planMigrations(others, migrations) : planMigrations(migrations, others);
        };
        const code = {
          changed: 'HF_MIGRATION_CHANGED',
          gone: 'HF_MIGRATION_MISSING',
          late: 'HF_MIGRATION_OUT_OF_ORDER',
        };
        expect(refused).toThrow(expect.objectContaining({ code: code[how] }));
      }),
    );
  });

  test('names the file that a renumbered one went to', () => {
    const past = [migration(1), migration(2)];
    const renumbered = { ...migration(3), checksum: migration(2).checksum };
    expect(() => planMigrations([migration(1), renumbered], past)).toThrow(
      expect.objectContaining({ code: 'HF_MIGRATION_MISSING', detail: expect.stringContaining('database/3.sql') }),
    );
  });

  test('says that the database was prepared by a newer version', () => {
    expect(() => planMigrations([migration(1)], [migration(1), migration(2)])).toThrow(
      expect.objectContaining({ code: 'HF_MIGRATIONS_NEWER' }),
    );
  });
});

describe('readMigrations', () => {
  test('reads the files in the order of their numbers', async () => {
    const [main, services] = await readSupabaseSchema();
    expect(main?.migrations.map(({ version }) => version)).toEqual(
      main?.migrations.map(({ version }) => version).toSorted((one, other) => one - other),
    );
    expect(main?.migrations[0]).toMatchObject({ version: 1, name: 'roles' });
    expect(services?.migrations[0]).toMatchObject({ version: 1, name: 'schemas' });
  });

  test.each([
    [['0001_a.sql', 'two.sql'], 'two.sql is not named like'],
    [['0001_a.sql', '0001_b.sql'], 'has a number that is taken'],
  ])('refuses %j', async (names, words) => {
    await using folder = await createThrowAwayFolder();
    for (const name of names) await writeFile(join(folder.path, name), '');
    await expect(readMigrations(folder.path)).rejects.toMatchObject({
      code: 'HF_MIGRATIONS_INVALID',
      message: expect.stringContaining(words),
    });
  });
});
