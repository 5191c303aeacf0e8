import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Tools } from '@holdfast/components';
import { type ThrowAwayFolder, waitUntil } from '@holdfast/testkit';
import { asPostgres, mustRun } from '../as-postgres.js';
import { openFolder } from '../open-folders.js';
import { freePort } from '../postgres-by-hand.js';
import type { Contender } from './contender.js';
import { findProcesses } from './member-processes.js';

const nodeNames = ['node1', 'node2', 'node3'] as const;
const monitorName = 'monitor';

/** Undefined: it is installed. Else what is missing. */
export function missingAutoFailover(tools: Tools): string | undefined {
  const directories = (process.env.PATH ?? '').split(delimiter);
  if (!directories.some((directory) => existsSync(join(directory, 'pg_autoctl'))))
    return 'pg_autoctl is not there (Debian: pg-auto-failover-cli)';
  const extension = tools.postgresBin.replace(
    /^\/usr\/lib\/postgresql\/(\d+)\/bin$/,
    '/usr/share/postgresql/$1/extension/pgautofailover.control',
  );
  return extension.endsWith('.control') && existsSync(extension)
    ? undefined
    : `its extension is not there for the PostgreSQL in ${tools.postgresBin} (Debian: postgresql-15-auto-failover)`;
}

export async function autoFailoverVersion(): Promise<string> {
  const { stdout } = await mustRun(['pg_autoctl', '--version'], { cwd: '/' });
  return /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
}

interface NodeState {
  readonly nodename: string;
  readonly nodeport: number;
  readonly current_group_state: string;
  readonly assigned_group_state: string;
  readonly health: number;
}

/** A monitor and three nodes by pg_autoctl with its default settings, on loopback; clients by its own connection string. */
export async function openAutoFailover(tools: Tools, signal: AbortSignal): Promise<Contender> {
  const folder = await openFolder();
  try {
    return await startAutoFailover(tools, folder, signal);
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

async function startAutoFailover(tools: Tools, folder: ThrowAwayFolder, signal: AbortSignal): Promise<Contender> {
  // Each runs as another account and makes its own folders here; its processes are known by the one that they work in.
  const home = join(folder.path, 'auto-failover');
  const directoryOf = (name: string) => join(home, name);
  // Without its run directory pg_autoctl leaves one in /tmp.
  const runDirectory = join(directoryOf('settings'), 'run');
  for (const path of [home, ...[monitorName, ...nodeNames, 'settings'].map(directoryOf), runDirectory]) {
    await mkdir(path);
    await chmod(path, 0o777);
  }
  const env = {
    PATH: `${tools.postgresBin}:${process.env.PATH ?? ''}`,
    HOME: directoryOf('settings'),
    TMPDIR: directoryOf('settings'),
    XDG_CONFIG_HOME: join(directoryOf('settings'), 'config'),
    XDG_DATA_HOME: join(directoryOf('settings'), 'data'),
    XDG_RUNTIME_DIR: runDirectory,
  };
  const pgdata = (name: string) => ['--pgdata', join(directoryOf(name), 'data')] as const;
  const autoctl = async (name: string, ...args: readonly string[]): Promise<string> => {
    const argv = asPostgres(['pg_autoctl', ...args, ...pgdata(name)]);
    return (await mustRun(argv, { cwd: directoryOf(name), env })).stdout;
  };
  const run = (name: string) => {
    const log = openSync(join(directoryOf(name), 'log'), 'a');
    const [program, ...args] = asPostgres(['pg_autoctl', 'run', ...pgdata(name)]);
    const child = spawn(program, args, {
      cwd: directoryOf(name),
      env: { ...process.env, ...env },
      // A session of its own: its PostgreSQL must not see our terminal's signals.
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.once('error', () => {});
    child.unref();
  };
  const create = [
    '--pgctl',
    join(tools.postgresBin, 'pg_ctl'),
    '--hostname',
    '127.0.0.1',
    '--auth',
    'trust',
    '--no-ssl',
  ];
  const state = async (): Promise<readonly NodeState[]> =>
    JSON.parse(await autoctl(monitorName, 'show', 'state', '--json')) as readonly NodeState[];

  await autoctl(monitorName, 'create', 'monitor', ...create, '--pgport', String(await freePort()));
  run(monitorName);
  await waitUntil('the monitor', async () => await state().catch(() => undefined), { timeoutMilliseconds: 30_000 });
  const monitorUri = (await autoctl(monitorName, 'show', 'uri', '--formation', 'monitor')).trim();
  for (const [index, name] of nodeNames.entries()) {
    signal.throwIfAborted();
    const node = ['--name', name, '--dbname', 'postgres', '--username', 'postgres', '--monitor', monitorUri];
    await autoctl(name, 'create', 'postgres', ...create, ...node, '--pgport', String(await freePort()));
    run(name);
    await waitUntil(`${name} of pg_auto_failover`, async () => countSettled(await state()) > index, {
      timeoutMilliseconds: 120_000,
    });
  }
  const nodes = await state();
  // postgres://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3/postgres?target_session_attrs=read-write&…: libpq goes through the hosts in this order.
  const uri = /^postgres:\/\/([^/]+)\//.exec(
    (await autoctl(monitorName, 'show', 'uri', '--formation', 'default')).trim(),
  );
  const hosts = uri?.[1]?.split(',') ?? [];
  if (hosts.length !== nodeNames.length) throw new Error('pg_auto_failover gave no connection string');
  const url = (host: string) => `postgresql://postgres@${host}/postgres`;
  return {
    writeUrls: hosts.map(url),
    async waitForHealth(aborted) {
      const found = await waitUntil(
        'three settled nodes of pg_auto_failover',
        async () => {
          aborted.throwIfAborted();
          const now = await state().catch(() => []);
          return countSettled(now) === nodeNames.length ? now : undefined;
        },
        { timeoutMilliseconds: 240_000, intervalMilliseconds: 500 },
      );
      const primary = found.find(({ current_group_state }) => current_group_state === 'primary');
      if (primary === undefined) throw new Error('pg_auto_failover has no primary');
      return { primary: primary.nodename, synchronous: undefined, members: nodeNames };
    },
    foldersOf: (member) => [directoryOf(member)],
    memberAt: (server) => nodes.find(({ nodeport }) => server.endsWith(`:${nodeport}`))?.nodename,
    memberUrl(member) {
      const node = nodes.find(({ nodename }) => nodename === member);
      return url(`127.0.0.1:${node?.nodeport}`);
    },
    // Nobody but us starts pg_autoctl.
    async holdRestarts() {},
    async releaseRestarts() {
      for (const name of nodeNames) if (findProcesses({ folders: [directoryOf(name)] }).length === 0) run(name);
      await sleep(100);
    },
    async [Symbol.asyncDispose]() {
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Nodes that are what the monitor wants them to be: one primary, the others its secondaries. */
function countSettled(nodes: readonly NodeState[]): number {
  return nodes.filter(
    ({ current_group_state: current, assigned_group_state: assigned, health }) =>
      health === 1 && current === assigned && ['single', 'primary', 'secondary'].includes(current),
  ).length;
}
