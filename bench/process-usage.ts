import { readFile, readlink } from 'node:fs/promises';

/** Linux's USER_HZ: the unit of CPU times in /proc on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** CPU time in seconds that a process and its reaped children have used, proc(5). 0 when it is gone. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name may hold spaces and brackets; utime, stime, cutime and cstime are the 14th to 17th fields.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond;
}

export interface MemoryUse {
  readonly bytes: number;
  /** `pss` shares what several processes use among them; `rss`, where the kernel tells no better, counts it in each. */
  readonly kind: 'pss' | 'rss';
}

export async function memoryOf(pid: number): Promise<MemoryUse> {
  const kibibytes = (text: string, name: string) => new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  const pss = kibibytes(rollup, 'Pss');
  if (pss !== undefined) return { bytes: Number(pss) * 1024, kind: 'pss' };
  const rss = kibibytes(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''), 'VmRSS') ?? '0';
  return { bytes: Number(rss) * 1024, kind: 'rss' };
}

/** Name of the program that a process runs; empty when it is gone. */
export async function programOf(pid: number): Promise<string> {
  const path = await readlink(`/proc/${pid}/exe`).catch(() => '');
  return path.slice(path.lastIndexOf('/') + 1);
}
