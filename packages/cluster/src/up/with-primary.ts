import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionTarget } from '@holdfast/postgres';
import { HoldfastError, type Secrets } from '@holdfast/spec';
import type { ClusterContext } from '../context.js';
import { statementWaited } from '../errors.js';
import { findPrimary, type Primary, waitForPrimary } from './wait-until-up.js';

export interface PrimaryOptions {
  readonly secrets: Secrets;
  readonly signal: AbortSignal;
}

const primarySeconds = 60;
/** A failover in the middle is over sooner; what is lost more often has another reason. */
const attempts = 5;
const retryMilliseconds = 200;
const watchMilliseconds = 500;
/** The driver's words for a statement that was not answered in time (pg, client.js). */
const silence = 'Query read timeout';

/**
 * Runs something on the primary; when that is lost in the middle, or frozen while another one took over, again on its successor. `run`
 * must give the signal to what it waits for, and be able to begin anew: what it did in a transaction that was not committed is gone, and
 * what was committed it finds. Throws HF_UP_TIMEOUT and what `run` throws.
 */
export async function withPrimary<Result>(
  context: ClusterContext,
  { secrets, signal }: PrimaryOptions,
  run: (target: Omit<ConnectionTarget, 'database'>, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    const primary = await waitForPrimary(context, primarySeconds, signal);
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const watching = untilAnotherLeads(context, primary, either).then(
      () => over.abort(new Error(`${primary.name} leads no more`)),
      () => {},
    );
    try {
      const { host, port } = primary;
      return await run({ host, port, user: 'postgres', password: secrets.postgres }, either);
    } catch (error) {
      signal.throwIfAborted();
      const isSilent = error instanceof Error && error.message === silence;
      if (attempt === attempts || !(over.signal.aborted || lostItsPrimary(error)))
        throw isSilent ? statementWaited(primary.name) : error;
      await sleep(retryMilliseconds, undefined, { signal });
    } finally {
      over.abort();
      await watching;
    }
  }
}

/** A frozen primary closes no connection: that another one leads is the only sign. */
async function untilAnotherLeads(context: ClusterContext, primary: Primary, signal: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(watchMilliseconds, undefined, { signal });
    const found = await findPrimary(context, signal);
    if (found !== undefined && found.name !== primary.name) return;
  }
}

/** Connection lost, server shutting down, or no primary any more. */
export function lostItsPrimary(error: unknown): boolean {
  if (error instanceof HoldfastError && error.code === 'HF_POSTGRES_UNREACHABLE') return true;
  const cause = error instanceof HoldfastError && error.cause !== undefined ? error.cause : error;
  if (!(cause instanceof Error)) return false;
  const state = sqlState(cause);
  if (state !== undefined) return /^(08|57P0[1-5]|25006)/.test(state);
  return /connection|ECONN|EPIPE|not queryable/i.test(cause.message);
}

/** SQLSTATE of a server's error. */
export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
