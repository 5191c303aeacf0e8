import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  generateKeyMaterial,
  type KeyMaterial,
  renderKeyMaterial,
  signApiToken,
  verificationJwks,
} from '@holdfast/keys';
import { applyMigrations, readSupabaseSchema } from '@holdfast/migrations';
import { type Connection, connect } from '@holdfast/postgres';
import { freePort } from '../postgres-by-hand.js';
import { cpuSeconds } from '../process-usage.js';
import { schema } from './cases.js';
import { openBenchDatabase } from './database.js';

/** The API, what it is measured against, and the database of both: one PostgreSQL without durability, so that it is not the disk that is measured. */
export interface Stage extends AsyncDisposable {
  readonly api: string;
  readonly bare: string;
  /** PostgREST itself, where HOLDFAST_POSTGREST names its binary. */
  readonly postgrest: string | undefined;
  /** What PostgREST is told about who asks; the gateway tells ours the same. */
  readonly authorization: string;
  /** The same API once more, with a worker a core. */
  readonly spread: { readonly url: string; readonly workers: number };
  readonly keys: KeyMaterial;
  readonly sql: Connection;
  /** From its start to its first answer that needed the database, milliseconds. */
  readonly startMilliseconds: number;
  /** MiB, of the API's process. */
  memory(): Promise<number>;
  /** Processor time that a program and all server processes of the database's clients have used so far, seconds. */
  processorSeconds(program: Program): Promise<number>;
}

export type Program = 'api' | 'bare' | 'postgrest';

/** For each pool: more than there are cores for. */
const connections = 10;

const files = {
  api: fileURLToPath(new URL('../../../services/gateway/dist/api.mjs', import.meta.url)),
  bare: fileURLToPath(new URL('bare-server.js', import.meta.url)),
};

export async function openStage(bin: string, signal: AbortSignal): Promise<Stage> {
  const closing: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const each of closing.splice(0).toReversed()) await each();
  };
  try {
    return { ...(await openParts(bin, closing, signal)), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** `closing`: gets what closes each part as soon as it is there. */
async function openParts(
  bin: string,
  closing: (() => Promise<void>)[],
  signal: AbortSignal,
): Promise<Omit<Stage, keyof AsyncDisposable>> {
  const started = (child: ChildProcess, by: 'SIGTERM' | 'SIGKILL' = 'SIGKILL') => {
    closing.push(async () => await end(child, by));
    return child;
  };
  const postgres = await openBenchDatabase(bin);
  closing.push(async () => await postgres[Symbol.asyncDispose]());
  const { target } = postgres;
  const sql = await connect(target, { timeoutMilliseconds: 10_000, statementTimeoutMilliseconds: 120_000 });
  closing.push(async () => await sql[Symbol.asyncDispose]());
  const [main] = await readSupabaseSchema();
  await applyMigrations(sql, main?.migrations ?? [], { signal });
  for (const role of ['authenticator', 'supabase_auth_admin'])
    await sql.query(`ALTER ROLE ${role} PASSWORD 'of the bench'`);
  await sql.query(schema);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-api-'));
  closing.push(async () => await rm(folder, { recursive: true, force: true }));
  const keys = generateKeyMaterial(new Date());
  const keysFile = join(folder, 'keys.json');
  await writeFile(keysFile, renderKeyMaterial(keys), { mode: 0o600 });
  const [apiPort, spreadPort, barePort] = [await freePort(), await freePort(), await freePort()];
  const database = {
    host: target.host,
    readWritePort: target.port,
    readOnlyPort: target.port,
    name: 'postgres',
    authenticatorPassword: 'of the bench',
    authAdminPassword: 'of the bench',
    connectionsAtMost: connections,
  };
  const startApi = async (name: string, port: number, workers: number) => {
    const auth = { externalUrl: `http://127.0.0.1:${port}/auth/v1`, rateLimits: { enabled: false } };
    const whole = { host: '127.0.0.1', port, database, keysFile, auth, rest: { schemas: ['public'] }, workers };
    const configuration = join(folder, name);
    await writeFile(configuration, JSON.stringify(whole), { mode: 0o600 });
    return start(['--max-old-space-size=512', '--max-semi-space-size=8', files.api, configuration]);
  };
  const began = performance.now();
  const api = started(await startApi('api.json', apiPort, 1));
  const url = `http://127.0.0.1:${apiPort}`;
  await untilAnswers(`${url}/rest/v1/author?limit=1`, { apikey: keys.publishable.current.value });
  const startMilliseconds = performance.now() - began;
  const bare = started(
    start([
      '--max-old-space-size=512',
      '--max-semi-space-size=8',
      files.bare,
      String(barePort),
      String(target.port),
      String(connections),
    ]),
  );
  await untilAnswers(`http://127.0.0.1:${barePort}/0`, {});
  const workers = availableParallelism();
  // Workers end with the one that started them, which is told in order.
  started(await startApi('spread.json', spreadPort, workers), 'SIGTERM');
  await untilAnswers(`http://127.0.0.1:${spreadPort}/rest/v1/author?limit=1`, {
    apikey: keys.publishable.current.value,
  });
  const postgrest = await startPostgrest(target, keys, started);
  const programs: Readonly<Record<Program, ChildProcess | undefined>> = { api, bare, postgrest: postgrest?.child };
  return {
    api: url,
    bare: `http://127.0.0.1:${barePort}`,
    postgrest: postgrest?.url,
    authorization: `Bearer ${await signApiToken('anon', keys)}`,
    spread: { url: `http://127.0.0.1:${spreadPort}`, workers },
    keys,
    sql,
    startMilliseconds,
    memory: async () => await residentMemory(api),
    processorSeconds: async (program) => await processorSeconds(sql, programs[program]),
  };
}

async function end(child: ChildProcess, by: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  // One that never started has no number.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(by);
  await ended;
}

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { NODE_ENV: 'production' } });
}

