import { setTimeout as sleep } from 'node:timers/promises';
import { timeLimit } from '@holdfast/spec';
import type { Statement } from '../database.js';
import type { ConnectionPool } from './connection-pool.js';
import { decideOutcome, type TransactionStatus, type TransactionTrace } from './decide-outcome.js';
import type { ServerConnection } from './server-connection.js';
import { lifeQuestion, readLife } from './server-life.js';

const pauseMilliseconds = 50;
const attemptMilliseconds = 3000;

/** Its commit writes to the log, so it is only acknowledged by who may acknowledge (`decideOutcome`). For anybody. */
const barrier: Statement = { text: "SELECT pg_catalog.pg_logical_emit_message(true, 'holdfast', '')::text" };

/**
 * Asks the present primary what became of a transaction, again and again until it says or `deadline` (performance.now()) has passed: then `unknown`.
 * `processId`: of the server process that ran it. One that still does, for a client that is gone, is ended.
 */
export async function findOutcome(
  pool: ConnectionPool,
  trace: TransactionTrace,
  processId: number,
  deadline: number,
  signal: AbortSignal,
): Promise<'committed' | 'not committed' | 'unknown'> {
  for (;;) {
    const left = deadline - performance.now();
    if (left <= 0 || signal.aborted) return 'unknown';
    const limit = timeLimit(signal, Math.min(left, attemptMilliseconds));
    const connection = await pool
      .acquire(performance.now() + Math.min(left, attemptMilliseconds), limit)
      .catch(() => undefined);
    if (connection !== undefined) {
      const outcome = await ask(connection, trace, processId, limit);
      pool.release(connection);
      if (outcome === 'unknown') return 'unknown';
      if (outcome === 'committed' || outcome === 'not committed') return outcome;
    }
    await sleep(pauseMilliseconds, undefined, { signal }).catch(() => undefined);
  }
}

/** undefined: the question was not answered, or not acknowledged. */
async function ask(connection: ServerConnection, trace: TransactionTrace, processId: number, limit: AbortSignal) {
  const cut = () => connection.cut(limit.reason);
  limit.addEventListener('abort', cut, { once: true });
  try {
    const status = await readStatus(connection, trace.transactionId);
    if (status === undefined) return undefined;
    const answer = await connection.exchange([{ text: 'BEGIN READ WRITE' }, lifeQuestion, barrier, { text: 'COMMIT' }]);
    if (answer.kind !== 'answered') {
      await connection.rollBack();
      return undefined;
    }
    const { life } = readLife(answer.completed[1]);
    const outcome = decideOutcome(trace, status, life);
    if (outcome === 'in progress') {
      await connection.exchange([{ text: 'SELECT pg_catalog.pg_terminate_backend($1)::text', values: [processId] }]);
    }
    return outcome;
  } finally {
    limit.removeEventListener('abort', cut);
  }
}

/** Before the barrier, so that what it says is acknowledged with it. */
async function readStatus(connection: ServerConnection, id: string): Promise<TransactionStatus | undefined> {
  const answer = await connection.exchange([
    { text: 'SELECT pg_catalog.pg_xact_status($1::text::pg_catalog.xid8)', values: [id] },
  ]);
  if (answer.kind === 'broken') return undefined;
  // "transaction ID … is in the future"
  if (answer.kind === 'refused') return answer.error.code === '22023' ? 'future' : undefined;
  const status = answer.completed[0]?.rows[0]?.[0];
  if (status === null || status === undefined) return 'forgotten';
  return status === 'committed' || status === 'aborted' || status === 'in progress' ? status : undefined;
}
