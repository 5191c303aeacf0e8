import { appendFile, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@holdfast/postgres';

export interface WalSource {
  readonly host: string;
  readonly port: number;
}

const lookMilliseconds = 10;

/**
 * Has the standby in `dataDirectory`, to which `connection` is a superuser's, receive WAL from another standby of the same primary until it
 * has `position` (bytes) or `signal` aborts, and then from whom it received before. Answers whether it has it. Throws what PostgreSQL and
 * the file system throw.
 *
 * A standby passes on what it has received (PostgreSQL manual, 27.2.7), and takes a change of its source with a reload (20.6.3). No slot:
 * only WAL of this moment is asked for. Should this process die in the middle, Patroni puts the source right in its next turn
 * (config.py, check_recovery_conf and _sanitize_auto_conf), or the next process does by `restoreSource`.
 */
export async function receiveFrom(
  connection: Connection,
  dataDirectory: string,
  source: WalSource,
  position: number,
  signal: AbortSignal,
): Promise<boolean> {
  const [row] = await connection.query<{ conninfo: string }>("SELECT current_setting('primary_conninfo') AS conninfo");
  const before = row?.conninfo ?? '';
  await using passfile = await writePassfile(before);
  const parameters = { primary_conninfo: redirect(before, source, passfile.path), primary_slot_name: '' };
  const undo = await override(autoConf(dataDirectory), parameters);
  try {
    await connection.query('SELECT pg_reload_conf()');
    for (;;) {
      if (await hasReceived(connection, position)) return true;
      if (signal.aborted) return false;
      await sleep(lookMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    if (!(await undo())) await reset(connection, Object.keys(parameters));
    await connection.query('SELECT pg_reload_conf()');
  }
}

/**
 * Takes out what a process that died in the middle of `receiveFrom` left behind; answers whether there was something. Patroni does that by itself unless it
 * asked PostgreSQL in the milliseconds between the change and its reload: it asks again only when the file has changed once more (config.py,
 * _read_recovery_params). Throws what PostgreSQL and the file system throw.
 */
export async function restoreSource(connection: Connection, dataDirectory: string): Promise<boolean> {
  const text = await readFile(autoConf(dataDirectory), 'utf8');
  const left = ['primary_conninfo', 'primary_slot_name'].filter((name) =>
    new RegExp(`^\\s*${name}\\b`, 'm').test(text),
  );
  if (left.length === 0) return false;
  await reset(connection, left);
  await connection.query('SELECT pg_reload_conf()');
  return true;
}

function autoConf(dataDirectory: string): string {
  return join(dataDirectory, 'postgresql.auto.conf');
}

async function reset(connection: Connection, parameters: readonly string[]): Promise<void> {
  for (const name of parameters) await connection.query(`ALTER SYSTEM RESET ${name}`);
}

async function hasReceived(connection: Connection, position: number): Promise<boolean> {
  const sql = `SELECT NOT pg_is_in_recovery()
    OR pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0') >= $1 AS found`;
  const [row] = await connection.query<{ found: boolean | null }>(sql, [position]);
  return row?.found === true;
}

/**
 * Sets parameters over all others, in the file of ALTER SYSTEM, which syncs the disk about ten times for each: too long in the middle of a failover,
 * for what need not survive anything. Answers how to take them out again; that answers false if they are still there, because somebody
 * else has changed the file as well.
 */
async function override(path: string, parameters: Readonly<Record<string, string>>): Promise<() => Promise<boolean>> {
  const before = await readFile(path, 'utf8');
  const lines = Object.entries(parameters).map(([name, value]) => `${name} = ${quoteSetting(value)}\n`);
  const added = (before === '' || before.endsWith('\n') ? '' : '\n') + lines.join('');
  await appendFile(path, added);
  return async () => {
    await using file = await open(path, 'r+');
    const now = await file.readFile('utf8');
    if (now !== before + added) return !Object.keys(parameters).some((name) => now.includes(name));
    await file.truncate(Buffer.byteLength(before));
    return true;
  };
}

/** As postgresql.conf has it (PostgreSQL manual, 20.1.2). Pure. */
export function quoteSetting(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n')}'`;
}

/** Of a keyword that comes twice libpq takes the last value. Pure. */
export function redirect(conninfo: string, source: WalSource, passfile: string | undefined): string {
  const quote = (value: string) => `'${value.replace(/[\\']/g, '\\$&')}'`;
  const login = passfile === undefined ? '' : ` passfile=${quote(passfile)}`;
  return `${conninfo} host=${quote(source.host)} port=${source.port}${login}`;
}

/** The passfile that a conninfo of Patroni's names; undefined: none. Pure. */
export function passfileOf(conninfo: string): string | undefined {
  const [, value] = /(?:^|\s)passfile=((?:\\.|[^\\\s'])+)/.exec(conninfo) ?? [];
  return value?.replace(/\\(.)/g, '$1');
}

/** The same logins for any host (PostgreSQL manual, 34.16: `host:port:database:user:password`). Pure. */
export function forAnyHost(passfile: string): string {
  return passfile.replace(/^(?:\\.|[^\\:\n])*:(?:\\.|[^\\:\n])*:/gm, '*:*:');
}

/** Patroni's passfile is for the host of the primary only. */
async function writePassfile(conninfo: string): Promise<AsyncDisposable & { readonly path: string | undefined }> {
  const known = passfileOf(conninfo);
  if (known === undefined) return { path: undefined, [Symbol.asyncDispose]: async () => {} };
  const path = `${known}-catch-up`;
  await writeFile(path, forAnyHost(await readFile(known, 'utf8')), { mode: 0o600 });
  return { path, [Symbol.asyncDispose]: async () => await rm(path, { force: true }) };
}
