import { appendFile, chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { asPostgres, mustRun } from './as-postgres.js';
import { openFolder } from './open-folders.js';

/** Milliseconds of the steps that nobody can do without. */
export interface ByHand {
  readonly initdb: number;
  readonly start: number;
  readonly basebackup: number;
  readonly replicaStart: number;
}

/** A primary and one replica by PostgreSQL's own programs, with the same initdb options as Holdfast's and nothing around them. */
export async function measureByHand(bin: string): Promise<ByHand> {
  await using folder = await openFolder();
  const home = join(folder.path, 'by-hand');
  await mkdir(home);
  // Each program runs as another account and makes its own folders here.
  await chmod(home, 0o777);
  const [primary, replica] = [join(home, 'primary'), join(home, 'replica')];
  const password = 'only for this measurement';
  const passwordFile = join(home, 'password');
  await writeFile(passwordFile, `${password}\n`);
  const env = { PGPASSWORD: password };
  const timed = async (program: string, ...args: readonly string[]): Promise<number> => {
    const start = performance.now();
    await mustRun(asPostgres([join(bin, program), ...args]), { cwd: home, env });
    return performance.now() - start;
  };

  const initdb = await timed(
    'initdb',
    ...['-D', primary, '-U', 'postgres', '--data-checksums', '-E', 'UTF8', '--locale=C.UTF-8'],
    ...['--auth=scram-sha-256', `--pwfile=${passwordFile}`],
  );
  const [port, replicaPort] = [await freePort(), await freePort()];
  const settings = (number: number) =>
    `listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nport = ${number}\n`;
  await appendFile(join(primary, 'postgresql.conf'), settings(port));
  const start = await timed('pg_ctl', 'start', '-w', '-D', primary, '-l', join(home, 'primary.log'));
  const basebackup = await timed(
    'pg_basebackup',
    ...['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-D', replica, '-R', '-X', 'stream', '-c', 'fast'],
  );
  await appendFile(join(replica, 'postgresql.conf'), settings(replicaPort));
  const replicaStart = await timed('pg_ctl', 'start', '-w', '-D', replica, '-l', join(home, 'replica.log'));
  return { initdb, start, basebackup, replicaStart };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
