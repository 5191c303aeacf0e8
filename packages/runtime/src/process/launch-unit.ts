import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fchownSync, openSync } from 'node:fs';
import type { Unit } from '@holdfast/components';
import type { Secrets } from '@holdfast/spec';
import type { Account } from './accounts.js';
import { unitLog } from './log-files.js';
import { networkNamespacePath } from './network-namespace.js';
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
    const { argv, spawnAs } = enterNamespace(unit, account);
    const [program, ...args] = argv;
    return spawn(program, args, {
      cwd: unit.workingDirectory,
      env: {
        ...unitEnvironment(unit, secrets),
        ...extraEnvironment,
        [markVariable]: unitMark(stateDirectory, unit.id),
      },
      detached: true,
      stdio: ['ignore', log, log],
      ...spawnAs,
    });
  } finally {
    closeSync(log);
  }
}

/**
 * Entering a network namespace takes root, so that the account is taken on after it. Each program replaces the one before (nsenter(1),
 * setpriv(1)): the process that was started is the unit's own.
 */
function enterNamespace(
  { argv, namespace }: Unit,
  account: Account | undefined,
): { readonly argv: readonly [string, ...string[]]; readonly spawnAs: Account | undefined } {
  if (namespace === undefined) return { argv, spawnAs: account };
  const become =
    account === undefined
      ? []
      : ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', '--'];
  return {
    argv: ['nsenter', `--net=${networkNamespacePath(namespace)}`, '--', ...become, ...argv],
    spawnAs: undefined,
  };
}
