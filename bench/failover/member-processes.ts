import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { signal } from '@holdfast/testkit';

/** Which processes: those that work in one of these folders or name something below it. */
export interface ProcessSearch {
  readonly folders: readonly string[];
  /** PostgreSQL's server and nothing else. */
  readonly onlyPostgres?: boolean;
}

/** Their pids, without those that were looked at before; these and all others that there are now are added to `seen`. */
export function findProcesses({ folders, onlyPostgres }: ProcessSearch, seen = new Set<number>()): readonly number[] {
  const found: number[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!(pid > 0) || pid === process.pid || seen.has(pid)) continue;
    seen.add(pid);
    const [directory, commandLine] = [`${link(pid, 'cwd')}/`, text(pid, 'cmdline')];
    const belongs = folders.some((folder) => directory.startsWith(`${folder}/`) || commandLine.includes(`${folder}/`));
    if (belongs && (onlyPostgres !== true || link(pid, 'exe').endsWith('/postgres'))) found.push(pid);
  }
  return found;
}

/**
 * Sends a signal to all of them in one burst, without giving anything else a turn, and once more to what was started while they were looked
 * for. Answers how many had been found at first.
 */
export function signalAll(search: ProcessSearch, name: NodeJS.Signals, onBurst: () => void): number {
  const seen = new Set<number>();
  const found = findProcesses(search, seen);
  onBurst();
  for (const pid of found) signal(pid, name);
  // Only what is new: a second look at everything would take a core from the cluster while it fails over.
  for (const pid of findProcesses(search, seen)) signal(pid, name);
  return found.length;
}

function text(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

function link(pid: number, name: string): string {
  try {
    return readlinkSync(`/proc/${pid}/${name}`);
  } catch {
    return '';
  }
}
