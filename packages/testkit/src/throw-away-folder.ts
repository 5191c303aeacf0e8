import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startReaper } from './reaper.js';

/** A folder of its own that other accounts can enter; disposing ends every process that belongs to it and deletes it, also after a SIGKILL of the test. */
export interface ThrowAwayFolder extends AsyncDisposable {
  readonly path: string;
}

export async function createThrowAwayFolder(): Promise<ThrowAwayFolder> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  await chmod(path, 0o711);
  const reaper = startReaper(path);
  return { path, [Symbol.asyncDispose]: async () => await reaper[Symbol.asyncDispose]() };
}
