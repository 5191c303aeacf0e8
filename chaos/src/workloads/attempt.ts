import type { OperationError, Outcome } from '../history/records.js';
import type { Answer, ClientConnection } from './connection.js';
import { judgeCommit, judgeFailure, mustReconnect } from './judge-outcome.js';

/** An attempt that was not acknowledged. */
export class NotAcknowledged extends Error {
  constructor(
    readonly outcome: Exclude<Outcome, 'ok'>,
    readonly error: OperationError,
    /** The connection is of no more use. */
    readonly reconnect: boolean,
  ) {
    super(error.message);
    this.name = 'NotAcknowledged';
  }
}

/** A client's own decision not to do it: the transaction is rolled back. */
export function declined(code: string, message: string): NotAcknowledged {
  return new NotAcknowledged('fail', { code, message }, false);
}

export interface AttemptOptions {
  readonly readOnly: boolean;
}

/** One statement that commits by itself. Throws NotAcknowledged. */
export async function attemptStatement(
  connection: ClientConnection,
  sql: string,
  values: readonly unknown[],
  { readOnly }: AttemptOptions,
): Promise<Answer> {
  const answer = await connection.query(sql, values).catch((error: unknown) => {
    throw notAcknowledged(error, 'committing', readOnly);
  });
  if (!readOnly) requireCommit(answer);
  return answer;
}

/** One transaction of the connection's level. Throws NotAcknowledged; after that the transaction is rolled back, or the connection is to be left. */
export async function attemptTransaction<Value>(
  connection: ClientConnection,
  { readOnly }: AttemptOptions,
  body: () => Promise<Value>,
): Promise<Value> {
  let value: Value;
  try {
    await connection.query(readOnly ? 'BEGIN READ ONLY' : 'BEGIN');
    value = await body();
  } catch (error) {
    const failure = error instanceof NotAcknowledged ? error : notAcknowledged(error, 'working', readOnly);
    if (failure.reconnect) throw failure;
    await connection.query('ROLLBACK').catch(() => {
      throw new NotAcknowledged(failure.outcome, failure.error, true);
    });
    throw failure;
  }
  const answer = await connection.query('COMMIT').catch((error: unknown) => {
    throw notAcknowledged(error, 'committing', readOnly);
  });
  requireCommit(answer);
  return value;
}

function requireCommit(answer: Answer): void {
  const { outcome, error } = judgeCommit(answer);
  if (outcome !== 'ok' && error !== undefined) throw new NotAcknowledged(outcome, error, error.code.startsWith('57P'));
}

function notAcknowledged(error: unknown, phase: 'working' | 'committing', readOnly: boolean): NotAcknowledged {
  const { code, severity } = error as { readonly code?: string; readonly severity?: string };
  const message = error instanceof Error ? error.message : String(error);
  const outcome = judgeFailure({ code, severity, message, phase, readOnly });
  return new NotAcknowledged(
    outcome === 'ok' ? 'info' : outcome,
    { code: code ?? 'lost', message },
    mustReconnect({ code, severity }),
  );
}
