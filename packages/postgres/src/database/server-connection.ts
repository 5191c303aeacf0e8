import { timeLimit } from '@holdfast/spec';
import pg from 'pg';
import type { ConnectionTarget } from '../connect.js';
import type { Statement } from '../database.js';
import { assertSendable, type Completed, Exchange } from './exchange.js';
import { PreparedStatements } from './prepared-statements.js';
import { lifeQuestion, readLife, type ServerLife } from './server-life.js';

export interface ServerConnectionOptions {
  readonly applicationName: string;
  /** Covers connecting, authenticating and the question what the server is. */
  readonly connectMilliseconds: number;
  /** PostgreSQL's own statement_timeout; 0: none. */
  readonly statementMilliseconds: number;
}

export type Exchanged =
  | { readonly kind: 'answered'; readonly completed: readonly Completed[] }
  /** The server refused a statement; the connection goes on. A transaction that was open is in its failed state. */
  | { readonly kind: 'refused'; readonly completed: readonly Completed[]; readonly error: pg.DatabaseError }
  /** The connection is gone; what had come until then, and the server's last word if it had one. */
  | {
      readonly kind: 'broken';
      readonly completed: readonly Completed[];
      readonly error: pg.DatabaseError | undefined;
      readonly cause: unknown;
    };

const idle = 'I';
/** A statement that nobody waits for any more ends so soon after its connection was cut (PostgreSQL 14 and later, Linux). */
const sessionOptions = '-c client_connection_check_interval=2s';

/** One connection to one server, one exchange at a time. Never throws on a broken connection: `exchange` says so, and `onEnd` is told. */
export class ServerConnection {
  readonly life: ServerLife;
  readonly processId: number;
  /** When it was last given back; milliseconds of performance.now(). */
  idleSince = performance.now();
  /** When what it does was sent; undefined while it does nothing. */
  busySince: number | undefined;

  readonly #client: pg.Client;
  readonly #prepared: PreparedStatements;
  #exchange: Exchange | undefined;
  #settle: ((cause: unknown) => void) | undefined;
  #ended = false;
  #cause: unknown;

  private constructor(client: pg.Client, prepared: PreparedStatements, life: ServerLife, processId: number) {
    this.#client = client;
    this.#prepared = prepared;
    this.life = life;
    this.processId = processId;
  }

  /** Rejects with pg's error, with the signal's reason, or with what `readLife` says. */
  static async open(
    target: ConnectionTarget,
    options: ServerConnectionOptions,
    onEnd: (connection: ServerConnection) => void,
    signal: AbortSignal,
  ): Promise<ServerConnection> {
    const limit = timeLimit(signal, options.connectMilliseconds);
    limit.throwIfAborted();
    const client = new pg.Client({
      ...target,
      application_name: options.applicationName,
      keepAlive: true,
      ...(options.statementMilliseconds > 0 ? { statement_timeout: options.statementMilliseconds } : {}),
      options: sessionOptions,
    });
    const cut = () => client.connection.stream.destroy(asError(limit.reason));
    limit.addEventListener('abort', cut, { once: true });
    let opened: ServerConnection | undefined;
    const end = (cause: unknown) => {
      if (opened !== undefined) opened.#end(cause);
    };
    client.on('error', end);
    client.on('end', () => end(new Error('the connection was closed')));
    try {
      await client.connect();
      const answer = await client.query({ text: lifeQuestion.text, rowMode: 'array' });
      const { life, processId } = readLife({ columns: [], rows: answer.rows, count: 1 });
      opened = new ServerConnection(client, new PreparedStatements(), life, processId);
      opened.#listen(onEnd);
      limit.throwIfAborted();
      return opened;
    } catch (error) {
      client.connection.stream.destroy();
      throw limit.aborted ? asError(limit.reason) : error;
    } finally {
      limit.removeEventListener('abort', cut);
    }
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** `I`: no transaction is open; `T`: one is; `E`: one is and has failed. */
  get transactionStatus(): string | null {
    return this.#client.getTransactionStatus();
  }

  /** Bytes that have come; changes while the server speaks. */
  get bytesRead(): number {
    const { stream } = this.#client.connection;
    return 'bytesRead' in stream && typeof stream.bytesRead === 'number' ? stream.bytesRead : 0;
  }

  /** Throws before anything is sent when a statement cannot be: see `assertSendable`. */
  async exchange(statements: readonly Statement[], flushAfter?: number): Promise<Exchanged> {
    assertSendable(statements, this.#prepared);
    if (this.#ended) return { kind: 'broken', completed: [], error: undefined, cause: this.#cause };
    const exchange = await this.#run(statements, flushAfter);
    const { completed, failure: error } = exchange;
    exchange.forgetUnparsed();
    if (this.#ended) return { kind: 'broken', completed, error, cause: error ?? this.#cause };
    return error === undefined ? { kind: 'answered', completed } : { kind: 'refused', completed, error };
  }

  #run(statements: readonly Statement[], flushAfter: number | undefined): Promise<Exchange> {
    return new Promise((resolve) => {
      const finish = () => {
        this.#settle = undefined;
        this.#exchange = undefined;
        this.busySince = undefined;
        resolve(exchange);
      };
      const exchange = new Exchange(statements, this.#prepared, finish, flushAfter);
      this.#exchange = exchange;
      this.#settle = finish;
      this.busySince = performance.now();
      this.#client.query(exchange);
    });
  }

  /** Ends a transaction that is still open. False: the connection broke, and with it the transaction ended. */
  async rollBack(): Promise<boolean> {
    if (this.#ended) return false;
    if (this.transactionStatus === idle) return true;
    return (await this.exchange([{ text: 'ROLLBACK' }])).kind === 'answered';
  }

  /** Whether the server answers within so long; otherwise the connection is cut. */
  async answers(milliseconds: number): Promise<boolean> {
    const timer = setTimeout(() => this.cut(new Error(`no answer within ${milliseconds} ms`)), milliseconds);
    try {
      return (await this.exchange([])).kind === 'answered';
    } finally {
      clearTimeout(timer);
    }
  }

  /** At once; what is under way ends as broken. */
  cut(cause: unknown): void {
    this.#end(cause);
    this.#client.connection.stream.destroy();
  }

  /** Says goodbye, and does not wait for the answer. */
  close(): void {
    this.#end(new Error('the connection was closed'));
    void this.#client.end().catch(() => {});
    setTimeout(() => this.#client.connection.stream.destroy(), 1000).unref();
  }

  onNotification(tell: (channel: string, payload: string) => void): void {
    this.#client.on('notification', ({ channel, payload }) => tell(channel, payload ?? ''));
  }

  #onEnd: ((connection: ServerConnection) => void) | undefined;

  #listen(onEnd: (connection: ServerConnection) => void): void {
    this.#onEnd = onEnd;
    const { connection } = this.#client;
    connection.on('parseComplete', () => this.#exchange?.parsed());
    // pg's Client forgets its query at an error: the exchange ends when the server is ready again.
    connection.on('readyForQuery', () => {
      if (this.#exchange?.failure !== undefined) this.#settle?.(undefined);
    });
  }

  #end(cause: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cause = cause;
    this.#settle?.(cause);
    this.#onEnd?.(this);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
