import { readFileSync } from 'node:fs';
import { isDead, listPids, readCmdline, readStat } from '../process/proc.js';

/** A process in a container, by its number in the engine's host. */
export interface ContainerProcess {
  readonly pid: number;
  readonly cmdline: readonly string[];
}

/**
 * The processes of each container, oldest first, where the engine is on this machine. The kernel names a process's control group to everybody
 * (cgroups(7), /proc/PID/cgroup), and Docker names that after the container.
 */
export function processesByContainer(ids: readonly string[]): ReadonlyMap<string, readonly ContainerProcess[]> {
  const found = new Map<string, (ContainerProcess & { readonly startTime: number })[]>(ids.map((id) => [id, []]));
  for (const pid of listPids()) {
    const id = /[0-9a-f]{64}/.exec(controlGroup(pid))?.[0];
    const stat = readStat(pid);
    if (id === undefined || stat === undefined || isDead(stat)) continue;
    found.get(id)?.push({ pid, cmdline: readCmdline(pid), startTime: stat.startTime });
  }
  for (const each of found.values()) each.sort((one, other) => one.startTime - other.startTime || one.pid - other.pid);
  return found;
}

function controlGroup(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'latin1');
  } catch {
    return '';
  }
}

/** Which of a member's two units a process belongs to; undefined: it looks after them. Pure. */
export function partOf({ cmdline }: ContainerProcess): 'agent' | 'main' | undefined {
  if (cmdline.includes('/opt/holdfast/agent.mjs')) return 'agent';
  const [program = ''] = cmdline;
  const isKeeper = program === 'tini' || program === 'sleep' || cmdline.some((word) => /\/holdfast-[a-z]+$/.test(word));
  return isKeeper ? undefined : 'main';
}
