import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, realpath, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { memberDataDirectory, type Plan, statePaths, unitData } from '@holdfast/components';
import { listMarkedProcesses, listProcesses, type ProcessInfo, portHolder, type UnitStatus } from '@holdfast/runtime';
import type { ClusterSpec } from '@holdfast/spec';
import { thisMachine } from '../open-cluster.js';
import type { DescriptorFact } from './check-descriptors.js';
import type { DiskFact } from './check-disk.js';
import type { MemoryFact } from './check-memory.js';
import type { ModeFact } from './check-permissions.js';
import type { PortFact } from './check-ports.js';
import type { ProcessFacts } from './check-processes.js';

/** `units` undefined: what runs is not known. */
export function gatherPorts(plan: Plan | undefined, units: readonly UnitStatus[] | undefined): readonly PortFact[] {
  return (plan?.units ?? []).flatMap((unit) =>
    unit.ports.map(({ name, host, port }) => ({
      unit: unit.id,
      purpose: name,
      host,
      port,
      holder: portHolder(host, port, unit.namespace),
      unitPids: units && (units.find(({ id }) => id === unit.id)?.pids ?? []),
    })),
  );
}

/** One fact a volume: the state folder's, and that of each member's WAL where it lies elsewhere. */
export async function gatherDisk(spec: ClusterSpec, stateDirectory: string): Promise<readonly DiskFact[]> {
  const places = [
    { path: stateDirectory, holds: 'state and data' },
    ...spec.members.map(({ name }) => ({
      path: join(memberDataDirectory(stateDirectory, name), 'pg_wal'),
      holds: `WAL of ${name}`,
    })),
  ];
  const volumes = new Map<number, { readonly path: string; readonly holds: string[] }>();
  for (const { path, holds } of places) {
    const real = await realpath(path).catch(() => undefined);
    const device = real === undefined ? undefined : (await stat(real).catch(() => undefined))?.dev;
    if (real === undefined || device === undefined) continue;
    const volume = volumes.get(device);
    if (volume) volume.holds.push(holds);
    else volumes.set(device, { path: real, holds: [holds] });
  }
  return await Promise.all(
    [...volumes.values()].map(async ({ path, holds }) => {
      const { bsize, blocks, bavail } = await statfs(path);
      return { path, holds, totalBytes: blocks * bsize, freeBytes: bavail * bsize };
    }),
  );
}

export async function gatherMemory(): Promise<MemoryFact> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return {
    totalBytes: thisMachine().memoryBytes,
    availableBytes: available === undefined ? undefined : Number(available) * 1024,
  };
}

/** What timedatectl(1) says; undefined: there is none, or systemd does not run. */
export async function gatherClock(signal: AbortSignal): Promise<boolean | undefined> {
  const argv = ['show', '--property=NTPSynchronized', '--value'];
  const said = await promisify(execFile)('timedatectl', argv, { signal, timeout: 2000 }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  return said === 'yes' ? true : said === 'no' ? false : undefined;
}

export async function gatherDescriptors(units: readonly UnitStatus[]): Promise<readonly DescriptorFact[]> {
  const facts = await Promise.all(
    units.map(async ({ id, component, pid }): Promise<DescriptorFact[]> => {
      if (pid === undefined) return [];
      const text = await readFile(`/proc/${pid}/limits`, 'utf8').catch(() => '');
      const [, soft, hard] = /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec(text) ?? [];
      if (soft === undefined || hard === undefined) return [];
      const number = (limit: string) => (limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit));
      return [{ unit: id, component, softLimit: number(soft), hardLimit: number(hard) }];
    }),
  );
  return facts.flat();
}

/** Modes of what must be closed to others; what is not there (yet) or may not be looked at is left out. */
export async function gatherModes(stateDirectory: string, plan: Plan | undefined): Promise<readonly ModeFact[]> {
  const { secrets, keys } = statePaths(stateDirectory);
  const wanted: Omit<ModeFact, 'mode'>[] = [secrets, keys].map((path) => ({ path, kind: 'secret' }));
  for (const unit of plan?.units ?? []) {
    wanted.push(...unit.files.map(({ path }) => ({ path, kind: 'file' as const })));
    if (unit.component === 'patroni') wanted.push({ path: memberDataDirectory(stateDirectory, unit.id), kind: 'data' });
    if (unit.component === 'etcd') wanted.push({ path: unitData(stateDirectory, unit.id), kind: 'data' });
  }
  const facts = await Promise.all(
    wanted.map(async (entry) => {
      const found = await stat(entry.path).catch(() => undefined);
      return found === undefined ? [] : [{ ...entry, mode: found.mode & 0o7777 }];
    }),
  );
  return facts.flat();
}

/**
 * Processes that bear this cluster's mark, or work in its state folder without a terminal (a person's shell has one), and belong to no unit.
 * Supervisors and our own process are none.
 */
export function gatherLeftovers(
  stateDirectory: string,
  units: readonly UnitStatus[],
  supervisorPid: number | undefined,
): ProcessFacts['leftovers'] {
  const known = new Set([process.pid, supervisorPid, ...units.flatMap(({ pids }) => pids)]);
  const found = new Map<number, ProcessFacts['leftovers'][number]>();
  for (const { stateDirectory: where, unit, process: marked } of listMarkedProcesses()) {
    if (where !== stateDirectory || known.has(marked.pid)) continue;
    found.set(marked.pid, { pid: marked.pid, name: marked.name, because: `it was started for ${unit}` });
  }
  const within = ({ cwd }: ProcessInfo) => cwd === stateDirectory || cwd?.startsWith(`${stateDirectory}/`) === true;
  for (const other of listProcesses()) {
    if (known.has(other.pid) || found.has(other.pid) || other.tty !== 0 || !within(other)) continue;
    found.set(other.pid, { pid: other.pid, name: other.name, because: `it works in ${other.cwd}` });
  }
  return [...found.values()];
}

/** Of what looked left over: what still runs, and belongs to none of the units as they are by now. */
export function remainingLeftovers(
  leftovers: ProcessFacts['leftovers'],
  units: readonly UnitStatus[],
): ProcessFacts['leftovers'] {
  const known = new Set(units.flatMap(({ pids }) => pids));
  return leftovers.filter(({ pid }) => !known.has(pid) && existsSync(`/proc/${pid}`));
}
