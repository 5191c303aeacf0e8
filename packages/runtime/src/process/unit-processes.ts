/**
 * Which processes belong to which unit:
 *   1. its main process,
 *   2. every process that was started with the unit's mark in its environment (inherited by what it starts),
 *   3. every process whose working directory lies in the unit's territory, with the unit's account and without a terminal
 *      (PostgreSQL's backends overwrite the memory of their environment; a person's shell in there is not the unit's),
 *   4. all their descendants.
 */
import { realpathSync } from 'node:fs';
import type { Unit } from '@holdfast/components';
import { findAccount, isRoot } from './accounts.js';
import {
  isDead,
  listPids,
  type ProcessIdentity,
  type ProcessStat,
  readCmdline,
  readCwd,
  readEnvironmentVariable,
  readStat,
  readUid,
} from './proc.js';

export const markVariable = 'HOLDFAST_UNIT';

/** The value by which a unit's processes are known. */
export function unitMark(stateDirectory: string, unitId: string): string {
  return `${stateDirectory}#${unitId}`;
}

export interface MarkedProcess {
  readonly stateDirectory: string;
  readonly unit: string;
  readonly process: ProcessStat;
}

/** Every process that any cluster's mark is found on, left over or not. */
export function listMarkedProcesses(): MarkedProcess[] {
  return livingProcesses().flatMap((process) => {
    const mark = readEnvironmentVariable(process.pid, markVariable);
    const hash = mark?.lastIndexOf('#') ?? -1;
    if (mark === undefined || hash < 0) return [];
    return [{ stateDirectory: mark.slice(0, hash), unit: mark.slice(hash + 1), process }];
  });
}

export interface SoughtUnit {
  readonly unit: Unit;
  readonly main: ProcessIdentity | undefined;
}

/** One look at /proc for all units. Ids of units that only a mark names are in the answer as well. */
export function findUnitProcesses(stateDirectory: string, sought: readonly SoughtUnit[]): Map<string, ProcessStat[]> {
  const processes = new Map(livingProcesses().map((each) => [each.pid, each]));
  const mains = new Map(
    sought.flatMap(({ unit, main }) => (main === undefined ? [] : [[main.pid, { id: unit.id, main }]])),
  );
  const territories = sought.flatMap(({ unit }) => territoryOf(unit) ?? []);
  const owners = new Map<number, string | undefined>();

  const ownSeed = (stat: ProcessStat): string | undefined => {
    const main = mains.get(stat.pid);
    if (main !== undefined && main.main.startTime === stat.startTime) return main.id;
    const mark = readEnvironmentVariable(stat.pid, markVariable);
    if (mark?.startsWith(`${stateDirectory}#`)) return mark.slice(stateDirectory.length + 1);
    return territories.length === 0 ? undefined : territories.find((territory) => isWithin(stat, territory))?.id;
  };
  const ownerOf = (stat: ProcessStat): string | undefined => {
    if (owners.has(stat.pid)) return owners.get(stat.pid);
    // Set before the parent is asked: were there ever a loop in a snapshot that is not atomic, it ends here.
    owners.set(stat.pid, undefined);
    if (stat.pid === process.pid) return undefined;
    const parent = processes.get(stat.ppid);
    const owner = ownSeed(stat) ?? (parent === undefined ? undefined : ownerOf(parent));
    owners.set(stat.pid, owner);
    return owner;
  };

  const found = new Map<string, ProcessStat[]>();
  for (const stat of processes.values()) {
    const owner = ownerOf(stat);
    if (owner === undefined) continue;
    const list = found.get(owner);
    if (list === undefined) found.set(owner, [stat]);
    else list.push(stat);
  }
  return found;
}

/** Those that none of the others has started. */
export function rootsOf(processes: readonly ProcessStat[]): ProcessStat[] {
  const pids = new Set(processes.map((each) => each.pid));
  return processes.filter((each) => !pids.has(each.ppid));
}

/**
 * The unit's main process among its processes when no record tells: it runs the unit's argv (a script runs as its interpreter's
 * argument) and was started by none of the others; the oldest of several.
 */
export function findMainProcess(processes: readonly ProcessStat[], argv: readonly string[]): ProcessStat | undefined {
  return rootsOf(processes)
    .filter((each) => runs(readCmdline(each.pid), argv))
    .sort((one, other) => one.startTime - other.startTime)[0];
}

/** An interpreter line brings the interpreter and at most one argument of its own (execve(2)). */
function runs(cmdline: readonly string[], argv: readonly string[]): boolean {
  const prefix = cmdline.length - argv.length;
  return prefix >= 0 && prefix <= 2 && argv.every((argument, index) => cmdline[prefix + index] === argument);
}

function livingProcesses(): ProcessStat[] {
  const kernelThreads = 2;
  return listPids().flatMap((pid) => {
    const stat = readStat(pid);
    if (stat === undefined || isDead(stat) || pid === kernelThreads || stat.ppid === kernelThreads) return [];
    return [stat];
  });
}

interface Territory {
  readonly id: string;
  readonly path: string;
  readonly uid: number | undefined;
}

function territoryOf(unit: Unit): Territory | undefined {
  if (unit.territory === undefined) return undefined;
  const uid = isRoot() ? findAccount(unit.user)?.uid : process.getuid?.();
  return { id: unit.id, path: realPath(unit.territory), uid };
}

function isWithin(stat: ProcessStat, territory: Territory): boolean {
  if (stat.tty !== 0) return false;
  const cwd = readCwd(stat.pid);
  // Root in a container may lack the right to see other accounts' folders; then the command line has to do (-D FOLDER).
  const inside =
    cwd === undefined
      ? readCmdline(stat.pid).includes(territory.path)
      : cwd === territory.path || cwd.startsWith(`${territory.path}/`);
  return inside && readUid(stat.pid) === territory.uid;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
