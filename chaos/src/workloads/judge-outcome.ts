import type { OperationError, Outcome } from '../history/records.js';

/** What a client knows when an attempt went wrong. */
export interface Failure {
  /** SQLSTATE or Node's error code; undefined when there is none. */
  readonly code: string | undefined;
  /** PostgreSQL's severity, not translated; undefined when the server said nothing. */
  readonly severity: string | undefined;
  readonly message: string;
  /** `committing`: COMMIT, or a statement that commits by itself, had been sent. */
  readonly phase: 'working' | 'committing';
  /** The attempt changes nothing, so that it is never of unknown fate. */
  readonly readOnly: boolean;
}

/** Errors with which PostgreSQL refuses a commit, before there is a commit record. */
const refusesCommit = [
  /** transaction_rollback: 40001 serialization_failure, 40P01 deadlock_detected … */
  /^40/,
  /** integrity_constraint_violation, as of deferred constraints */
  /^23/,
  /** read_only_sql_transaction */
  /^25006$/,
  /** in_failed_sql_transaction */
  /^25P02$/,
  /** feature_not_supported: serializable on a standby */
  /^0A000$/,
  /** query_canceled. While a commit waits for its standby a cancel is a warning and the commit succeeds (syncrep.c, SyncRepWaitForLSN). */
  /^57014$/,
  /** undefined_table, undefined_column …: the statement never ran. */
  /^42/,
];

/**
 * What a failed attempt means. Before a commit is sent nothing can be done: `fail`. Afterwards only an error that PostgreSQL raises before it
 * writes the commit record is `fail`; a lost connection, silence, a termination (57P01–57P03: it may come while the commit waits for its
 * standby, already done locally) and whatever is not known are `info`.
 */
export function judgeFailure(failure: Failure): Outcome {
  if (failure.readOnly || failure.phase === 'working') return 'fail';
  const { code, severity } = failure;
  if (code === undefined || severity !== 'ERROR') return 'info';
  return refusesCommit.some((pattern) => pattern.test(code)) ? 'fail' : 'info';
}

/** What a COMMIT, or a statement that commits by itself, was answered without an error. */
export interface CommitAnswer {
  /** The command tag: a COMMIT in a failed transaction is answered ROLLBACK. */
  readonly command: string;
  /** SQLSTATE of every warning that came with it. */
  readonly warnings: readonly string[];
}

/**
 * What an answered commit means. A warning 01000 `canceling wait for synchronous replication` (57P01 when the server also ends the connection)
 * comes with a commit that is done locally and perhaps nowhere else (syncrep.c, SyncRepWaitForLSN): the promise does not cover it, so it is
 * `info`. By its code and not its words, which are translated; our statements raise no other warning.
 */
export function judgeCommit({ command, warnings }: CommitAnswer): {
  readonly outcome: Outcome;
  readonly error?: OperationError;
} {
  if (command === 'ROLLBACK') {
    return { outcome: 'fail', error: { code: '25P02', message: 'COMMIT was answered with ROLLBACK' } };
  }
  const code = warnings.find((each) => each === '01000' || each.startsWith('57P'));
  if (code === undefined) return { outcome: 'ok' };
  return { outcome: 'info', error: { code, message: 'committed locally, and perhaps on no standby' } };
}

/** Whether the connection must go: the server ended it, it is silent, or it leads to a server that cannot write. */
export function mustReconnect({ code, severity }: Pick<Failure, 'code' | 'severity'>): boolean {
  return severity !== 'ERROR' || code === '25006' || code === '0A000' || code === '25P02';
}
