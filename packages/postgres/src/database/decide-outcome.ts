import type { ServerLife } from './server-life.js';

/** What was known of a transaction before its connection broke. */
export interface TransactionTrace {
  readonly transactionId: string;
  /** Where the log's end was when the transaction had written everything but its commit. */
  readonly position: bigint;
  readonly life: ServerLife;
}

/** `pg_xact_status` of its number on the server that is the primary now; `future`: no transaction there has had that number. */
export type TransactionStatus = 'committed' | 'aborted' | 'in progress' | 'future' | 'forgotten';

/**
 * What became of a transaction whose connection broke after COMMIT was sent. `status` and `now` were read in a transaction of the present primary whose
 * own commit, which wrote to the log, was acknowledged afterwards: so that server is the primary by the cluster's own rule (a sealed or demoted one gets no
 * acknowledgement), and what it has logged by then is kept as any acknowledged commit is.
 *
 * - A commit record that is part of the present history makes the status `committed`, whoever else had that number. So every other status proves
 *   that ours is not part of it, and never will be: a history only grows from here.
 * - `committed` is not enough. A number whose records never left the old primary is given out again by the new one. Ours is meant
 *   when it cannot have been given out twice: in the same life; or when this primary was promoted in this very life (`streamed`), from the timeline that
 *   ours ran on, and had replayed the log to behind our records, which moves its next number past ours.
 * - Where it had not replayed as far as that, our commit record, which is further behind still, is not there: not committed.
 * - Two promotions, or a crash after one, hide where the histories parted: unknown.
 *
 * A transaction that wrote nothing but unlogged tables leaves no record; those tables are empty after a failover in any case.
 * Pure.
 */
export function decideOutcome(
  trace: TransactionTrace,
  status: TransactionStatus,
  now: ServerLife,
): 'committed' | 'not committed' | 'in progress' | 'unknown' {
  if (now.inRecovery || now.timeline === undefined || trace.life.timeline === undefined) return 'unknown';
  if (status === 'forgotten') return 'unknown';
  if (now.id === trace.life.id) {
    if (status === 'in progress') return 'in progress';
    return status === 'committed' ? 'committed' : 'not committed';
  }
  if (status !== 'committed') return 'not committed';
  const sameTimeline = now.timeline === trace.life.timeline;
  const promoted = now.streamed && now.timeline === trace.life.timeline + 1;
  if (now.recoveredTo === undefined || !(sameTimeline || promoted)) return 'unknown';
  if (now.recoveredTo < trace.position) return 'not committed';
  return promoted ? 'committed' : 'unknown';
}
