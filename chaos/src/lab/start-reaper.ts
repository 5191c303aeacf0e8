import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { labNotRemoved } from '../errors.js';
import type { LabRemains } from './sweep.js';

/** It must start before any build and end by itself after us: compiled code, also when we run from the sources (in tests). */
const program = fileURLToPath(new URL('./reap.js', import.meta.url)).replace('/chaos/src/', '/chaos/dist/');

export interface Reaper extends AsyncDisposable {
  /** Ends the reaper and leaves the lab alone. */
  dismiss(): void;
}

/** A process that outlives this one and removes the lab then, SIGKILL included. `dispose` does it at once and waits for it. */
export function startReaper(remains: LabRemains): Reaper {
  const child = spawn(process.execPath, [program, JSON.stringify(remains)], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(labNotRemoved(remains.folder, code))));
  });
  // Dismissed, it ends by a signal, which nobody waits for.
  ended.catch(() => undefined);
  child.unref();
  return {
    dismiss: () => void child.kill('SIGKILL'),
    async [Symbol.asyncDispose]() {
      child.ref();
      child.stdin.end();
      await ended;
    },
  };
}
