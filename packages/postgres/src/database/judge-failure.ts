import pg from 'pg';
import type { TransactionOptions } from '../database.js';

/** The server ends the connection with these: shutdown, crash of another process, start-up, ended while idle (PostgreSQL manual, appendix A, 57 and 25). */
const endings = new Set(['57P01', '57P02', '57P03', '57P04', '57P05', '25P03']);

/** Whether the server's last word says that it gave the connection up rather than a statement. Pure. */
export function endsConnection(error: pg.DatabaseError): boolean {
  const code = error.code ?? '';
  return endings.has(code) || code.startsWith('08') || code === '53300';
}

/** Wrong password, no such role, no such database, refused by pg_hba.conf: no time mends these. Pure. */
export function isHopeless(error: unknown): boolean {
  const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
  return code.startsWith('28') || code === '3D000' || code === '42501';
}

/** The server is there and takes no more connections. Pure. */
export function isFull(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '53300';
}

/** A replica that answers this could not keep the rows that the query wanted; the primary can (PostgreSQL manual, 27.4.2). Pure. */
export function isRecoveryConflict(error: pg.DatabaseError): boolean {
  return error.code === '40001' || error.code === '40P01';
}

/**
 * A statement that was prepared before the tables changed, or that somebody took away (DISCARD): it did nothing, and prepared anew it will do.
 * Pure.
 */
export function wantsPreparingAnew(error: pg.DatabaseError): boolean {
  return (error.code === '0A000' && error.routine === 'RevalidateCachedQuery') || error.code === '26000';
}

export interface Progress {
  /** COMMIT was sent. */
  readonly endSent: boolean;
  /** COMMIT was answered. */
  readonly endAnswered: boolean;
  /** All that comes before COMMIT was answered. */
  readonly statementsAnswered: boolean;
  /** The server's last word. */
  readonly error: pg.DatabaseError | undefined;
  /** The transaction's number as the server told it; null: it had none, so it had written nothing. undefined: it did not tell. */
  readonly transactionId: string | null | undefined;
}

export type BreakVerdict = 'done' | 'run again' | 'refused' | 'find out' | 'unknown';

/**
 * What to do about a transaction whose connection broke.
 *
 * `refused`: the server refused a statement before it was gone, which aborts the transaction. `run again`: it was not committed, or may be committed
 * twice. The server works in the order of what it was sent and answers in that order, so one that says that it gives up before it has answered
 * all statements has not begun the COMMIT behind them. One that says nothing may have done anything. Pure.
 */
export function judgeBreak(options: TransactionOptions, progress: Progress): BreakVerdict {
  const { endSent, endAnswered, statementsAnswered, error, transactionId } = progress;
  if (endAnswered) return 'done';
  if (error !== undefined && !endsConnection(error)) return 'refused';
  if (!endSent || options.access === 'read only' || options.end === 'rollback' || options.repeatable === true) {
    return 'run again';
  }
  if (error !== undefined && !statementsAnswered) return 'run again';
  if (transactionId === null) return 'run again';
  return transactionId === undefined ? 'unknown' : 'find out';
}
