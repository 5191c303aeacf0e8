import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.js';

/** Debian keeps haproxy and pgbouncer in sbin, which is not in everybody's PATH. */
const fallbackFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'];

export async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Absolute path of a program in PATH or the system's own folders. */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = [
    ...(process.env.PATH ?? '').split(':').filter((folder) => folder.startsWith('/')),
    ...fallbackFolders,
  ];
  for (const folder of new Set(folders)) {
    const path = join(folder, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

/** The first `x.y[.z]` that a program prints of itself; undefined when it prints none or cannot run. */
export async function programVersion(
  argv: readonly [string, ...string[]],
  signal: AbortSignal,
  env?: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  try {
    const result = await runCommand(argv, {
      signal,
      timeoutMilliseconds: 15_000,
      ...(env === undefined ? {} : { env }),
    });
    return /(\d+\.\d+(?:\.\d+)?)/.exec(result.stdout + result.stderr)?.[1];
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Pure: compares dotted versions part by part. */
export function isAtLeast(version: string, minimum: string): boolean {
  const left = version.split('.').map(Number);
  const right = minimum.split('.').map(Number);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
