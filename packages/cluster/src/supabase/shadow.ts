import {
  applyMigrations,
  type Migration,
  planMigrations,
  type RecordedMigration,
  readRecorded,
} from '@holdfast/migrations';
import { type Connection, type ConnectionTarget, connect, quoteIdentifier } from '@holdfast/postgres';
import { findAccounts, findPostgres, type PrivatePostgres, startPrivatePostgres } from '@holdfast/runtime';
import { shadowNoPostgres } from '../errors.js';

export interface Shadow extends AsyncDisposable {
  readonly target: ConnectionTarget;
  readonly connection: Connection;
  /** What a reader of its difference should know. */
  readonly notes: readonly string[];
}

/** What a database's shadow must be like it in. */
export interface ShadowOriginal {
  readonly major: number;
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  /** shared_preload_libraries */
  readonly preload: string;
  readonly extensions: readonly string[];
  /** Holdfast's migrations that ran there. */
  readonly recorded: readonly RecordedMigration[];
}

const limits = { timeoutMilliseconds: 10_000, statementTimeoutMilliseconds: 600_000 } as const;

/** One whose command does not end it in time has no command any more. */
const graceMilliseconds = 60_000;

const notIsolated =
  'This system permits no network of its own for the shadow database: a migration that connects to other servers reached them.';

export async function readOriginal(database: Connection): Promise<ShadowOriginal> {
  const [facts] = await database.query<Record<string, unknown> & Omit<ShadowOriginal, 'extensions' | 'recorded'>>(`
    SELECT
      current_setting('server_version_num')::integer / 10000 AS major,
      pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype,
      current_setting('shared_preload_libraries') AS preload
    FROM pg_database WHERE datname = current_database()
  `);
  if (facts === undefined) throw new Error('the server does not describe its own database');
  return { ...facts, extensions: await extensionsOf(database), recorded: await readRecorded(database) };
}

/**
 * Makes a database as the original was before the project's migrations: on a PostgreSQL of its own that is gone with it, of the same major version,
 * with those of Holdfast's migrations that ran there. Throws HF_SHADOW_NO_POSTGRES, HF_SHADOW_START, HF_MIGRATION….
 */
export async function startShadow(
  original: ShadowOriginal,
  migrations: readonly Migration[],
  { signal, limitMilliseconds }: { readonly signal: AbortSignal; readonly limitMilliseconds: number },
): Promise<Shadow> {
  planMigrations(migrations, original.recorded);
  const found = await findPostgres(original.major, signal);
  if (!('bin' in found)) throw shadowNoPostgres(original.major);
  const user = (await findAccounts()).patroni;
  const server = await startPrivatePostgres({
    ...original,
    bin: found.bin,
    user,
    signal,
    boundMilliseconds: limitMilliseconds + graceMilliseconds,
  });
  // Whoever waits for an answer of it gets an error when it is gone.
  const end = () => void server[Symbol.asyncDispose]();
  signal.addEventListener('abort', end, { once: true });
  const dispose = async () => {
    signal.removeEventListener('abort', end);
    await server[Symbol.asyncDispose]();
  };
  try {
    const made = await prepare(server, original, migrations, signal);
    return {
      ...made,
      async [Symbol.asyncDispose]() {
        await made.connection[Symbol.asyncDispose]();
        await dispose();
      },
    };
  } catch (error) {
    await dispose();
    signal.throwIfAborted();
    throw error;
  }
}

async function prepare(
  server: PrivatePostgres,
  original: ShadowOriginal,
  migrations: readonly Migration[],
  signal: AbortSignal,
): Promise<Pick<Shadow, 'target' | 'connection' | 'notes'>> {
  const target = { host: server.socketFolder, port: 5432, user: 'postgres', password: '', database: 'postgres' };
  const connection = await connect(target, limits);
  const ran = migrations.filter(({ version }) => original.recorded.some((past) => past.version === version));
  await applyMigrations(connection, ran, { signal });
  // Packages that were installed since the database was prepared bring extensions that it does not have.
  const beyond = (await extensionsOf(connection)).filter((name) => !original.extensions.includes(name));
  for (const name of beyond) await connection.query(`DROP EXTENSION IF EXISTS ${quoteIdentifier(name)} CASCADE`);
  return {
    target,
    connection,
    notes: [
      ...(server.isolated ? [] : [notIsolated]),
      ...beyond.map(
        (name) =>
          `The extension ${name}, which Holdfast makes where its package is installed, is not in the database and was left out.`,
      ),
    ],
  };
}

async function extensionsOf(database: Connection): Promise<readonly string[]> {
  return (await database.query<{ extname: string }>('SELECT extname FROM pg_extension')).map(({ extname }) => extname);
}
