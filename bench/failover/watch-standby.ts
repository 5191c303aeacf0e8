import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Contender } from './contender.js';
import { monotonic } from './monotonic.js';

const pauseMilliseconds = 20;

/** Monotonic milliseconds. */
export interface StandbyTimes {
  /** One of those that had been hit answered that it is a standby. */
  readonly answered: number | undefined;
  /** A primary said that a standby streams from it. */
  readonly streamed: number;
}

/** Asks all members until one is a primary that another one streams from. `hit` are those that come back. */
export async function watchStandby(
  contender: Contender,
  members: readonly string[],
  hit: readonly string[],
  signal: AbortSignal,
): Promise<StandbyTimes> {
  let answered: number | undefined;
  const done = new AbortController();
  const over = AbortSignal.any([signal, done.signal]);
  const watch = async (member: string): Promise<number> => {
    for (;;) {
      over.throwIfAborted();
      const client = new pg.Client({
        connectionString: contender.memberUrl(member),
        connectionTimeoutMillis: 1000,
        query_timeout: 1000,
      });
      client.on('error', () => {});
      try {
        await client.connect();
        for (;;) {
          const { rows } = await client.query<{ standby: boolean; streaming: number }>(
            "SELECT pg_is_in_recovery() AS standby, (SELECT count(*)::int FROM pg_stat_replication WHERE state = 'streaming') AS streaming",
          );
          if (rows[0]?.standby === true && hit.includes(member)) answered ??= monotonic();
          if (rows[0]?.standby === false && rows[0].streaming > 0) return monotonic();
          await sleep(pauseMilliseconds, undefined, { signal: over });
        }
      } catch {
        over.throwIfAborted();
      } finally {
        await client.end().catch(() => {});
      }
      await sleep(pauseMilliseconds, undefined, { signal: over });
    }
  };
  try {
    const watches = members.map(watch);
    for (const each of watches) each.catch(() => {});
    const streamed = await Promise.any(watches);
    return { answered, streamed };
  } finally {
    done.abort();
  }
}
