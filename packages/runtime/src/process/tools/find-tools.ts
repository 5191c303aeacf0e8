import { join } from 'node:path';
import type { Tools } from '@holdfast/components';
import { findPatroni } from './find-patroni.js';
import { installProgram } from './node-program.js';
import { findProgram, isAtLeast, isExecutable, programVersion } from './programs.js';

/** Newest first, but 15, what the design is measured with, before all. */
export const supportedMajors = [15, 18, 17, 16, 14, 13] as const;

export type ToolName = 'etcd' | 'haproxy' | 'pgbouncer' | 'postgres' | 'patroni';

export interface MissingTool {
  readonly tool: ToolName;
  /** For people: `haproxy is not installed`, or why the one that is there cannot be used. */
  readonly reason: string;
}

export interface ToolSearch {
  /** Only when nothing is missing. */
  readonly tools: Tools | undefined;
  readonly missing: readonly MissingTool[];
  /** What is there and was passed over, with the reason. */
  readonly refused: readonly string[];
  /** Versions of what was found, for `doctor`. */
  readonly versions: Readonly<Partial<Record<ToolName, string>>>;
}

interface Found {
  readonly path: string;
  readonly version: string;
}

/** Looks for the programs of a cluster on this machine. `major` is PostgreSQL's; undefined: the first of supportedMajors that is there. */
export async function findTools(options: {
  readonly major: number | undefined;
  readonly signal: AbortSignal;
}): Promise<ToolSearch> {
  const { signal } = options;
  const [etcd, haproxy, pgbouncer, postgres, patroni] = await Promise.all([
    findVersioned('etcd', ['--version'], '3.4', signal),
    findVersioned('haproxy', ['-v'], '2.4', signal),
    findVersioned('pgbouncer', ['--version'], '1.16', signal),
    findPostgres(options.major, signal),
    findPatroni(signal),
  ]);
  const missing: MissingTool[] = [];
  for (const [tool, found] of [
    ['etcd', etcd],
    ['haproxy', haproxy],
    ['pgbouncer', pgbouncer],
    ['postgres', postgres],
  ] as const) {
    if ('reason' in found) missing.push({ tool, reason: found.reason });
  }
  if (patroni.found === undefined) {
    missing.push({ tool: 'patroni', reason: ['Patroni 4.0 or later is not there', ...patroni.refused].join('; ') });
  }
  const versions: Partial<Record<ToolName, string>> = {};
  if ('version' in etcd) versions.etcd = etcd.version;
  if ('version' in haproxy) versions.haproxy = haproxy.version;
  if ('version' in pgbouncer) versions.pgbouncer = pgbouncer.version;
  if ('version' in postgres) versions.postgres = postgres.version;
  if (patroni.found !== undefined) versions.patroni = patroni.found.version;

  const complete =
    'path' in etcd && 'path' in haproxy && 'path' in pgbouncer && 'bin' in postgres && patroni.found !== undefined;
  return {
    tools: complete
      ? {
          etcd: etcd.path,
          haproxy: haproxy.path,
          pgbouncer: pgbouncer.path,
          postgresBin: postgres.bin,
          postgresMajor: postgres.major,
          patroni: patroni.found,
          agent: installProgram('agent'),
          net: installProgram('net'),
          api: installProgram('api'),
        }
      : undefined,
    missing,
    refused: patroni.refused,
    versions,
  };
}

async function findVersioned(
  name: ToolName,
  args: readonly string[],
  minimum: string,
  signal: AbortSignal,
): Promise<Found | { readonly reason: string }> {
  const path = await findProgram(name);
  if (path === undefined) return { reason: `${name} is not installed` };
  const version = await programVersion([path, ...args], signal);
  if (version === undefined) return { reason: `${path} does not tell its version` };
  if (!isAtLeast(version, minimum)) return { reason: `${path} is version ${version}; ${minimum} or later is needed` };
  return { path, version };
}

/** The PostgreSQL server of that major; undefined: the first of supportedMajors that is there. */
export async function findPostgres(
  wanted: number | undefined,
  signal: AbortSignal,
): Promise<{ readonly bin: string; readonly major: number; readonly version: string } | { readonly reason: string }> {
  for (const major of wanted === undefined ? supportedMajors : [wanted]) {
    // Debian's and PGDG's place on Debian and Ubuntu; PGDG's on Red Hat; a plain installation.
    for (const bin of [
      `/usr/lib/postgresql/${major}/bin`,
      `/usr/pgsql-${major}/bin`,
      '/usr/local/pgsql/bin',
      '/usr/bin',
    ]) {
      if (!(await isExecutable(join(bin, 'postgres'))) || !(await isExecutable(join(bin, 'initdb')))) continue;
      const version = await programVersion([join(bin, 'postgres'), '--version'], signal);
      if (version !== undefined && Number(version.split('.')[0]) === major) return { bin, major, version };
    }
  }
  return {
    reason:
      wanted === undefined ? 'no PostgreSQL server (13–18) is installed' : `PostgreSQL ${wanted} is not installed`,
  };
}
