import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterContext, Progress } from '../context.js';
import { unlessAborted } from '../unless-aborted.js';
import { connectToMember } from './member-connection.js';
import { type Answering, identify } from './wait-until-writable.js';

const checkpointMilliseconds = 120_000;
const intervalMilliseconds = 5;

/**
 * Writes out what the primary has in memory, so that its own recovery after it was ended, and a rewind, are short. Before the pause,
 * because it may take long. Answers who the primary is; undefined when it cannot be asked.
 */
export async function prepareOldPrimary(
  context: ClusterContext,
  leader: string,
  { signal, progress }: { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<Answering | undefined> {
  progress.step(`checkpoint on ${leader}`);
  let who: Answering | undefined;
  try {
    await using connection = await connectToMember(context, leader, { statementMilliseconds: checkpointMilliseconds });
    const [row] = await connection.query<{ timeline: number; started_at: string }>(identify);
    who = row === undefined ? undefined : { timeline: row.timeline, startedAt: row.started_at };
    await unlessAborted(connection.query('CHECKPOINT'), signal);
  } catch (error) {
    signal.throwIfAborted();
    progress.note(`no checkpoint on ${leader}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return who;
}

/**
 * Waits until the candidate has replayed what the primary has written by now. Only for speed: it replays what it received before it
 * is promoted anyway, and what it has not received was acknowledged to nobody.
 */
export async function waitForReplay(
  context: ClusterContext,
  { leader, candidate }: { readonly leader: string; readonly candidate: string },
  options: { readonly signal: AbortSignal; readonly timeoutMilliseconds: number },
): Promise<void> {
  const statementMilliseconds = options.timeoutMilliseconds;
  const end = performance.now() + options.timeoutMilliseconds;
  try {
    await using primary = await connectToMember(context, leader, { statementMilliseconds });
    await using standby = await connectToMember(context, candidate, { statementMilliseconds });
    const [written] = await primary.query<{ position: string }>('SELECT pg_current_wal_lsn()::text AS position');
    while (performance.now() < end) {
      const [row] = await standby.query<{ replayed: boolean | null }>(
        'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS replayed',
        [written?.position],
      );
      if (row?.replayed === true) return;
      await sleep(intervalMilliseconds, undefined, { signal: options.signal });
    }
  } catch {
    options.signal.throwIfAborted();
  }
}
