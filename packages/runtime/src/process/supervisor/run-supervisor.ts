import { writeSync } from 'node:fs';
import { statePaths } from '@holdfast/components/paths';
import { buildId } from '../build-id.js';
import { acquireLock } from '../lock.js';
import { ensureStateFolders } from '../prepare-unit.js';
import { startControlServer } from './control-server.js';
import { Supervisor } from './supervisor.js';

export interface SupervisorOptions {
  /** Absolute, real path. */
  readonly stateDirectory: string;
  /** When it aborts, the supervisor ends and leaves every unit running. */
  readonly signal: AbortSignal;
  /** Take back what runs, but start nothing before a plan is applied. */
  readonly idle?: boolean;
}

/** Why a supervisor ended: everything was stopped, another one takes over, or the signal aborted. */
export type SupervisorEnd = 'down' | 'leave' | 'signal';

/**
 * Looks after one cluster's units until the signal aborts or `down` was ordered. Writes what happens to standard error. Throws
 * HF_LOCKED when another supervisor does already.
 */
export async function runSupervisor({
  stateDirectory,
  signal,
  idle = false,
}: SupervisorOptions): Promise<SupervisorEnd> {
  process.umask(0o077);
  const lock = await acquireLock(
    statePaths(stateDirectory).supervisorPid,
    `holdfast supervisor of ${stateDirectory}`,
    signal,
  );
  ensureStateFolders(stateDirectory);
  const leaving = new AbortController();
  let end: SupervisorEnd = 'signal';
  const supervisor = new Supervisor(stateDirectory, log);
  try {
    supervisor.takeBack();
    const server = await startControlServer(stateDirectory, {
      supervisor,
      info: { pid: process.pid, build: buildId() },
      log,
      leave: (reason) => {
        end = reason;
        leaving.abort();
      },
    });
    try {
      log(`supervisor of ${stateDirectory} runs as process ${process.pid}`);
      if (!idle) supervisor.startWanted();
      await aborted(AbortSignal.any([signal, leaving.signal]));
      return end;
    } finally {
      await server.close();
    }
  } finally {
    supervisor.letGo();
    lock.release();
    log('supervisor ends');
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A full disk must not end the supervisor. */
function log(text: string): void {
  try {
    writeSync(2, `${new Date().toISOString()} ${text}\n`);
  } catch {
    // There is nowhere to say it.
  }
}
