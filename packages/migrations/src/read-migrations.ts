import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { migrationFilesInvalid } from './errors.js';
import type { Migration } from './migration.js';

const fileName = /^(\d{4})_([a-z0-9_]+)\.sql$/;

/** Reads `NNNN_name.sql` of a folder, in order. Throws HF_MIGRATIONS_INVALID for other files, and for a number that is there twice. */
export async function readMigrations(folder: string): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  const migrations = await Promise.all(
    names.map(async (file): Promise<Migration> => {
      const [, number, name] = fileName.exec(file) ?? [];
      if (number === undefined || name === undefined)
        throw migrationFilesInvalid(folder, `${file} is not named like 0001_name.sql`);
      const path = join(folder, file);
      const sql = await readFile(path, 'utf8');
      return { version: Number(number), name, path, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
  for (const [index, { version, path }] of migrations.entries()) {
    if (migrations[index - 1]?.version === version)
      throw migrationFilesInvalid(folder, `${path} has a number that is taken`);
  }
  return migrations;
}
