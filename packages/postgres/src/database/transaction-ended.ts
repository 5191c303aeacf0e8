import type pg from 'pg';
import { asAbortSignal, type Cancellation } from '../cancellation.js';
import type { TransactionOptions } from '../database.js';
import type { ConnectionPool } from './connection-pool.js';
import type { TransactionTrace } from './decide-outcome.js';
import type { Completed } from './exchange.js';
import { findOutcome } from './find-outcome.js';
import { judgeBreak, type Progress } from './judge-failure.js';
import type { ServerConnection } from './server-connection.js';
import { parseLsn } from './server-life.js';

/** What one attempt at a transaction came to. */
export type Ended<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'refused'; readonly error: pg.DatabaseError }
  /** Nothing of it is there, or it may be there twice. */
  | { readonly kind: 'again'; readonly cause: unknown }
  | { readonly kind: 'unknown'; readonly cause: unknown };

export interface RunContext {
  readonly pool: ConnectionPool;
  /** performance.now(). */
  readonly deadline: number;
  readonly signal: Cancellation;
}

/** What happened is looked up for so long even when the caller's own time is nearly over: it is worth more than a quick "unknown". */
const findMilliseconds = 5000;
/** A statement whose client is gone may end in peace for so long before its connection is cut. */
const lingerMilliseconds = 1000;

/** After a break: what the attempt came to, found out where that is possible. `value`: what it is worth when it was committed. */
export async function endAfterBreak<T>(
  options: TransactionOptions,
  context: RunContext,
  connection: ServerConnection,
  progress: Omit<Progress, 'transactionId'>,
  answerToTrace: Completed | undefined,
  cause: unknown,
  value: () => T,
): Promise<Ended<T>> {
  const [transactionId, position] = answerToTrace?.rows[0] ?? [];
  switch (judgeBreak(options, { ...progress, transactionId })) {
    case 'done':
      return { kind: 'done', value: value() };
    case 'refused':
      return progress.error === undefined ? { kind: 'unknown', cause } : { kind: 'refused', error: progress.error };
    case 'run again':
      return { kind: 'again', cause };
    case 'unknown':
      return { kind: 'unknown', cause };
    case 'find out': {
      const { pool, deadline, signal } = context;
      const trace: TransactionTrace = {
        transactionId: transactionId ?? '',
        position: parseLsn(position ?? ''),
        life: connection.life,
      };
      const until = Math.max(deadline, performance.now() + findMilliseconds);
      const outcome = await findOutcome(pool, trace, connection.processId, until, asAbortSignal(signal));
      if (outcome === 'committed') return { kind: 'done', value: value() };
      return outcome === 'unknown' ? { kind: 'unknown', cause } : { kind: 'again', cause };
    }
  }
}

/** Rejects with the signal's reason when it aborts; what is under way is then left alone for a moment, and cut if it has not ended. */
export async function abandonable<T>(
  signal: Cancellation,
  connection: ServerConnection,
  running: Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  return await new Promise<T>((resolve, reject) => {
    const abort = () => {
      const timer = setTimeout(() => connection.cut(signal.reason), lingerMilliseconds);
      void running.finally(() => clearTimeout(timer)).catch(() => {});
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    running.then(
      (value) => {
        signal.removeEventListener('abort', abort);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', abort);
        reject(error);
      },
    );
  });
}
