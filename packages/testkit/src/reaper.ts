import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../reaper.mjs', import.meta.url));

/**
 * Starts a process that outlives this one and then, however this one ended (SIGKILL included), ends every process that belongs to `folder`
 * and deletes it. It learns of the end because its standard input closes. `dispose` does the same at once and waits for it.
 */
export function startReaper(folder: string): AsyncDisposable {
  const child = spawn(process.execPath, [program, folder], { detached: true, stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`cleaning ${folder} up failed (exit ${code})`)),
    );
    child.once('error', reject);
  });
  child.unref();
  return {
    async [Symbol.asyncDispose]() {
      child.ref();
      child.stdin.end();
      await ended;
    },
  };
}
