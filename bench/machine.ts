import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import type { ToolSearch } from '@holdfast/runtime';

export interface MachineDescription {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly kernel: string;
  /** Of the folder that the clusters live in. */
  readonly fileSystem: string;
  readonly versions: Readonly<Record<string, string>>;
}

export async function describeMachine(search: ToolSearch): Promise<MachineDescription> {
  const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? 'Linux',
    kernel: release(),
    fileSystem: execFileSync('df', ['--output=fstype', tmpdir()], { encoding: 'utf8' }).trim().split('\n').at(-1) ?? '',
    versions: { ...search.versions, node: process.versions.node },
  };
}

/** One line under the tables. */
export function renderMachine(machine: MachineDescription, command = 'npm run bench'): string {
  const names: Readonly<Record<string, string>> = {
    postgres: 'PostgreSQL',
    patroni: 'Patroni',
    etcd: 'etcd',
    haproxy: 'HAProxy',
    pgbouncer: 'PgBouncer',
    node: 'Node.js',
  };
  const versions = Object.entries(names).flatMap(([key, name]) => {
    const version = machine.versions[key];
    return version === undefined ? [] : [`${name} ${version}`];
  });
  return `Measured on ${machine.date} by \`${command}\`: ${machine.cpu}, ${machine.cores} cores, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB memory, ${machine.system}, kernel ${machine.kernel}, ${machine.fileSystem}; ${versions.join(', ')}.`;
}
