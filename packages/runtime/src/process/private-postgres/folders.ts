import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, listPids, type ProcessIdentity, readCmdline, readCwd, readStat, readUid } from '../proc.js';

const prefix = 'holdfast-shadow-';
/** The kernel's sockaddr_un takes 108 bytes, the closing zero included (unix(7)). */
const longestSocketPath = 107;
const socketName = '.s.PGSQL.5432';

/** Pure: the process that a folder's name says it belongs to; undefined: the name is not one of ours. */
export function ownerOfFolder(name: string): ProcessIdentity | undefined {
  const [, pid, startTime] = /^holdfast-shadow-(\d{1,10})-(\d{1,20})-[A-Za-z0-9]{6}$/.exec(name) ?? [];
  return pid === undefined || startTime === undefined ? undefined : { pid: Number(pid), startTime: Number(startTime) };
}

/** Makes a folder of mode 0700 that carries our process in its name, so that whoever finds it can tell whether it is in use. */
export function makeFolder(parents: readonly string[]): string {
  const me = readStat(process.pid);
  if (me === undefined) throw new Error('/proc does not show this process');
  const name = `${prefix}${me.pid}-${me.startTime}-`;
  const refusals: string[] = [];
  for (const parent of parents) {
    if (Buffer.byteLength(join(parent, `${name}XXXXXX`, socketName)) > longestSocketPath) {
      refusals.push(`${parent} is too long for the path of a socket`);
      continue;
    }
    try {
      return mkdtempSync(join(parent, name));
    } catch (error) {
      refusals.push((error as Error).message);
    }
  }
  throw new Error(`no temporary folder can be used: ${refusals.join('; ')}`);
}

/** Ends and deletes what keepers left behind that were killed themselves. Whatever is not ours, or in use, is left alone. */
export async function removeLeftovers(parents: readonly string[]): Promise<void> {
  for (const parent of new Set(parents)) {
    for (const name of namesIn(parent)) {
      const owner = ownerOfFolder(name);
      if (owner === undefined || isAlive(owner)) continue;
      const path = join(parent, name);
      if (isOwnFolder(path)) await removeFolder(path);
    }
  }
}

/** Ends every process of ours that works in the folder, and deletes it. */
export async function removeFolder(path: string): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const pids = processesIn(path);
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself meanwhile.
      }
    }
    if (pids.length === 0) break;
    await sleep(20);
  }
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** PostgreSQL's processes work in their data directory; a backend's command line says something else. */
function processesIn(path: string): readonly number[] {
  const uid = process.getuid?.();
  return listPids().filter((pid) => {
    if (pid === process.pid || readUid(pid) !== uid) return false;
    const cwd = readCwd(pid);
    return cwd === undefined
      ? readCmdline(pid).some((argument) => argument.startsWith(`${path}/`))
      : `${cwd}/`.startsWith(`${path}/`);
  });
}

function isOwnFolder(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.getuid?.();
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
