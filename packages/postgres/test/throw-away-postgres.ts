import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createThrowAwayFolder, runProgram, type ThrowAwayFolder } from '@holdfast/testkit';
import type { ConnectionTarget } from '../src/connect.js';

/** Folder of PostgreSQL's programs on this machine; undefined: none is installed. */
export const postgresBin = [15, 18, 17, 16, 14, 13]
  .map((major) => `/usr/lib/postgresql/${major}/bin`)
  .find((folder) => existsSync(join(folder, 'initdb')));

/** A PostgreSQL server of its own on a free port; TCP clients need scram-sha-256. Disposing ends and deletes it. */
export interface ThrowAwayPostgres extends AsyncDisposable {
  /** The superuser. */
  readonly target: ConnectionTarget;
}

export interface ThrowAwayOptions {
  /** As in postgresql.conf, `name=value`. */
  readonly settings?: readonly string[];
  /** Default postgres. */
  readonly superuser?: string;
}

export async function startThrowAwayPostgres(bin: string, options: ThrowAwayOptions = {}): Promise<ThrowAwayPostgres> {
  const folder = await createThrowAwayFolder();
  try {
    return await startIn(folder, bin, options);
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

async function startIn(
  folder: ThrowAwayFolder,
  bin: string,
  { settings = [], superuser = 'postgres' }: ThrowAwayOptions,
): Promise<ThrowAwayPostgres> {
  const account = process.getuid?.() === 0 ? await postgresAccount() : undefined;
  const home = join(folder.path, 'postgres');
  await mkdir(home, { mode: 0o700 });
  if (account !== undefined) await chown(home, account.uid, account.gid);
  const data = join(home, 'data');
  const password = 'the superuser of a test';
  const passwordFile = join(folder.path, 'password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o644 });

  const asAccount = (program: string, args: readonly string[]): [string, readonly string[]] =>
    account === undefined
      ? [join(bin, program), args]
      : [
          'setpriv',
          [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', join(bin, program), ...args],
        ];
  const [initdb, initdbArgs] = asAccount('initdb', [
    ...['-D', data, '-U', superuser, '-N', '-E', 'UTF8', '--locale=C', '--auth=scram-sha-256'],
    `--pwfile=${passwordFile}`,
  ]);
  const made = await runProgram(initdb, initdbArgs, { timeoutMilliseconds: 60_000, cwd: '/' });
  if (made.code !== 0) throw new Error(`initdb: ${made.stderr}`);

  const port = await freePort();
  const [postgres, postgresArgs] = asAccount('postgres', [
    ...['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', ''],
    ...['-c', 'fsync=off', '-c', 'max_connections=20', '-c', 'shared_buffers=16MB', '-c', 'wal_level=logical'],
    // Killed, it would leave its shared memory on the machine.
    ...['-c', 'dynamic_shared_memory_type=mmap'],
    ...settings.flatMap((setting) => ['-c', setting]),
  ]);
  const postmaster = spawn(postgres, postgresArgs, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  await untilReady(postmaster);
  return {
    target: { host: '127.0.0.1', port, user: superuser, password, database: 'postgres' },
    [Symbol.asyncDispose]: async () => await folder[Symbol.asyncDispose](),
  };
}

async function untilReady(postmaster: ChildProcess): Promise<void> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`PostgreSQL is not ready within 20 s:\n${log}`)), 20_000);
    postmaster.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (log.includes('ready to accept connections')) {
        clearTimeout(timer);
        resolve();
      }
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

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
