import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateKeyMaterial, type KeyMaterial, renderKeyMaterial, signApiToken } from '@holdfast/keys';
import { applyMigrations, readSupabaseSchema } from '@holdfast/migrations';
import { type Connection, connect } from '@holdfast/postgres';
import { createThrowAwayFolder } from '@holdfast/testkit';
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { WebSocket } from 'ws';
import { postgresBin, startThrowAwayPostgres } from '../../../../packages/postgres/test/throw-away-postgres.js';

export { postgresBin } from '../../../../packages/postgres/test/throw-away-postgres.js';

/** Without timers, and with what Node.js 20 lacks. */
export const clientOptions = {
  auth: { persistSession: false, autoRefreshToken: false },
  realtime: { transport: WebSocket as never },
};

/** The program, bundled (`npm run build`). */
export const program = fileURLToPath(new URL('../../dist/api.mjs', import.meta.url));

/** The program beside a PostgreSQL with the project's schema. */
export interface TestTier extends AsyncDisposable {
  readonly url: string;
  readonly keys: KeyMaterial;
  readonly process: ChildProcess;
  /** From its start to its first answer, milliseconds. */
  readonly startMilliseconds: number;
  /** As a superuser. */
  readonly sql: Connection;
  anon(): Promise<SupabaseClient>;
  service(): Promise<SupabaseClient>;
  writeKeys(keys: KeyMaterial): void;
  readonly log: () => string;
  readonly ended: Promise<number | null>;
}

export async function startTestTier(
  change: (configuration: Record<string, unknown>) => Record<string, unknown> = (c) => c,
) {
  const folder = await createThrowAwayFolder();
  const server = await startThrowAwayPostgres(postgresBin ?? '', { settings: ['max_connections=60'] });
  const sql = await connect(server.target, { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 60_000 });
  const [main] = await readSupabaseSchema();
  await applyMigrations(sql, main?.migrations ?? [], { signal: new AbortController().signal });
  for (const role of ['authenticator', 'supabase_auth_admin'])
    await sql.query(`ALTER ROLE ${role} PASSWORD 'of the test'`);
  const keys = generateKeyMaterial(new Date());
  const keysFile = join(folder.path, 'keys.json');
  const writeKeys = (material: KeyMaterial) => writeFileSync(keysFile, renderKeyMaterial(material), { mode: 0o600 });
  writeKeys(keys);
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const configuration = join(folder.path, 'api.json');
  const { host, port: databasePort } = server.target;
  const given = change({
    host: '127.0.0.1',
    port,
    database: {
      host,
      readWritePort: databasePort,
      readOnlyPort: databasePort,
      name: 'postgres',
      authenticatorPassword: 'of the test',
      authAdminPassword: 'of the test',
    },
    keysFile,
    auth: { externalUrl: `http://127.0.0.1:${port}/auth/v1`, rateLimits: { enabled: false } },
  });
  writeFileSync(configuration, JSON.stringify(given), { mode: 0o600 });
  const began = performance.now();
  const child = spawn(
    process.execPath,
    ['--max-old-space-size=512', '--max-semi-space-size=8', program, configuration],
    {
      cwd: folder.path,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { NODE_ENV: 'production' },
    },
  );
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const url = `http://127.0.0.1:${port}`;
  const close = async () => {
    child.kill('SIGKILL');
    await ended;
    await sql[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  };
  const startMilliseconds = await untilAnswers(url, began, child, () => log).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const client = async (role: 'anon' | 'service_role') =>
    createClient(url, await signApiToken(role, keys), clientOptions);
  const tier: TestTier = {
    url,
    keys,
    process: child,
    startMilliseconds,
    sql,
    anon: async () => await client('anon'),
    service: async () => await client('service_role'),
    writeKeys,
    log: () => log,
    ended,
    [Symbol.asyncDispose]: close,
  };
  return tier;
}

async function untilAnswers(url: string, began: number, child: ChildProcess, log: () => string): Promise<number> {
  for (;;) {
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok === true) return performance.now() - began;
    if (child.exitCode !== null || performance.now() - began > 60_000)
      throw new Error(`The API does not answer:\n${log()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
