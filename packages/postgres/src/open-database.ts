import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { asAbortSignal, type Cancellation } from './cancellation.js';
import type { ConnectionTarget } from './connect.js';
import { ConnectionPool, type PoolOptions } from './database/connection-pool.js';
import { InteractiveTransaction } from './database/interactive-transaction.js';
import { isRecoveryConflict } from './database/judge-failure.js';
import { openListener } from './database/listener.js';
import { runPipeline } from './database/run-pipeline.js';
import type { Ended, RunContext } from './database/transaction-ended.js';
import { Turnstile } from './database/turnstile.js';
import type { Database, TransactionOptions } from './database.js';
import { databaseBusy, databaseUnavailable, outcomeUnknown } from './errors.js';

export interface DatabaseTargets {
  /** Where the primary answers, whoever it is: HAProxy's read-write port. */
  readonly primary: ConnectionTarget;
  /** Where replicas answer; without it everything goes to the primary. */
  readonly replica?: ConnectionTarget;
}

export interface DatabaseOptions {
  readonly applicationName?: string;
  /** A call that finds no primary, or loses it, waits and tries so long. Default 10 s. */
  readonly rideMilliseconds?: number;
  /** Default 10, for each of the two targets; of those to the primary writes get four fifths. */
  readonly connectionsAtMost?: number;
  /** Callers beyond are turned away at once. Default 5000. */
  readonly waitingAtMost?: number;
  /** Of one attempt to connect. Default 3 s. */
  readonly connectMilliseconds?: number;
  /** Default 30 s. */
  readonly idleMilliseconds?: number;
  /** PostgreSQL's statement_timeout, which a role's own or the transaction's may replace. Default 60 s; 0: none. */
  readonly statementMilliseconds?: number;
  /** Without a byte for so long while an answer is due, the server is asked whether it is still there. Default 1 s. */
  readonly silenceMilliseconds?: number;
}

const pause = { firstMilliseconds: 10, lastMilliseconds: 200 };

/** A database with what is known of its pool. */
export interface OpenDatabase extends Database {
  /** Connections to the primary, and callers that wait for one. */
  readonly size: { readonly open: number; readonly idle: number; readonly waiting: number };
}

/** Connects when it is first needed. Disposing closes all connections; calls that are under way reject with HF_POSTGRES_UNAVAILABLE. */
export function openDatabase(targets: ConnectionTarget | DatabaseTargets, options: DatabaseOptions = {}): OpenDatabase {
  const { primary, replica } = 'primary' in targets ? targets : { primary: targets, replica: undefined };
  return new RidingDatabase(primary, replica, options);
}

class RidingDatabase implements OpenDatabase {
  readonly #target: ConnectionTarget;
  readonly #applicationName: string;
  readonly #ride: number;
  readonly #primary: ConnectionPool;
  readonly #replica: ConnectionPool | undefined;
  /** Commits that wait for a standby must not keep reads from their answers: some connections are for those alone. */
  readonly #writers: Turnstile;

  constructor(primary: ConnectionTarget, replica: ConnectionTarget | undefined, options: DatabaseOptions) {
    this.#target = primary;
    this.#applicationName = options.applicationName ?? 'holdfast';
    this.#ride = options.rideMilliseconds ?? 10_000;
    const pool: Omit<PoolOptions, 'replica'> = {
      applicationName: this.#applicationName,
      connectionsAtMost: options.connectionsAtMost ?? 10,
      waitingAtMost: options.waitingAtMost ?? 5000,
      connectMilliseconds: options.connectMilliseconds ?? 3000,
      idleMilliseconds: options.idleMilliseconds ?? 30_000,
      statementMilliseconds: options.statementMilliseconds ?? 60_000,
      silenceMilliseconds: options.silenceMilliseconds ?? 1000,
    };
    this.#writers = new Turnstile(Math.max(1, Math.floor(pool.connectionsAtMost * 0.8)), pool.waitingAtMost);
    this.#primary = new ConnectionPool(primary, { ...pool, replica: false });
    this.#replica = replica === undefined ? undefined : new ConnectionPool(replica, { ...pool, replica: true });
  }

  get size(): OpenDatabase['size'] {
    return this.#primary.size;
  }

  readonly pipeline: Database['pipeline'] = async (statements, options, signal) =>
    await this.#admitted(options, signal, async (context) => await runPipeline(statements, options, context));

  readonly transaction: Database['transaction'] = async (options, work, signal) =>
    await this.#admitted(
      options,
      signal,
      async (context) => await new InteractiveTransaction(options, context).run(work),
    );

  readonly listen: Database['listen'] = (channel, handlers) =>
    openListener(this.#target, this.#applicationName, channel, handlers);

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#primary[Symbol.asyncDispose]();
    await this.#replica?.[Symbol.asyncDispose]();
  }

  async #admitted<T>(
    options: TransactionOptions,
    signal: Cancellation,
    attempt: (context: RunContext) => Promise<Ended<T>>,
  ): Promise<T> {
    const deadline = performance.now() + this.#ride;
    if (options.access === 'read only') return await this.#ridden(options, deadline, signal, attempt);
    await this.#writers.enter(deadline, signal, (reason) => databaseBusy(this.#primary.address, reason));
    try {
      return await this.#ridden(options, deadline, signal, attempt);
    } finally {
      this.#writers.leave();
    }
  }

  /** Attempts until one ends, one must not be repeated, or the time is over. */
  async #ridden<T>(
    options: TransactionOptions,
    deadline: number,
    signal: Cancellation,
    attempt: (context: RunContext) => Promise<Ended<T>>,
  ): Promise<T> {
    let pool = options.replica === true && options.access === 'read only' ? this.#replica : undefined;
    for (let tries = 0; ; tries += 1) {
      const onReplica: boolean = pool !== undefined;
      const ended: Ended<T> = await attempt({ pool: pool ?? this.#primary, deadline, signal }).catch(
        (error: unknown) => {
          // The primary answers for replicas that are away.
          if (onReplica && !signal.aborted) return { kind: 'again', cause: error } as const;
          throw error;
        },
      );
      if (ended.kind === 'done') return ended.value;
      if (ended.kind === 'refused') {
        if (!onReplica || !isRecoveryConflict(ended.error)) throw rejoined(ended.error);
      } else if (ended.kind === 'unknown') {
        throw outcomeUnknown(this.#primary.address, ended.cause);
      }
      pool = undefined;
      const cause = ended.kind === 'again' ? ended.cause : ended.error;
      if (performance.now() >= deadline) throw databaseUnavailable(this.#primary.address, 'connections break', cause);
      if (tries > 0 && !onReplica) {
        await sleep(Math.min(pause.firstMilliseconds * 2 ** tries, pause.lastMilliseconds), undefined, {
          signal: asAbortSignal(signal),
        });
      }
    }
  }
}

/** pg makes the error while it reads from the socket; its stack says nothing of who asked. */
function rejoined(error: pg.DatabaseError): pg.DatabaseError {
  Error.captureStackTrace(error, rejoined);
  return error;
}