/**
 * With the schema, the pool and the key that ours has; settings by the names of PostgREST's reference, Configuration. Throws when the binary does not
 * answer.
 */
async function startPostgrest(
  { host, port }: { readonly host: string; readonly port: number },
  keys: KeyMaterial,
  started: (child: ChildProcess) => ChildProcess,
): Promise<{ readonly url: string; readonly child: ChildProcess } | undefined> {
  const binary = process.env.HOLDFAST_POSTGREST;
  if (binary === undefined) return undefined;
  const own = await freePort();
  const env = {
    PGRST_DB_URI: `postgresql://authenticator:${encodeURIComponent('of the bench')}@${host}:${port}/postgres`,
    PGRST_DB_SCHEMAS: 'public',
    PGRST_DB_EXTRA_SEARCH_PATH: 'public, extensions',
    PGRST_DB_ANON_ROLE: 'anon',
    PGRST_DB_POOL: String(connections),
    PGRST_DB_MAX_ROWS: '1000',
    PGRST_JWT_SECRET: JSON.stringify(verificationJwks(keys, new Date())),
    PGRST_LOG_LEVEL: 'crit',
    PGRST_SERVER_HOST: '127.0.0.1',
    PGRST_SERVER_PORT: String(own),
  };
  const child = started(spawn(binary, [], { stdio: ['ignore', 'ignore', 'inherit'], env }));
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', (cause) =>
      reject(new Error(`HOLDFAST_POSTGREST=${binary} cannot be started: ${cause.message}`, { cause })),
    );
  });
  const url = `http://127.0.0.1:${own}`;
  await Promise.race([failed, untilAnswers(`${url}/author?limit=1`, {})]);
  return { url, child };
}

async function untilAnswers(url: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const end = performance.now() + 30_000;
  for (;;) {
    const answer = await fetch(url, { headers }).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok === true) return;
    if (performance.now() > end) throw new Error(`${url} does not answer: ${answer?.status}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function residentMemory(child: ChildProcess): Promise<number> {
  const { readFile } = await import('node:fs/promises');
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${child.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

async function processorSeconds(sql: Connection, child: ChildProcess | undefined): Promise<number> {
  const servers = await sql.query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE usename = 'authenticator'`);
  const pids = [child?.pid ?? 0, ...servers.map(({ pid }) => pid)];
  const used = await Promise.all(pids.map(async (pid) => await cpuSeconds(pid)));
  return used.reduce((sum, seconds) => sum + seconds, 0);
}
