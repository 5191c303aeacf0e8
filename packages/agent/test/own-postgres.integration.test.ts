import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTools } from '@holdfast/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OwnPostgres } from '../src/own-postgres.js';

let folder: string;
let data: string;
let bin: string;
let port: number;
const stop = new AbortController();
let watch: OwnPostgres;
let watching: Promise<void>;

/** PostgreSQL does not run as root. */
function run(program: string, ...args: readonly string[]): void {
  const command = [join(bin, program), ...args];
  if (process.getuid?.() === 0)
    execFileSync('runuser', ['-u', 'postgres', '--', ...command], { stdio: 'ignore', cwd: folder });
  else execFileSync(command[0] ?? '', command.slice(1), { stdio: 'ignore', cwd: folder });
}

const start = () => run('pg_ctl', '-D', data, '-w', '-l', join(folder, 'log'), '-o', `-p ${port} -k ''`, 'start');
const postmaster = () => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);

async function reaches(state: string): Promise<void> {
  const end = performance.now() + 15_000;
  while (watch.sight.state !== state) {
    if (performance.now() > end) throw new Error(`it is ${watch.sight.state}, not ${state}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

beforeAll(async () => {
  const { tools } = await findTools({ major: undefined, signal: AbortSignal.timeout(20_000) });
  if (tools === undefined) throw new Error('PostgreSQL is needed');
  bin = tools.postgresBin;
  folder = mkdtempSync(join(tmpdir(), 'holdfast-test-agent-'));
  if (process.getuid?.() === 0) {
    const [uid = 0, gid = 0] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres']).toString()));
    chownSync(folder, uid, gid);
  }
  chmodSync(folder, 0o700);
  data = join(folder, 'data');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  await new Promise((resolve) => server.close(resolve));
  run('initdb', '-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync');
  watch = new OwnPostgres(
    { host: '127.0.0.1', port, user: 'postgres', password: 'none', database: 'postgres' },
    data,
    () => {},
  );
  watching = watch.run(stop.signal);
});

afterAll(async () => {
  stop.abort();
  await watching;
  try {
    run('pg_ctl', '-D', data, '-m', 'immediate', 'stop');
  } catch {
    // It does not run.
  }
  rmSync(folder, { recursive: true, force: true });
});

test('tells what never ran, what runs, what was stopped, what crashed, and stops what must not go on', async () => {
  await reaches('stopped');
  start();
  await reaches('primary');
  expect(watch.sight.position).toBeGreaterThan(0);
  expect(watch.sight.commitsWait).toBe(false);

  run('pg_ctl', '-D', data, '-w', '-m', 'fast', 'stop');
  await reaches('stopped');

  start();
  await reaches('primary');
  process.kill(postmaster(), 'SIGKILL');
  await reaches('crashed');

  // The shared memory of the killed one goes with its last child.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  // Where nobody reaps the killed one, PostgreSQL takes its number for alive.
  rmSync(join(data, 'postmaster.pid'));
  start();
  await reaches('primary');
  expect(watch.stopImmediately()).toBe(true);
  await reaches('stopped');
  expect(watch.stopImmediately()).toBe(false);
});
