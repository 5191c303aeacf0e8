import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { timeLimit } from '@holdfast/spec';
import { poolerConsoleSilent } from '../errors.js';
import type { PoolerConsoleTarget } from './console.js';
import type { GuardOrder } from './resume-guard-main.js';

/** Compiled, also when this file runs from its source. */
const program = fileURLToPath(new URL('../../dist/pooler/resume-guard-main.js', import.meta.url));

const startMilliseconds = 15_000;
const endMilliseconds = 2000;

export interface ResumeGuard {
  /** The pooler has been resumed: ends the guard and waits for it. */
  dismiss(): Promise<void>;
  /** Lets the guard resume the pooler, now and until it succeeds. */
  letGo(): void;
}

/**
 * Starts a process that resumes the pooler should we die, whatever kills us: it learns of our end because its standard input closes.
 * After `boundMilliseconds` it resumes as well, should we be frozen. PgBouncer itself stays paused until somebody resumes it.
 * Resolves once the guard watches. Throws HF_POOLER_CONSOLE when it does not start.
 */
export async function startResumeGuard(
  targets: readonly PoolerConsoleTarget[],
  boundMilliseconds: number,
  signal: AbortSignal,
): Promise<ResumeGuard> {
  signal.throwIfAborted();
  // A session of its own: a Ctrl-C is for us. The password goes through the pipe, where nobody else can read it.
  const child = spawn(process.execPath, [program], {
    cwd: '/',
    detached: true,
    // kubectl finds its cluster and its credentials by the environment.
    env: targets.some(({ way }) => way !== undefined) ? process.env : {},
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
  child.stdin.on('error', () => {});
  const order: GuardOrder = { targets, boundMilliseconds };
  child.stdin.write(`${JSON.stringify(order)}\n`);
  const limit = timeLimit(signal, startMilliseconds);
  try {
    await Promise.race([
      once(child.stdout, 'data', { signal: limit }),
      ended.then(() => {
        throw new Error('the process that watches over the pause ended at once');
      }),
    ]);
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    signal.throwIfAborted();
    const words = `the process that watches over the pause did not start within ${startMilliseconds / 1000} s`;
    throw poolerConsoleSilent(limit.aborted ? new Error(words) : error);
  }
  return {
    async dismiss() {
      child.stdin.end('resumed\n');
      const timer = setTimeout(() => child.kill('SIGKILL'), endMilliseconds);
      await ended;
      clearTimeout(timer);
    },
    letGo() {
      child.stdin.end();
      child.stdout.destroy();
      child.unref();
    },
  };
}
