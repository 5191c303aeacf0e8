import { spawn } from 'node:child_process';
import { chown, mkdir, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createThrowAwayFolder, runProgram, type ThrowAwayFolder } from '@holdfast/testkit';
import pg from 'pg';
import type { ConnectionTarget } from '../src/connect.js';

/** A primary with a synchronous standby, behind one address that leads to whoever is the primary, as HAProxy's does. */
export interface ReplicatedPostgres extends AsyncDisposable {
  readonly target: ConnectionTarget;
  /** Kills the primary with all its processes, promotes the standby, and makes a new standby of what is left. */
  failOver(how: 'SIGKILL' | 'SIGSTOP'): Promise<void>;
  /** Kills the primary and starts it again. */
  crash(): Promise<void>;
  query(sql: string): Promise<readonly (readonly unknown[])[]>;
}

interface Node {
  readonly data: string;
  readonly port: number;
}

export async function startReplicatedPostgres(bin: string): Promise<ReplicatedPostgres> {
  const folder = await createThrowAwayFolder();
  const cluster = new Cluster(folder, bin);
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

class Cluster implements ReplicatedPostgres {
  readonly #folder: ThrowAwayFolder;
  readonly #bin: string;
  readonly #router = new Router();
  #account: { readonly uid: number; readonly gid: number } | undefined;
  #nodes: readonly [Node, Node] | undefined;
  /** Of the two. */
  #primary = 0;

  constructor(folder: ThrowAwayFolder, bin: string) {
    this.#folder = folder;
    this.#bin = bin;
  }

  get target(): ConnectionTarget {
    return this.#targetAt(this.#router.port);
  }

  async start(): Promise<void> {
    this.#account = process.getuid?.() === 0 ? await postgresAccount() : undefined;
    const home = join(this.#folder.path, 'postgres');
    await mkdir(home, { mode: 0o700 });
    if (this.#account !== undefined) await chown(home, this.#account.uid, this.#account.gid);
    await this.#router.listen();
    this.#nodes = [
      { data: join(home, 'a'), port: await freePort() },
      { data: join(home, 'b'), port: await freePort() },
    ];
    const first = this.#node(0);
    await this.#run('initdb', ['-D', first.data, '-U', 'postgres', '-N', '-E', 'UTF8', '--locale=C', '--auth=trust']);
    await this.#startNode(first);
    await this.#makeStandby(1);
    await this.#requireStandby();
    this.#router.route(first.port);
  }

  async failOver(how: 'SIGKILL' | 'SIGSTOP'): Promise<void> {
    const old = this.#node(this.#primary);
    const pids = await processesIn(old.data);
    for (const pid of pids) kill(pid, how);
    await new Promise((resolve) => setTimeout(resolve, 300));
    // Whoever is connected stays so for a moment when a primary is frozen, and new clients wait.
    this.#router.route(undefined);
    this.#primary = 1 - this.#primary;
    const next = this.#node(this.#primary);
    // Alone it must not wait for a standby that is not there yet.
    await this.#ask(
      next,
      'ALTER SYSTEM RESET synchronous_standby_names; ',
      'SELECT pg_reload_conf()',
      'SELECT pg_promote()',
    );
    this.#router.route(next.port);
    for (const pid of pids) kill(pid, 'SIGKILL');
    await rm(old.data, { recursive: true, force: true });
    await this.#makeStandby(1 - this.#primary);
    await this.#requireStandby();
  }

  async crash(): Promise<void> {
    const node = this.#node(this.#primary);
    for (const pid of await processesIn(node.data)) kill(pid, 'SIGKILL');
    this.#router.route(undefined);
    await rm(join(node.data, 'postmaster.pid'), { force: true });
    await this.#startNode(node);
    this.#router.route(node.port);
  }

  async query(sql: string): Promise<readonly (readonly unknown[])[]> {
    return await this.#ask(this.#node(this.#primary), sql);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#router.close();
    await this.#folder[Symbol.asyncDispose]();
  }

  async #makeStandby(index: number): Promise<void> {
    const primary = this.#node(1 - index);
    const node = this.#node(index);
    const from = ['-h', '127.0.0.1', '-p', String(primary.port), '-U', 'postgres'];
    await this.#run('pg_basebackup', ['-D', node.data, '-R', '-X', 'stream', '-c', 'fast', ...from]);
    await this.#startNode(node);
  }

  async #requireStandby(): Promise<void> {
    const primary = this.#node(this.#primary);
    for (;;) {
      const [row] = await this.#ask(primary, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'");
      if (row?.[0] === '1') break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await this.#ask(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", 'SELECT pg_reload_conf()');
  }

  async #startNode({ data, port }: Node): Promise<void> {
    const [program, args] = this.#as('postgres', [
      ...['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', ''],
      ...['-c', 'fsync=off', '-c', 'max_connections=60', '-c', 'shared_buffers=16MB'],
      ...['-c', 'dynamic_shared_memory_type=mmap', '-c', 'wal_retrieve_retry_interval=100ms'],
    ]);
    const postmaster = spawn(program, args, { cwd: '/', stdio: 'ignore' });
    postmaster.on('error', () => {});
    for (let attempt = 0; attempt < 400; attempt += 1) {
      const answered = await this.#ask({ data, port }, 'SELECT 1').then(
        () => true,
        () => false,
      );
      if (answered) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`PostgreSQL on ${port} is not ready within 20 s`);
  }

  async #ask({ port }: Node, ...statements: readonly string[]): Promise<readonly (readonly unknown[])[]> {
    const client = new pg.Client({ ...this.#targetAt(port), connectionTimeoutMillis: 2000, query_timeout: 20_000 });
    client.on('error', () => {});
    await client.connect();
    try {
      let rows: readonly (readonly unknown[])[] = [];
      for (const text of statements) rows = (await client.query({ text, rowMode: 'array' })).rows;
      return rows;
    } finally {
      await client.end();
    }
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    const [command, all] = this.#as(program, args);
    const ran = await runProgram(command, all, { timeoutMilliseconds: 60_000, cwd: '/' });
    if (ran.code !== 0) throw new Error(`${program}: ${ran.stderr}`);
  }

  #as(program: string, args: readonly string[]): [string, readonly string[]] {
    const path = join(this.#bin, program);
    if (this.#account === undefined) return [path, args];
    const { uid, gid } = this.#account;
    return ['setpriv', [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', path, ...args]];
  }

  #node(index: number): Node {
    const node = this.#nodes?.[index];
    if (node === undefined) throw new Error('not started');
    return node;
  }

  #targetAt(port: number): ConnectionTarget {
    return { host: '127.0.0.1', port, user: 'postgres', password: 'any', database: 'postgres' };
  }
}

/** Leads each connection to where the primary is; while there is none new ones wait, and those that were there are cut. */
class Router {
  readonly #server = createServer((socket) => this.#accept(socket));
  readonly #sockets = new Set<Socket>();
  #waiting: Socket[] = [];
  #port: number | undefined;

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  route(port: number | undefined): void {
    this.#port = port;
    if (port === undefined) {
      for (const socket of this.#sockets) socket.destroy();
      return;
    }
    for (const socket of this.#waiting.splice(0)) this.#join(socket, port);
  }

  close(): void {
    this.#server.close();
    for (const socket of [...this.#sockets, ...this.#waiting]) socket.destroy();
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {});
    if (this.#port === undefined) this.#waiting.push(socket);
    else this.#join(socket, this.#port);
  }

  #join(client: Socket, port: number): void {
    const server = connectSocket(port, '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroySoon();
      });
      one.setNoDelay(true);
      one.pipe(other);
    }
  }
}

/** PostgreSQL's processes all work in its data directory. */
async function processesIn(directory: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    if ((await readlink(`/proc/${name}/cwd`).catch(() => '')) === directory) found.push(Number(name));
  }
  return found;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself meanwhile.
  }
}

async function postgresAccount(): Promise<{ readonly uid: number; readonly gid: number }> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) throw new Error('there is no account postgres');
  return { uid: Number(uid), gid: Number(gid) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
