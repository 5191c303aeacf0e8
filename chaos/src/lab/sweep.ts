import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { runTool } from './run-tool.js';

/** What belongs to one lab and to nobody else. */
export interface LabRemains {
  /** Absolute; its processes, mounts and content belong to the lab. */
  readonly folder: string;
  /** Names of its network namespaces; what runs in them belongs to the lab. */
  readonly namespaces: readonly string[];
}

/** Folders of labs, and of nothing else. */
export const folderPattern = /\/holdfast-chaos-[A-Za-z0-9]{6}$/;

/** What one look at /proc said of a process. */
export interface SeenProcess {
  readonly pid: number;
  /** Somebody's terminal is behind it. */
  readonly hasTerminal: boolean;
  readonly network: string;
  readonly workingDirectory: string;
  readonly environment: string;
  readonly commandLine: string;
}

/**
 * Pure: is it the lab's? Whatever is in its namespaces is, and what works in its folder or was started with its name, but for a person's
 * shell and pager.
 */
export function belongsToLab(seen: SeenProcess, networks: ReadonlySet<string>, folder: string): boolean {
  const below = `${folder}/`;
  if (networks.has(seen.network)) return true;
  if (seen.hasTerminal) return false;
  return [`${seen.workingDirectory}/`, seen.environment, seen.commandLine].some((text) => text.includes(below));
}

/** Ends every process of the lab, unmounts what is mounted in its folder, removes its namespaces and the folder. Idempotent. */
export async function sweepLab({ folder, namespaces }: LabRemains): Promise<void> {
  const there = namespaces.filter((name) => existsSync(`/run/netns/${name}`));
  const networks = new Set(there.map((name) => `net:[${statSync(`/run/netns/${name}`).ino}]`));
  const spared = ancestors();
  for (let round = 0; round < 200; round++) {
    const pids = listPids().filter((pid) => !spared.has(pid) && belongsToLab(look(pid), networks, folder));
    if (pids.length === 0) break;
    for (const pid of pids) kill(pid);
    await sleep(50);
  }
  const options = { signal: AbortSignal.timeout(60_000) };
  for (const mount of mountsBelow(readFileSync('/proc/self/mounts', 'utf8'), folder)) {
    await runTool('umount', ['--lazy', mount], options);
  }
  for (const name of there) await runTool('ip', ['netns', 'delete', name], options);
  rmSync(folder, { recursive: true, force: true });
}

/** Pure: mount points below the folder, the innermost first, from the text of /proc/mounts (proc(5)). */
export function mountsBelow(mounts: string, folder: string): readonly string[] {
  return mounts
    .split('\n')
    .map((line) => (line.split(' ')[1] ?? '').replaceAll('\\040', ' '))
    .filter((path) => path.startsWith(`${folder}/`))
    .sort((one, other) => other.length - one.length);
}

function listPids(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

/** Ourselves and whoever started us, whose command lines may name the folder. */
function ancestors(): ReadonlySet<number> {
  const found = new Set<number>();
  for (let pid = process.pid; pid > 0 && !found.has(pid); pid = Number(statFields(pid)[1])) found.add(pid);
  return found;
}

/** Of /proc/PID/stat (proc(5)), from field 3, the state, on. */
function statFields(pid: number): readonly string[] {
  const text = read(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function look(pid: number): SeenProcess {
  const [state = 'X', , , , tty] = statFields(pid);
  const hasTerminal = tty !== '0';
  // One that has ended and waits to be reaped cannot be ended again.
  if (/[ZX]/.test(state)) {
    return { pid, hasTerminal, network: '', workingDirectory: '', environment: '', commandLine: '' };
  }
  return {
    pid,
    hasTerminal,
    network: read(() => readlinkSync(`/proc/${pid}/ns/net`)),
    workingDirectory: read(() => readlinkSync(`/proc/${pid}/cwd`)),
    environment: read(() => readFileSync(`/proc/${pid}/environ`, 'latin1')),
    commandLine: read(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1')),
  };
}

/** Processes end while they are looked at. */
function read(from: () => string): string {
  try {
    return from();
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}
