import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fchownSync, openSync } from 'node:fs';
import type { Unit } from '@holdfast/components';
import type { Secrets } from '@holdfast/spec';
import { unitLog } from './log-files.js';
import { prepareUnit, unitAccount, unitEnvironment } from './prepare-unit.js';
import { markVariable, unitMark } from './unit-processes.js';

/**
 * Starts the unit's main process in a session of its own, with its log file for output: nothing ties it to us, so that it goes
 * on when we do not. A program that cannot be run shows as an `error` event of the child.
 */
export function launchUnit(
  unit: Unit,
  stateDirectory: string,
  secrets: Secrets,
  extraEnvironment: Readonly<Record<string, string>>,
): ChildProcess {
  prepareUnit(unit, stateDirectory, secrets);
  const account = unitAccount(unit);
  const log = openSync(unitLog(stateDirectory, unit.id), 'a', 0o600);
  try {
    // A program may open its own output again by name (/dev/stderr), which asks for the file's permissions.
    if (account !== undefined) fchownSync(log, account.uid, account.gid);
    const [program, ...args] = unit.argv;
    return spawn(program, args, {
      cwd: unit.workingDirectory,
      env: {
        ...unitEnvironment(unit, secrets),
        ...extraEnvironment,
        [markVariable]: unitMark(stateDirectory, unit.id),
      },
      detached: true,
      stdio: ['ignore', log, log],
      ...account,
    });
  } finally {
    closeSync(log);
  }
}
