import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, connect } from '@holdfast/postgres';
import { findTools } from '@holdfast/runtime';
import { timeLimit } from '@holdfast/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { receiveFrom } from '../src/receive-wal.js';

interface Server {
  readonly name: string;
  readonly data: string;
  readonly port: number;
}

let folder: string;
let bin: string;
let primary: Server;
let behind: Server;
let ahead: Server;
const account = process.getuid?.() === 0 ? ['-u', '-g'].map((flag) => Number(idOf(flag))) : undefined;
/** With characters that a passfile and a conninfo must quote. */
const password = "p:a\\s's";

function idOf(flag: string): string {
  return execFileSync('id', [flag, 'postgres']).toString();
}

/** PostgreSQL does not run as root. */
function run(program: string, ...args: readonly string[]): void {
  const command = [join(bin, program), ...args];
  const options = { stdio: 'ignore', cwd: folder, env: { ...process.env, PGPASSWORD: password } } as const;
  if (account === undefined) execFileSync(command[0] ?? '', command.slice(1), options);
  else execFileSync('runuser', ['-u', 'postgres', '--', ...command], options);
}

const start = ({ name, data, port }: Server) =>
  run('pg_ctl', '-D', data, '-w', '-l', join(folder, `${name}.log`), '-o', `-p ${port} -k ''`, 'start');

const open = async ({ port }: Server): Promise<Connection> =>
  await connect(
    { host: '127.0.0.1', port, user: 'postgres', password, database: 'postgres' },
    { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 10_000 },
  );

async function ask<Value>(server: Server, sql: string): Promise<Value> {
  await using connection = await open(server);
  const [row] = await connection.query<{ value: Value }>(`SELECT ${sql} AS value`);
  if (row === undefined) throw new Error('no answer');
  return row.value;
}

const positionOf = async (server: Server) =>
  Number(await ask<string>(server, "pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::text"));
const autoConf = ({ data }: Server) => join(data, 'postgresql.auto.conf');
const sourceOf = async (server: Server) => await ask<string>(server, "current_setting('primary_conninfo')");

async function until(what: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (!(await what())) {
    if (performance.now() > end) throw new Error('it does not come');
    await sleep(10);
  }
}

async function makeServer(name: string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return { name, data: join(folder, name), port };
}

function makeStandby(server: Server): void {
  run('pg_basebackup', '-D', server.data, '-h', '127.0.0.1', '-p', `${primary.port}`, '-U', 'postgres', '-c', 'fast');
  const passfile = join(folder, `${server.name} pgpass`);
  const secret = password.replace(/[\\:]/g, '\\$&');
  writeFileSync(passfile, `127.0.0.1:${primary.port}:*:postgres:${secret}\n`, { mode: 0o600 });
  writeFileSync(join(server.data, 'standby.signal'), '');
  const escaped = passfile.replace(/[ '\\]/g, '\\$&').replaceAll('\\', '\\\\');
  const conninfo = `user=postgres passfile=${escaped} host=127.0.0.1 port=${primary.port} application_name=${server.name}`;
  appendFileSync(
    join(server.data, 'postgresql.conf'),
    `primary_conninfo = '${conninfo}'\nwal_retrieve_retry_interval = 250ms\n`,
  );
  for (const path of [passfile, join(server.data, 'standby.signal')]) {
    if (account !== undefined) chownSync(path, account[0] ?? 0, account[1] ?? 0);
  }
  start(server);
}

beforeAll(async () => {
  const { tools } = await findTools({ major: undefined, signal: AbortSignal.timeout(20_000) });
  if (tools === undefined) throw new Error('PostgreSQL is needed');
  bin = tools.postgresBin;
  folder = mkdtempSync(join(tmpdir(), 'holdfast-test-agent-'));
  if (account !== undefined) chownSync(folder, account[0] ?? 0, account[1] ?? 0);
  chmodSync(folder, 0o700);
  primary = await makeServer('primary');
  behind = await makeServer('behind');
  ahead = await makeServer('ahead');
  const secret = join(folder, 'password');
  writeFileSync(secret, password, { mode: 0o644 });
  run('initdb', '-D', primary.data, '-A', 'scram-sha-256', '-U', 'postgres', `--pwfile=${secret}`, '--no-sync');
  appendFileSync(join(primary.data, 'postgresql.conf'), 'fsync = off\n');
  start(primary);
  for (const standby of [behind, ahead]) makeStandby(standby);
});

afterAll(() => {
  for (const { data } of [behind, ahead, primary]) {
    try {
      run('pg_ctl', '-D', data, '-m', 'immediate', 'stop');
    } catch {
      // It does not run.
    }
  }
  rmSync(folder, { recursive: true, force: true });
});

const receive = async (position: number, milliseconds: number): Promise<boolean> => {
  await using connection = await open(behind);
  const limit = timeLimit(AbortSignal.timeout(60_000), milliseconds);
  return await receiveFrom(connection, behind.data, { host: '127.0.0.1', port: ahead.port }, position, limit);
};

test('a standby receives what only another one has, of a primary that is gone; its own source is as before', async () => {
  await until(async () => Number(await ask(primary, '(SELECT count(*) FROM pg_stat_replication)')) === 2);
  const sender = await ask<number>(primary, "(SELECT pid FROM pg_stat_replication WHERE application_name = 'behind')");
  process.kill(sender, 'SIGSTOP');
  await using connection = await open(primary);
  await connection.query('CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n');
  await until(async () => (await positionOf(ahead)) > (await positionOf(behind)));
  const end = Number(await ask<string>(primary, "pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::text"));
  await until(async () => (await positionOf(ahead)) >= end);
  process.kill(sender, 'SIGKILL');
  run('pg_ctl', '-D', primary.data, '-m', 'immediate', 'stop');
  expect(await positionOf(behind)).toBeLessThan(end);
  const [file, source] = [readFileSync(autoConf(behind), 'utf8'), await sourceOf(behind)];

  expect(await receive(end, 10_000)).toBe(true);

  expect(await positionOf(behind)).toBeGreaterThanOrEqual(end);
  expect(readFileSync(autoConf(behind), 'utf8')).toBe(file);
  await until(async () => (await sourceOf(behind)) === source);
  run('pg_ctl', '-D', behind.data, '-w', 'promote');
  expect(await ask<string>(behind, '(SELECT count(*)::text FROM kept)')).toBe('1000');
});

test('what the other one has not got either is waited for no longer than it may be; what somebody else sets meanwhile stays', async () => {
  const position = (await positionOf(ahead)) + 1_000_000;
  await using connection = await open(ahead);
  const limit = timeLimit(AbortSignal.timeout(60_000), 3000);
  await using other = await open(ahead);
  const receiving = receiveFrom(connection, ahead.data, { host: '127.0.0.1', port: 1 }, position, limit);
  await until(async () => readFileSync(autoConf(ahead), 'utf8').includes('primary_'));
  await other.query("ALTER SYSTEM SET work_mem = '5MB'");
  expect(await receiving).toBe(false);
  const file = readFileSync(autoConf(ahead), 'utf8');
  expect(file).toContain('work_mem');
  expect(file).not.toContain('primary_');
  await until(async () => (await ask<string>(ahead, "current_setting('work_mem')")) === '5MB');
});
