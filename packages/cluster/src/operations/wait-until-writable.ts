import { setTimeout as sleep } from 'node:timers/promises';
import { connectHost, superuserRole } from '@holdfast/components';
import { connect } from '@holdfast/postgres';
import { HoldfastError } from '@holdfast/spec';
import type { ClusterContext } from '../context.js';
import { notUp } from '../errors.js';
import { unlessAborted } from '../unless-aborted.js';

/** Who answers at the read-write port. */
export interface Answering {
  readonly timeline: number;
  /** Microseconds since the epoch, as text. */
  readonly startedAt: string;
}

const intervalMilliseconds = 10;
/**
 * An attempt that HAProxy took to the old server just before it went is lost: HAProxy knocks there again for a while. So the first ones are
 * given up soon, and later ones later, should the machine be slow.
 */
const firstConnectMilliseconds = 200;
const connectGrowth = 1.3;

/**
 * Waits until a transaction commits through the read-write port on a server that `isNew` takes for the one that is waited for. In a
 * synchronous mode that includes a standby that confirms it. False: not within the time.
 */
export async function waitUntilWritable(
  { spec, secrets }: ClusterContext,
  isNew: (server: Answering) => boolean,
  options: { readonly signal: AbortSignal; readonly timeoutMilliseconds: number },
): Promise<boolean> {
  if (secrets === undefined) throw notUp(spec.name);
  const { haproxy } = spec;
  const target = {
    host: connectHost(haproxy.host),
    port: haproxy.readWritePort,
    user: superuserRole,
    password: secrets.postgres,
    database: 'postgres',
  };
  const end = performance.now() + options.timeoutMilliseconds;
  for (let patience = firstConnectMilliseconds; ; ) {
    const left = end - performance.now();
    if (left <= 0) return false;
    try {
      await using connection = await connect(target, {
        timeoutMilliseconds: Math.min(patience, left),
        statementTimeoutMilliseconds: Math.max(1, Math.round(left)),
      });
      const question = connection.query<{ timeline: number; started_at: string }>(identify);
      const [row] = await unlessAborted(question, options.signal);
      if (row !== undefined && isNew({ timeline: row.timeline, startedAt: row.started_at })) {
        await unlessAborted(connection.query(commit), options.signal);
        return true;
      }
    } catch (error) {
      // Nobody there yet, or somebody who is about to go.
      if (isTimeout(error)) patience *= connectGrowth;
    }
    await sleep(intervalMilliseconds, undefined, { signal: options.signal });
  }
}

/** pg's words, and no code. */
function isTimeout(error: unknown): boolean {
  return error instanceof HoldfastError && /timeout/i.test(error.detail ?? '');
}

/**
 * The same while `action`, which brings the new server, goes on: Patroni tells a second late that it is done, and clients need not wait for
 * that. Rejects as soon as the action does; the action is not waited for otherwise.
 */
export async function waitUntilWritableBy(
  action: Promise<unknown>,
  context: ClusterContext,
  isNew: (server: Answering) => boolean,
  options: { readonly signal: AbortSignal; readonly timeoutMilliseconds: number },
): Promise<boolean> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const writable = waitUntilWritable(context, isNew, { ...options, signal });
  try {
    return await Promise.race([writable, action.then(() => writable)]);
  } finally {
    failed.abort();
  }
}

/** A standby refuses this: it has no WAL of its own. The name of a WAL file begins with the timeline, hexadecimal. */
export const identify = `SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS timeline,
  (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text AS started_at`;

/** The smallest transaction that writes WAL, so that its commit waits as any client's does. */
const commit = "SELECT pg_logical_emit_message(true, 'holdfast', '')";
