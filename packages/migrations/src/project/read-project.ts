import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFilesInvalid, projectMissing } from '../errors.js';
import type { ProjectMigration } from './project-migration.js';

const fileName = /^(\d{1,20})_(.+)\.sql$/;

export interface Project {
  readonly migrations: readonly ProjectMigration[];
  /** Names in the folder that are not migrations. */
  readonly ignored: readonly string[];
  readonly seed: { readonly path: string; readonly sql: string } | undefined;
}

/** Reads `<folder>/migrations/*.sql` and `<folder>/seed.sql`. Throws HF_DB_NO_PROJECT, HF_DB_FILES_INVALID. */
export async function readProject(folder: string): Promise<Project> {
  const migrationsFolder = join(folder, 'migrations');
  const names = await readdir(migrationsFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (names === undefined) throw projectMissing(migrationsFolder);
  const files = names.filter((name) => fileName.test(name)).sort();
  const migrations = await Promise.all(
    files.map(async (file): Promise<ProjectMigration> => {
      const [, version = '', name = ''] = fileName.exec(file) ?? [];
      const path = join(migrationsFolder, file);
      return { version, name, path, sql: await readFile(path, 'utf8') };
    }),
  );
  const ordered = migrations.sort((one, other) => (one.version < other.version ? -1 : 1));
  for (const [index, { version, path }] of ordered.entries()) {
    const before = ordered[index - 1];
    if (before?.version === version) throw projectFilesInvalid(`${before.path} and ${path} have the same version`);
  }
  const seedPath = join(folder, 'seed.sql');
  const seed = await readFile(seedPath, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return {
    migrations: ordered,
    ignored: names.filter((name) => name.endsWith('.sql') && !fileName.test(name)).sort(),
    seed: seed === undefined ? undefined : { path: seedPath, sql: seed },
  };
}
