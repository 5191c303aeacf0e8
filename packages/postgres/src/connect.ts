import pg from 'pg';
import { databaseUnreachable } from './errors.js';

export interface ConnectionTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface ConnectOptions {
  /** Covers connecting and authenticating. */
  readonly timeoutMilliseconds: number;
  /** How long one statement may take: the client gives up, for a server that has stopped answering. */
  readonly statementTimeoutMilliseconds: number;
  /** PostgreSQL's own statement_timeout as well; a transaction pooler refuses that at the start of a connection. Default true. */
  readonly serverTimeout?: boolean;
  readonly applicationName?: string;
  /** Told when an established connection ends, whoever ended it. */
  readonly onEnd?: () => void;
  /** Aborted, it cuts the connection at once: what waits on it fails. The server gives the statement up within seconds. */
  readonly signal?: AbortSignal;
  /** Told when somebody notifies a channel that this connection listens to. */
  readonly onNotification?: () => void;
}

/** How long the server may take to hang up after the goodbye; one that is frozen never does. */
const goodbyeMilliseconds = 1000;

/** One connection; ends with `await using`. Not for concurrent use. */
export interface Connection extends AsyncDisposable {
  query<Row extends Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/** Opens one connection to PostgreSQL. Throws HF_POSTGRES_UNREACHABLE; SQL errors come as pg's DatabaseError. */
export async function connect(target: ConnectionTarget, options: ConnectOptions): Promise<Connection> {
  const client = new pg.Client({
    host: target.host,
    port: target.port,
    user: target.user,
    password: target.password,
    database: target.database,
    application_name: options.applicationName ?? 'holdfast',
    connectionTimeoutMillis: options.timeoutMilliseconds,
    ...(options.serverTimeout === false
      ? {}
      : {
          statement_timeout: options.statementTimeoutMilliseconds,
          // Nobody should wait for the locks of a statement that nobody waits for any more.
          options: '-c client_connection_check_interval=2s',
        }),
    query_timeout: options.statementTimeoutMilliseconds + 1000,
  });
  // A connection that is cut while idle emits `error`; the next query reports it.
  client.on('error', () => {});
  const cut = () => client.connection.stream.destroy();
  options.signal?.addEventListener('abort', cut, { once: true });
  const close = async () => {
    options.signal?.removeEventListener('abort', cut);
    const patience = setTimeout(cut, goodbyeMilliseconds);
    await client.end().catch(() => {});
    clearTimeout(patience);
  };
  try {
    options.signal?.throwIfAborted();
    await client.connect();
  } catch (error) {
    await close();
    throw databaseUnreachable(`${target.host}:${target.port}`, error);
  }
  if (options.onEnd !== undefined) client.once('end', options.onEnd);
  if (options.onNotification !== undefined) client.on('notification', options.onNotification);
  return {
    async query<Row extends Record<string, unknown>>(sql: string, values?: readonly unknown[]) {
      const result = await client.query<Row>(sql, values === undefined ? undefined : [...values]);
      return result.rows;
    },
    [Symbol.asyncDispose]: close,
  };
}
