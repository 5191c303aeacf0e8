import { Socket } from 'node:net';
import pg from 'pg';
import type { IsolationLevel, ServerIdentity } from '../history/records.js';

export interface ConnectionOptions {
  readonly url: string;
  /** Default level of every transaction of the connection. */
  readonly isolation: IsolationLevel;
  /** A statement without an answer for so long ends the connection; also how long connecting may take. */
  readonly silenceMilliseconds: number;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly command: string;
  readonly rowCount: number;
  /** SQLSTATE of each warning that came with it. */
  readonly warnings: readonly string[];
}

/** One connection of one client. Not for concurrent use, and not through a transaction pooler, which changes the server underneath. */
export interface ClientConnection {
  /** Who answered at the start. */
  readonly server: ServerIdentity;
  /** Rejects with PostgreSQL's error, or with what happened to the socket (code `silent` when it was cut for its silence). */
  query(sql: string, values?: readonly unknown[]): Promise<Answer>;
  /** Cuts the socket: nothing more is sent, nothing is waited for. */
  cut(): void;
}

/** The timeline of a server that is not in recovery is that of the WAL it writes. */
const askIdentity = `SELECT coalesce(host(inet_server_addr()), 'local') || ':' || coalesce(inet_server_port()::text, current_setting('port')) AS member,
  CASE WHEN NOT pg_is_in_recovery() THEN ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END AS timeline`;

class SilentError extends Error {
  readonly code = 'silent';
}

/** Opens a connection and asks who is there. Rejects as `query` does. */
export async function openConnection(options: ConnectionOptions): Promise<ClientConnection> {
  const { silenceMilliseconds, signal } = options;
  signal.throwIfAborted();
  const socket = new Socket();
  const client = new pg.Client({
    connectionString: options.url,
    application_name: 'holdfast chaos',
    stream: () => socket,
  });
  // The query under way reports it.
  client.on('error', () => {});
  let warnings: string[] = [];
  client.on('notice', ({ severity, code }) => {
    if (severity === 'WARNING') warnings.push(code ?? '');
  });
  let why: Error | undefined;
  const cut = (reason?: Error) => {
    why ??= reason;
    socket.destroy();
  };
  const onAbort = () => cut();
  signal.addEventListener('abort', onAbort, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', onAbort));

  const withSilence = async <Value>(work: Promise<Value>): Promise<Value> => {
    const timer = setTimeout(
      () => cut(new SilentError(`no answer for ${silenceMilliseconds} ms`)),
      silenceMilliseconds,
    );
    try {
      return await work;
    } catch (error) {
      throw why ?? error;
    } finally {
      clearTimeout(timer);
    }
  };
  const query = async (sql: string, values?: readonly unknown[]): Promise<Answer> => {
    warnings = [];
    const result = await withSilence(client.query(sql, values === undefined ? undefined : [...values]));
    // Several statements in one text have several results; the last one counts.
    const last = Array.isArray(result) ? (result as readonly pg.QueryResult[]).at(-1) : result;
    return {
      rows: (last?.rows ?? []) as readonly Readonly<Record<string, unknown>>[],
      command: last?.command ?? '',
      rowCount: last?.rowCount ?? 0,
      warnings,
    };
  };
  try {
    await withSilence(client.connect());
    const level = options.isolation.toUpperCase();
    const { rows } = await query(`SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL ${level}; ${askIdentity}`);
    const [row] = rows;
    const timeline = row?.timeline;
    const server = { member: String(row?.member), ...(typeof timeline === 'number' ? { timeline } : {}) };
    return { server, query, cut: () => cut() };
  } catch (error) {
    cut();
    throw error;
  }
}
