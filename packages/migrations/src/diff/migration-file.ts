import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { diffNameInvalid, migrationFileExists, noVersionLeft } from '../errors.js';
import type { ProjectMigration } from '../project/project-migration.js';
import { type SqlPart, textOf } from './render-plan.js';

export interface NewFile {
  readonly version: string;
  readonly path: string;
  readonly sql: string;
}

/** The name of a migration as the Supabase CLI has it after the version; a bare word, so that it can be nothing else. Throws HF_DB_DIFF_NAME. */
export function checkMigrationName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(name)) throw diffNameInvalid(name);
  return name;
}

/**
 * Pure: files for the parts, after every migration that is there: `<UTC yyyymmddhhmmss>_NAME.sql`, each part one second after the one before.
 * Throws HF_DB_FILES_INVALID where a version is there already that no time comes after.
 */
export function nameFiles(
  folder: string,
  name: string,
  parts: readonly SqlPart[],
  existing: readonly Pick<ProjectMigration, 'version'>[],
  now: Date,
): readonly NewFile[] {
  const newest = existing.reduce((last, { version }) => (version > last ? version : last), '');
  const time = stamp(now.getTime()) > newest ? now.getTime() : timeOf(newest) + 1000;
  const files: NewFile[] = [];
  for (const [index, part] of parts.entries()) {
    const version = stamp(time + index * 1000);
    const suffix = parts.length === 1 ? '' : `_${index + 1}`;
    files.push({ version, path: join(folder, `${version}_${name}${suffix}.sql`), sql: textOf(part) });
  }
  return files;
}

/** Writes all of them or none; a file that is there already stays as it is. Throws HF_DB_FILE_EXISTS. */
export async function writeFiles(files: readonly NewFile[]): Promise<void> {
  const written: string[] = [];
  try {
    for (const { path, sql } of files) {
      await using file = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
        throw error.code === 'EEXIST' ? migrationFileExists(path) : error;
      });
      written.push(path);
      await file.writeFile(sql);
    }
  } catch (error) {
    for (const path of written) await unlink(path).catch(() => {});
    throw error;
  }
}

/** `20260102030405` */
function stamp(time: number): string {
  return new Date(time).toISOString().replaceAll(/\D/g, '').slice(0, 14);
}

function timeOf(version: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(version) ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(time)) throw noVersionLeft(version);
  return time;
}
