import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateKeyMaterial, type KeyMaterial, renderKeyMaterial } from '@holdfast/keys';
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
  /** The same API once more, with a worker a core. */
  readonly spread: { readonly url: string; readonly workers: number };
  readonly keys: KeyMaterial;
  readonly sql: Connection;
  /** From its start to its first answer that needed the database, milliseconds. */
  readonly startMilliseconds: number;
  /** MiB, of the API's process. */
  memory(): Promise<number>;
  /** Processor time that a program and all server processes of the database's clients have used so far, seconds. */
  processorSeconds(program: 'api' | 'bare'): Promise<number>;
}

/** For each pool: more than there are cores for. */
const connections = 10;

const programs = {
  api: fileURLToPath(new URL('../../../services/gateway/dist/api.mjs', import.meta.url)),
  bare: fileURLToPath(new URL('bare-server.js', import.meta.url)),
};

export async function openStage(bin: string, signal: AbortSignal): Promise<Stage> {
  const postgres = await openBenchDatabase(bin);
  const { target } = postgres;
  const sql = await connect(target, { timeoutMilliseconds: 10_000, statementTimeoutMilliseconds: 120_000 });
  const [main] = await readSupabaseSchema();
  await applyMigrations(sql, main?.migrations ?? [], { signal });
  for (const role of ['authenticator', 'supabase_auth_admin'])
    await sql.query(`ALTER ROLE ${role} PASSWORD 'of the bench'`);
  await sql.query(schema);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-api-'));
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
    return start(['--max-old-space-size=512', '--max-semi-space-size=8', programs.api, configuration]);
  };
  const began = performance.now();
  const api = await startApi('api.json', apiPort, 1);
  const url = `http://127.0.0.1:${apiPort}`;
  await untilAnswers(`${url}/rest/v1/author?limit=1`, { apikey: keys.publishable.current.value });
  const startMilliseconds = performance.now() - began;
  const bare = start([
    '--max-old-space-size=512',
    '--max-semi-space-size=8',
    programs.bare,
    String(barePort),
    String(target.port),
    String(connections),
  ]);
  await untilAnswers(`http://127.0.0.1:${barePort}/0`, {});
  const workers = availableParallelism();
  const spread = await startApi('spread.json', spreadPort, workers);
  await untilAnswers(`http://127.0.0.1:${spreadPort}/rest/v1/author?limit=1`, {
    apikey: keys.publishable.current.value,
  });
  return {
    api: url,
    bare: `http://127.0.0.1:${barePort}`,
    spread: { url: `http://127.0.0.1:${spreadPort}`, workers },
    keys,
    sql,
    startMilliseconds,
    memory: async () => await residentMemory(api),
    processorSeconds: async (program) => await processorSeconds(sql, program === 'api' ? api : bare),
    async [Symbol.asyncDispose]() {
      // Workers end with the one that started them, which is told in order.
      for (const child of [api, bare, spread]) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill(child === spread ? 'SIGTERM' : 'SIGKILL');
        await ended;
      }
      await sql[Symbol.asyncDispose]();
      await postgres[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { NODE_ENV: 'production' } });
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

async function processorSeconds(sql: Connection, child: ChildProcess): Promise<number> {
  const servers = await sql.query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE usename = 'authenticator'`);
  const pids = [child.pid ?? 0, ...servers.map(({ pid }) => pid)];
  const used = await Promise.all(pids.map(async (pid) => await cpuSeconds(pid)));
  return used.reduce((sum, seconds) => sum + seconds, 0);
}
