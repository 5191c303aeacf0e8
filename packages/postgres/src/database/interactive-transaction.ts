import pg from 'pg';
import type { Statement, StatementResult, TransactionOptions } from '../database.js';
import { wantsPreparingAnew } from './judge-failure.js';
import type { ServerConnection } from './server-connection.js';
import { abandonable, type Ended, endAfterBreak, type RunContext } from './transaction-ended.js';
import { beginStatement, endStatement, isTraced, traceQuestion } from './transaction-statements.js';

type Work<T> = (run: (...statements: readonly Statement[]) => Promise<readonly StatementResult[]>) => Promise<T>;

/** What `run` rejects with when the connection broke: the work must end, and begins anew on another one. */
class ConnectionBroke extends Error {
  constructor(cause: unknown) {
    super('The connection broke in the middle of the transaction.', { cause });
  }
}

/** One attempt at a transaction in steps. Its BEGIN goes with the first statements; one that never ran any needs no connection. */
export class InteractiveTransaction {
  readonly #options: TransactionOptions;
  readonly #context: RunContext;
  #connection: ServerConnection | undefined;
  #began = false;
  #broken: ConnectionBroke | undefined;
  #refusal: pg.DatabaseError | undefined;
  #over = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: TransactionOptions, context: RunContext) {
    this.#options = options;
    this.#context = context;
  }

  async run<T>(work: Work<T>): Promise<Ended<T>> {
    try {
      const value = await work((...statements) => this.#queued(statements));
      await this.#last;
      this.#over = true;
      return await this.#end(value);
    } catch (error) {
      this.#over = true;
      await this.#last.catch(() => {});
      return await this.#fail(error);
    } finally {
      if (this.#connection !== undefined) this.#context.pool.release(this.#connection);
    }
  }

  /** In the order of the calls, whether or not the work waits for each. */
  #queued(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    const running = this.#last.then(() => this.#run(statements));
    this.#last = running.then(
      () => {},
      () => {},
    );
    return running;
  }

  async #run(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    if (this.#over) throw new Error('The transaction has ended.');
    if (this.#broken !== undefined) throw this.#broken;
    const { pool, deadline, signal } = this.#context;
    this.#connection ??= await pool.acquire(deadline, signal);
    const first = !this.#began;
    this.#began = true;
    const sent = first ? [beginStatement(this.#options), ...statements] : statements;
    const exchanged = await this.#guarded(this.#connection, this.#connection.exchange(sent));
    if (exchanged.kind === 'answered') return first ? exchanged.completed.slice(1) : exchanged.completed;
    if (exchanged.kind === 'refused') {
      this.#refusal = exchanged.error;
      // Without a transaction the next statement would be one of its own.
      if (this.#connection.transactionStatus === 'I') this.#connection.cut(exchanged.error);
      throw exchanged.error;
    }
    this.#broken = new ConnectionBroke(exchanged.cause);
    throw this.#broken;
  }

  /** A transaction that its caller gave up in the middle has no use for its connection, and nobody else has. */
  async #guarded<R>(connection: ServerConnection, running: Promise<R>): Promise<R> {
    try {
      return await abandonable(this.#context.signal, connection, running);
    } catch (error) {
      if (this.#context.signal.aborted) connection.cut(error);
      throw error;
    }
  }

  async #end<T>(value: T): Promise<Ended<T>> {
    const connection = this.#connection;
    if (this.#broken !== undefined) return { kind: 'again', cause: this.#broken.cause };
    if (connection === undefined) return { kind: 'done', value };
    const traced = isTraced(this.#options);
    const sent = [...(traced ? [traceQuestion] : []), endStatement(this.#options)];
    if (connection.transactionStatus === 'E') {
      await connection.rollBack();
      // The work went on after an error that had ended its transaction.
      return this.#refusal === undefined ? { kind: 'done', value } : { kind: 'refused', error: this.#refusal };
    }
    const exchanged = await abandonable(
      this.#context.signal,
      connection,
      connection.exchange(sent, traced ? 1 : undefined),
    );
    if (exchanged.kind === 'answered') return { kind: 'done', value };
    if (exchanged.kind === 'refused') {
      await connection.rollBack();
      return { kind: 'refused', error: exchanged.error };
    }
    const { completed, error, cause } = exchanged;
    const endAnswered = completed.length === sent.length;
    const progress = { endSent: true, endAnswered, statementsAnswered: !traced || completed.length > 0, error };
    const trace = traced ? completed[0] : undefined;
    return await endAfterBreak(this.#options, this.#context, connection, progress, trace, cause, () => value);
  }

  async #fail<T>(error: unknown): Promise<Ended<T>> {
    if (this.#broken !== undefined) return { kind: 'again', cause: this.#broken.cause };
    const connection = this.#connection;
    if (connection !== undefined && !connection.ended) await connection.rollBack();
    if (error instanceof pg.DatabaseError && wantsPreparingAnew(error)) {
      connection?.cut(error);
      return { kind: 'again', cause: error };
    }
    throw error;
  }
}
