import type { Cancellation } from './cancellation.js';

/** One statement with its values, $1 and up. Values are text, or what pg turns into text. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  /** Prepared once a connection under this name, which must stand for this text alone. */
  readonly name?: string;
}

/** What a statement answered: a row is an array in the order of its columns, every value as PostgreSQL's text or null. */
export interface StatementResult {
  readonly columns: readonly { readonly name: string; readonly typeId: number }[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** Rows that a command wrote or read, 0 where PostgreSQL says none. */
  readonly count: number;
}

export interface TransactionOptions {
  readonly access: 'read write' | 'read only';
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  /** The end when all went well: `rollback` runs it for its answer alone. Default commit. */
  readonly end?: 'commit' | 'rollback';
  /**
   * Whether it may be run again after its connection broke when nobody knows whether it was committed. A transaction that is read only, or that had
   * not been asked to commit, is run again in any case.
   */
  readonly repeatable?: boolean;
  /** Read-only transactions may run on a replica. Default false. */
  readonly replica?: boolean;
}

/**
 * The database as a service sees it: a pool whose transactions ride through a failover. While there is no primary they wait, within a bound; one whose
 * connection broke before its commit was asked for is run again; one that may have been committed rejects with HF_POSTGRES_OUTCOME_UNKNOWN, and one
 * that waited too long with HF_POSTGRES_UNAVAILABLE, or with HF_POSTGRES_BUSY where there is a primary and all connections are in use. Errors of SQL reject as pg's DatabaseError and are never run again.
 */
export interface Database extends AsyncDisposable {
  /** One transaction in one round trip: begin, all statements, end are sent together. The answers of the statements alone, in order. */
  pipeline(
    statements: readonly Statement[],
    options: TransactionOptions,
    signal: Cancellation,
  ): Promise<readonly StatementResult[]>;
  /** A transaction in which what is sent depends on what came. `work` may be called again from its start; it must have no effects elsewhere. */
  transaction<T>(
    options: TransactionOptions,
    work: (run: (...statements: readonly Statement[]) => Promise<readonly StatementResult[]>) => Promise<T>,
    signal: Cancellation,
  ): Promise<T>;
  /**
   * Listens on a connection of its own, which is opened again whenever it breaks. `onListening` is called each time that it listens anew, since
   * what was notified in between is lost.
   */
  listen(
    channel: string,
    handlers: { readonly onNotification: (payload: string) => void; readonly onListening: () => void },
  ): AsyncDisposable;
}
