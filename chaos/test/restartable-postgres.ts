import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createThrowAwayFolder, runProgram } from '@holdfast/testkit';

/** Folder of PostgreSQL's programs on this machine; undefined: none is installed. */
export const postgresBin = [15, 18, 17, 16, 14, 13]
  .map((major) => `/usr/lib/postgresql/${major}/bin`)
  .find((folder) => existsSync(join(folder, 'initdb')));

/** One real PostgreSQL that can be killed and started again; disposing ends and deletes it. */
export interface RestartablePostgres extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  /** SIGQUIT: PostgreSQL's immediate shutdown, which ends every backend at once and leaves a recovery to the next start. */
  kill(): Promise<void>;
  start(): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

export async function startRestartablePostgres(bin: string): Promise<RestartablePostgres> {
  const folder = await createThrowAwayFolder();
  try {
    return await startIn(folder, bin);
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

async function startIn(folder: AsyncDisposable & { readonly path: string }, bin: string): Promise<RestartablePostgres> {
  const account = process.getuid?.() === 0 ? await postgresAccount() : undefined;
  const home = join(folder.path, 'postgres');
  await mkdir(home, { mode: 0o700 });
  if (account !== undefined) await chown(home, account.uid, account.gid);
  const passwordFile = join(folder.path, 'password');
  await writeFile(passwordFile, 'chaos\n', { mode: 0o644 });
  const data = join(home, 'data');
  const as = (program: string, args: readonly string[]): readonly [string, readonly string[]] =>
    account === undefined
      ? [join(bin, program), args]
      : [
          'setpriv',
          [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', join(bin, program), ...args],
        ];
  const [initdb, initdbArgs] = as('initdb', [
    ...['-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--auth=scram-sha-256', `--pwfile=${passwordFile}`],
  ]);
  const made = await runProgram(initdb, initdbArgs, { timeoutMilliseconds: 60_000, cwd: '/' });
  if (made.code !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  let postmaster: ChildProcess | undefined;
  const start = async () => {
    const [program, args] = as('postgres', ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '']);
    const child = spawn(program, args, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
    postmaster = child;
    await untilReady(child);
  };
  await start();
  return {
    url: `postgresql://postgres:chaos@127.0.0.1:${port}/postgres`,
    folder: folder.path,
    start,
    signal(name) {
      postmaster?.kill(name);
    },
    async kill() {
      const child = postmaster;
      if (child === undefined || child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGQUIT');
      await ended;
    },
    [Symbol.asyncDispose]: async () => await folder[Symbol.asyncDispose](),
  };
}

async function untilReady(postmaster: ChildProcess): Promise<void> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`PostgreSQL is not ready within 30 s:\n${log}`)), 30_000);
    postmaster.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (log.includes('ready to accept connections')) return;
      log += text;
      if (!log.includes('ready to accept connections')) return;
      clearTimeout(timer);
      resolve();
    });
    postmaster.once('close', () => {
      clearTimeout(timer);
      reject(new Error(`PostgreSQL ended:\n${log}`));
    });
  });
}

async function postgresAccount(): Promise<{ readonly uid: number; readonly gid: number }> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) throw new Error('there is no account postgres');
  return { uid: Number(uid), gid: Number(gid) };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
