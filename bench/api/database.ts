import { appendFile, chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConnectionTarget } from '@holdfast/postgres';
import { asPostgres, mustRun } from '../as-postgres.js';
import { openFolder } from '../open-folders.js';
import { freePort } from '../postgres-by-hand.js';

export interface BenchDatabase extends AsyncDisposable {
  /** The superuser. Every role comes in without a password. */
  readonly target: ConnectionTarget;
}

/** A PostgreSQL without durability: it is not the disk that is measured. */
export async function openBenchDatabase(bin: string): Promise<BenchDatabase> {
  const folder = await openFolder();
  const home = join(folder.path, 'api');
  await mkdir(home);
  await chmod(home, 0o777);
  const data = join(home, 'data');
  const run = async (program: string, ...args: readonly string[]) =>
    await mustRun(asPostgres([join(bin, program), ...args]), { cwd: home });
  await run('initdb', '-D', data, '-U', 'postgres', '-N', '-E', 'UTF8', '--locale=C.UTF-8', '--auth=trust');
  const port = await freePort();
  await appendFile(
    join(data, 'postgresql.conf'),
    `listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nport = ${port}\nfsync = off\nmax_connections = 100\n`,
  );
  await run('pg_ctl', 'start', '-w', '-D', data, '-l', join(home, 'log'));
  return {
    target: { host: '127.0.0.1', port, user: 'postgres', password: '', database: 'postgres' },
    async [Symbol.asyncDispose]() {
      await run('pg_ctl', 'stop', '-w', '-D', data, '-m', 'immediate').catch(() => undefined);
      await folder[Symbol.asyncDispose]();
    },
  };
}
