import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createThrowAwayFolder, runProgram, type ThrowAwayFolder, waitUntil } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findAccount, isRoot } from '../src/process/accounts.js';
import {
  type PrivatePostgres,
  type PrivatePostgresOptions,
  startPrivatePostgres,
} from '../src/process/private-postgres/start-private-postgres.js';
import { listProcesses } from '../src/process/proc.js';
import { findPostgres } from '../src/process/tools/find-tools.js';

const never = new AbortController().signal;
const found = await findPostgres(undefined, never);
const bin = 'bin' in found ? found.bin : undefined;
const starter = fileURLToPath(new URL('support/hold-private-postgres.mjs', import.meta.url));

describe.skipIf(bin === undefined)('a private PostgreSQL', () => {
  let folder: ThrowAwayFolder;
  const options = (signal = never): PrivatePostgresOptions => ({
    bin: bin ?? '',
    user: 'postgres',
    encoding: 'UTF8',
    collate: 'C',
    ctype: 'C.UTF-8',
    preload: 'pg_stat_statements',
    boundMilliseconds: 600_000,
    signal,
  });
  const shadows = async () => (await readdir(folder.path)).filter((name) => name.startsWith('holdfast-shadow-'));
  const processes = () => listProcesses().filter(({ cwd }) => cwd?.startsWith(`${folder.path}/`));
  const nothingLeft = async () => {
    await waitUntil('nothing left', async () => (await shadows()).length === 0 && processes().length === 0, {
      timeoutMilliseconds: 15_000,
    });
  };
  const psql = async (
    server: Pick<PrivatePostgres, 'socketFolder'>,
    sql: string,
    account?: { uid: number; gid: number },
  ) =>
    await runProgram(
      join(bin ?? '', 'psql'),
      ['-X', '-A', '-t', '-h', server.socketFolder, '-U', 'postgres', '-c', sql],
      {
        timeoutMilliseconds: 10_000,
        cwd: '/',
        ...(account === undefined ? {} : { account }),
      },
    );

  beforeEach(async () => {
    folder = await createThrowAwayFolder();
    // Everybody's, as /tmp is.
    await chmod(folder.path, 0o1777);
    vi.stubEnv('TMPDIR', folder.path);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await folder[Symbol.asyncDispose]();
  });

  test('is as it was asked for, for us alone, and gone afterwards', async () => {
    const server = await startPrivatePostgres(options());
    expect((await stat(server.socketFolder)).mode & 0o777).toBe(0o700);
    const sql = `SELECT current_setting('server_encoding'), current_setting('lc_ctype'), current_setting('listen_addresses'), current_setting('shared_preload_libraries')`;
    expect((await psql(server, sql)).stdout).toBe('UTF8|C.UTF-8||pg_stat_statements\n');
    const nobody = findAccount('nobody');
    if (isRoot() && nobody !== undefined) expect((await psql(server, 'SELECT 1', nobody)).code).toBe(2);
    await server[Symbol.asyncDispose]();
    expect(await shadows()).toEqual([]);
    expect(processes()).toEqual([]);
  });

  test('reaches no other server where the kernel lets us see to that', async () => {
    await using server = await startPrivatePostgres(options());
    const { stdout } = await psql(
      server,
      "CREATE TEMP TABLE net (line text); COPY net FROM PROGRAM 'tail -n +3 /proc/net/dev | cut -d: -f1'; SELECT string_agg(trim(line), ',') FROM net",
    );
    if (server.isolated) expect(stdout.trim().split('\n').at(-1)).toBe('lo');
    expect(server.isolated || !isRoot()).toBe(true);
  });

  test('Ctrl-C while it starts leaves nothing', async () => {
    for (const milliseconds of [0, 150, 600]) {
      const abort = new AbortController();
      setTimeout(() => abort.abort(new Error('interrupted')), milliseconds);
      await expect(startPrivatePostgres(options(abort.signal))).rejects.toThrow('interrupted');
      await nothingLeft();
    }
  });

  test('a SIGKILL of whoever started it leaves nothing', async () => {
    const holder = spawn(process.execPath, [starter, JSON.stringify({ ...options(), signal: undefined })], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: folder.path },
    });
    await once(holder.stdout, 'data', { signal: AbortSignal.timeout(30_000) });
    expect(await shadows()).toHaveLength(1);
    holder.kill('SIGKILL');
    await nothingLeft();
  });

  test('it does not outlive its time', async () => {
    const server = await startPrivatePostgres({ ...options(), boundMilliseconds: 4000 });
    await nothingLeft();
    expect((await psql(server, 'SELECT 1')).code).toBe(2);
    await server[Symbol.asyncDispose]();
  });

  test('what a killed keeper leaves is removed by the next one, and nothing else', async () => {
    const first = await startPrivatePostgres(options());
    await using used = await startPrivatePostgres(options());
    const keeper = Number(/holdfast-shadow-(\d+)-/.exec(first.socketFolder)?.[1]);
    process.kill(keeper, 'SIGKILL');
    await first[Symbol.asyncDispose]();
    expect((await psql(first, 'SELECT 1')).stdout).toBe('1\n');
    // Its owner ended too, but it belongs to somebody else, or is named otherwise.
    await mkdir(join(folder.path, 'holdfast-shadow-1-2-mine'));
    if (isRoot()) await mkdir(join(folder.path, 'holdfast-shadow-4194304-1-abcdef'));
    await using _next = await startPrivatePostgres(options());
    expect((await readdir(folder.path)).filter((name) => first.socketFolder.endsWith(name))).toEqual([]);
    expect(processes().some(({ cwd }) => cwd?.startsWith(first.socketFolder))).toBe(false);
    expect((await psql(used, 'SELECT 1')).stdout).toBe('1\n');
    expect((await shadows()).sort().slice(0, 1)).toEqual(['holdfast-shadow-1-2-mine']);
    expect(await shadows()).toHaveLength(isRoot() ? 4 : 3);
  });

  test.each([
    ['initdb refuses', { encoding: 'NONSENSE' }, /initdb: .*NONSENSE/s],
    ['postgres refuses', { preload: 'no_such_library' }, /postgres: .*no_such_library/s],
    ['there is no program', { bin: '/nowhere' }, /ENOENT/],
  ])('%s: said why, nothing left', async (_, wrong, detail) => {
    await expect(startPrivatePostgres({ ...options(), ...wrong })).rejects.toMatchObject({
      code: 'HF_SHADOW_START',
      detail: expect.stringMatching(detail),
    });
    await nothingLeft();
  });
});
