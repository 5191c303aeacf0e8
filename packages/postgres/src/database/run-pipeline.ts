import type { Statement, StatementResult, TransactionOptions } from '../database.js';
import type { Completed } from './exchange.js';
import { wantsPreparingAnew } from './judge-failure.js';
import type { ServerConnection } from './server-connection.js';
import { abandonable, type Ended, endAfterBreak, type RunContext } from './transaction-ended.js';
import { beginStatement, endStatement, isTraced, traceQuestion } from './transaction-statements.js';

/**
 * One attempt at a transaction whose statements are all known: one message there, one back. Where it must be known what became of it, its number is
 * asked for behind the statements, and the server sends that at once (Flush), so that it is here before the commit begins to wait for a standby.
 */
export async function runPipeline(
  statements: readonly Statement[],
  options: TransactionOptions,
  context: RunContext,
): Promise<Ended<readonly StatementResult[]>> {
  const connection = await context.pool.acquire(context.deadline, context.signal);
  return await abandonable(context.signal, connection, attempt(connection, statements, options, context));
}

async function attempt(
  connection: ServerConnection,
  statements: readonly Statement[],
  options: TransactionOptions,
  context: RunContext,
): Promise<Ended<readonly StatementResult[]>> {
  const traced = isTraced(options);
  const before = statements.length + 1;
  const sent = [beginStatement(options), ...statements, ...(traced ? [traceQuestion] : []), endStatement(options)];
  try {
    const { completed, ...exchanged } = await connection.exchange(sent, traced ? before + 1 : undefined);
    const results = () => completed.slice(1, before);
    if (exchanged.kind === 'answered') return { kind: 'done', value: results() };
    if (exchanged.kind === 'refused') {
      const { error } = exchanged;
      await connection.rollBack();
      if (!wantsPreparingAnew(error)) return { kind: 'refused', error };
      connection.cut(error);
      return { kind: 'again', cause: error };
    }
    const progress = {
      endSent: true,
      endAnswered: completed.length === sent.length,
      statementsAnswered: completed.length >= before,
      error: exchanged.error,
    };
    const trace: Completed | undefined = traced ? completed[before] : undefined;
    return await endAfterBreak(options, context, connection, progress, trace, exchanged.cause, results);
  } finally {
    context.pool.release(connection);
  }
}
