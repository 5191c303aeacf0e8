import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { timeLimit } from '@holdfast/spec';
import { locked, programFailed } from '../errors.js';
import { isAlive, type ProcessIdentity, readStat } from './proc.js';

/** Who holds a lock, as it wrote itself into the file. */
export interface LockHolder extends ProcessIdentity {
  readonly command: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface Lock extends AsyncDisposable {
  readonly path: string;
  release(): void;
}

const conflict = 75;
const writtenMilliseconds = 1000;
const lookMilliseconds = 10;

/**
 * Takes the lock `path` or throws HF_LOCKED at once, naming the holder. The file stays; only the kernel's lock counts, and
 * it vanishes with this process, however it ends. `command` describes the holder to others: no secrets.
 *
 * flock(2) belongs to the open file, which flock(1) shares with us as its descriptor 3: when it has locked and ended, the lock
 * is held by our descriptor alone, and Node marks that close-on-exec.
 */
export async function acquireLock(path: string, command: string, signal: AbortSignal): Promise<Lock> {
  for (;;) {
    signal.throwIfAborted();
    const descriptor = openSync(path, 'a+', 0o600);
    try {
      await lockDescriptor(descriptor, path, signal);
      // A holder that removed the file (`down --purge`) leaves us with a lock that nobody else will ever meet.
      if (!isSameFile(descriptor, path)) {
        closeSync(descriptor);
        continue;
      }
      ftruncateSync(descriptor);
      const holder: LockHolder = {
        pid: process.pid,
        startTime: readStat(process.pid)?.startTime ?? 0,
        command,
        since: new Date().toISOString(),
      };
      writeSync(descriptor, `${JSON.stringify(holder)}\n`);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    return makeLock(path, descriptor);
  }
}

/** Who wrote itself into the lock file and is still alive. It may have released the lock since. */
export function readLockHolder(path: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, 'utf8')) as LockHolder;
    return isAlive(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
}

function makeLock(path: string, descriptor: number): Lock {
  let held = true;
  const release = () => {
    if (!held) return;
    held = false;
    ftruncateSync(descriptor);
    closeSync(descriptor);
  };
  return {
    path,
    release,
    [Symbol.asyncDispose]: async () => release(),
  };
}

async function lockDescriptor(descriptor: number, path: string, signal: AbortSignal): Promise<void> {
  const child = spawn('flock', ['--nonblock', '--exclusive', '--conflict-exit-code', String(conflict), '3'], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
    timeout: 5_000,
  });
  let code: unknown;
  try {
    [code] = await once(child, 'exit', { signal });
  } catch (error) {
    if (signal.aborted) {
      child.kill('SIGKILL');
      throw signal.reason;
    }
    throw programFailed('flock', (error as Error).message);
  }
  if (code === conflict) throw locked(path, await findHolder(path, signal));
  if (code !== 0) throw programFailed('flock', `it ended with ${code}`);
}

/** Who has the lock writes itself into the file a moment later. */
async function findHolder(path: string, signal: AbortSignal): Promise<LockHolder | undefined> {
  const limit = timeLimit(signal, writtenMilliseconds);
  for (;;) {
    const holder = readLockHolder(path);
    if (holder !== undefined || limit.aborted) return holder;
    await sleep(lookMilliseconds, undefined, { signal });
  }
}

function isSameFile(descriptor: number, path: string): boolean {
  const ours = fstatSync(descriptor);
  const there = statSync(path, { throwIfNoEntry: false });
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev;
}
