import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { statePaths } from '@holdfast/components/paths';
import { supervisorNotStarted, supervisorSilent } from '../errors.js';
import { supervisorProgram } from './build-id.js';
import { askInfo, askSupervisor, patience } from './control-client.js';
import { routes, type SupervisorInfo } from './control-protocol.js';
import { lastLines } from './log-files.js';
import { ensureStateFolders } from './prepare-unit.js';
import { isAlive, readStat } from './proc.js';

const startLimit = 15_000;
const endLimit = 10_000;

/** A supervisor does little and keeps little: a small heap keeps it small. */
const nodeOptions = ['--max-old-space-size=64', '--max-semi-space-size=1'];

/**
 * Starts a detached supervisor that takes back what runs and otherwise waits for orders, and waits until it answers. It has
 * nothing of ours: no terminal, no descriptor, no environment.
 */
export async function startSupervisor(stateDirectory: string, signal: AbortSignal): Promise<SupervisorInfo> {
  ensureStateFolders(stateDirectory);
  const paths = statePaths(stateDirectory);
  const logged = statSync(paths.supervisorLog, { throwIfNoEntry: false })?.size ?? 0;
  const child = spawnSupervisor(stateDirectory, paths.supervisorLog);
  let answering: SupervisorInfo | undefined;
  try {
    const limit = Date.now() + startLimit;
    for (;;) {
      answering = await askInfo(stateDirectory, signal);
      if (answering !== undefined) return answering;
      // Another one may have been quicker, and ours ended for that reason; its socket is about to appear.
      const ended = child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
      if (Date.now() > limit || (ended && !lostRace(paths.supervisorLog, logged))) {
        throw supervisorNotStarted(paths.supervisorLog, lastLines(paths.supervisorLog, 10));
      }
      await sleep(20, undefined, { signal });
    }
  } finally {
    // Ours was not first, or nobody waits for it any more: it must not take over later, when the cluster may be down or deleted.
    if (answering?.pid !== child.pid) child.kill('SIGKILL');
  }
}

/** Ends the supervisor and leaves the units running. */
export async function endSupervisor(stateDirectory: string, info: SupervisorInfo, signal: AbortSignal): Promise<void> {
  const stat = readStat(info.pid);
  await askSupervisor(stateDirectory, {
    method: 'POST',
    path: routes.leave,
    timeoutMilliseconds: patience.question,
    signal,
  });
  if (stat !== undefined) await awaitEnd(stat, signal);
}

/** Until that process is gone. */
export async function awaitEnd(process: { pid: number; startTime: number }, signal: AbortSignal): Promise<void> {
  const limit = Date.now() + endLimit;
  while (isAlive(process)) {
    if (Date.now() > limit) throw supervisorSilent(process.pid, 'it does not end');
    await sleep(10, undefined, { signal });
  }
}

function spawnSupervisor(stateDirectory: string, log: string): ChildProcess {
  const output = openSync(log, 'a', 0o600);
  try {
    const child = spawn(process.execPath, [...nodeOptions, supervisorProgram, stateDirectory, '--idle'], {
      cwd: '/',
      env: { PATH: process.env.PATH },
      detached: true,
      stdio: ['ignore', output, output],
    });
    child.on('error', () => undefined);
    child.unref();
    return child;
  } finally {
    closeSync(output);
  }
}

function lostRace(log: string, since: number): boolean {
  const size = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  return size > since && lastLines(log, 3).some((line) => line.startsWith('HF_LOCKED'));
}

/** Asks the supervisor that runs, if any, to end and leave the units running, for one that is about to take over. */
export async function relieveSupervisor(stateDirectory: string, signal: AbortSignal): Promise<void> {
  const info = await askInfo(stateDirectory, signal);
  if (info !== undefined) await endSupervisor(stateDirectory, info, signal);
}

/** Who keeps the units running, for `status`: its pid while it answers. */
export async function supervisorState(
  stateDirectory: string,
  signal: AbortSignal,
): Promise<{ readonly pid: number | undefined; readonly alive: boolean }> {
  const info = await askInfo(stateDirectory, signal);
  return { pid: info?.pid, alive: info !== undefined };
}
