import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder, removeFolder, removeLeftovers } from './folders.js';
import type { KeeperAnswer, KeeperOrder } from './order.js';

/** Enough of what a program says to know why it failed. */
const keptCharacters = 4000;

/** See startPrivatePostgres. Has PostgreSQL run for as long as somebody holds our standard input open; then nothing of it is left. */
async function keep(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done === true) return;
  const order = JSON.parse(first.value) as KeeperOrder;
  const told = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
  process.stdout.on('error', () => {});
  become(order.account);
  await removeLeftovers(order.temporaryFolders);
  const folder = makeFolder(order.temporaryFolders);
  try {
    const bound = sleep(order.boundMilliseconds, undefined, { ref: false });
    await Promise.race([run(order, folder), lines.next(), told, bound]);
  } finally {
    await removeFolder(folder);
  }
}

/** For good, and before the first file: what runs and what is deleted is never root's. */
function become(account: KeeperOrder['account']): void {
  if (account === undefined) return;
  process.setgroups?.([]);
  process.setgid?.(account.gid);
  process.setuid?.(account.uid);
}

/** Returns when PostgreSQL has ended or never started. */
async function run(order: KeeperOrder, folder: string): Promise<void> {
  const data = join(folder, 'data');
  const made = await start(folder, join(order.bin, 'initdb'), [
    ...['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync'],
    ...['-E', order.encoding, `--lc-collate=${order.collate}`, `--lc-ctype=${order.ctype}`],
  ]).ended;
  if (made.code !== 0) return answer({ failed: `initdb: ${made.output}` });
  const server = start(folder, join(order.bin, 'postgres'), ['-D', data, ...settings(order, folder)]);
  while (!isReady(data)) {
    const ended = await Promise.race([server.ended, sleep(20)]);
    if (ended !== undefined) return answer({ failed: `postgres: ${ended.output}` });
  }
  answer({ ready: folder });
  await server.ended;
}

/** Nobody comes in but through the socket, whose folder is ours alone; nothing has to survive; nothing works by itself. */
function settings({ preload }: KeeperOrder, folder: string): string[] {
  const values = {
    listen_addresses: '',
    unix_socket_directories: folder,
    unix_socket_permissions: '0700',
    port: '5432',
    shared_preload_libraries: preload,
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    wal_level: 'logical',
    autovacuum: 'off',
    jit: 'off',
    max_connections: '10',
    max_worker_processes: '0',
    max_logical_replication_workers: '0',
    max_locks_per_transaction: '256',
    shared_buffers: '32MB',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function start(folder: string, program: string, args: readonly string[]): { readonly ended: Promise<Ended> } {
  const child = spawn(program, args, {
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-keptCharacters);
    });
  }
  const ended = new Promise<Ended>((resolve) => {
    child.once('error', (error) => resolve({ code: null, output: error.message }));
    child.once('close', (code) => resolve({ code, output: output.trim() }));
  });
  return { ended };
}

/** The last line of postmaster.pid (PostgreSQL's LOCK_FILE_LINE_PM_STATUS). */
function isReady(data: string): boolean {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}

function answer(words: KeeperAnswer): void {
  process.stdout.write(`${JSON.stringify(words)}\n`);
}

try {
  await keep();
} catch (error) {
  answer({ failed: error instanceof Error ? error.message : String(error) });
}
process.exit();
