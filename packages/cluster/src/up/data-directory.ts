import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is in a PostgreSQL data directory, without starting anything. */
export type DataDirectory =
  | { readonly kind: 'absent' }
  /** Files, but no global/pg_control: initdb or pg_basebackup was cut off (pg_basebackup sends that file last). */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'database'; readonly major: string; readonly systemIdentifier: string };

/** Reads PG_VERSION and the system identifier (the first eight bytes of pg_control, in the machine's byte order; pg_control.h). */
export async function inspectDataDirectory(path: string): Promise<DataDirectory> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (names.length === 0) return { kind: 'absent' };
  const major = (await readFile(join(path, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  const systemIdentifier = await readSystemIdentifier(join(path, 'global', 'pg_control'));
  if (major === '' || systemIdentifier === undefined) return { kind: 'incomplete' };
  return { kind: 'database', major, systemIdentifier };
}

async function readSystemIdentifier(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const buffer = Buffer.alloc(8);
    const { bytesRead } = await file.read(buffer, 0, 8, 0);
    if (bytesRead < 8) return undefined;
    const identifier = buffer.readBigUInt64LE();
    return identifier === 0n ? undefined : identifier.toString();
  } finally {
    await file.close();
  }
}
