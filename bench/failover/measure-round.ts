import { setTimeout as sleep } from 'node:timers/promises';
import { timeLimit } from '@holdfast/spec';
import { startClient } from './client-process.js';
import type { Contender } from './contender.js';
import { measureGaps } from './history.js';
import { monotonic } from './monotonic.js';
import { splitGap } from './parts.js';
import type { RoundResult } from './result.js';
import type { Row } from './rows.js';
import { trackClient } from './running-clients.js';

/** Within this writes must be acknowledged again, or the round counts as one without end. */
const backMilliseconds = 120_000;
const healMilliseconds = 2000;
/** After all is well again, so that what the last repair does to clients is seen. */
const settleMilliseconds = 500;

export interface Round {
  readonly result: RoundResult;
  /** Numbers that were acknowledged. */
  readonly ids: readonly number[];
}

/**
 * One round: healthy, a client that writes, the fault at a random moment, writes again, two seconds later the end of the fault, healthy again. The
 * client writes until that end, so that whatever the return of the old primary does to it is in the round.
 */
export async function measureRound(row: Row, contender: Contender, signal: AbortSignal): Promise<Round> {
  const roles = await contender.waitForHealth(signal);
  const urls =
    row.through === 'pooler' && contender.poolerUrl !== undefined ? [contender.poolerUrl] : contender.writeUrls;
  await using client = trackClient(startClient(urls, row.connections));
  await using trace = await contender.trace?.(signal);
  const bounded = (milliseconds: number) => timeLimit(signal, milliseconds);
  const warm = await client.firstBegunAfter(monotonic(), bounded(30_000));
  await client.firstBegunAfter(warm.acknowledged + 300, bounded(30_000));
  // What looks every second, or every 10, is hit at any moment of its round.
  await sleep(1000 * Math.random(), undefined, { signal });

  const context = { contender, roles, client, signal };
  const strike = await row.fault.inject(context);
  let back: { readonly acknowledged: number } | undefined;
  try {
    back = await client.firstBegunAfter(strike.struck, bounded(backMilliseconds));
  } catch (error) {
    signal.throwIfAborted();
    if (!isTimeout(error)) throw error;
  }
  const standby = await strike.standby?.catch(() => undefined);
  await sleep(healMilliseconds, undefined, { signal });
  await row.fault.heal?.(context, strike);
  await contender.waitForHealth(signal);
  await sleep(settleMilliseconds, undefined, { signal });
  const history = await client.stop(bounded(10_000));
  const gaps = measureGaps(history, strike);
  const events = (await trace?.stop()) ?? [];
  const parts = splitGap(strike, history, events);
  const nameOf = (server: string) => contender.memberAt(server) ?? server;
  const servers = gaps.servers.map(nameOf);
  const before = gaps.serverBefore === undefined ? undefined : nameOf(gaps.serverBefore);
  const sinceBack = (from: number | undefined) =>
    from === undefined || back === undefined ? undefined : back.acknowledged - Math.max(from, strike.begun);
  return {
    ids: history.ids,
    result: {
      victims: strike.victims,
      gapMilliseconds: gaps.gapMilliseconds,
      longestMilliseconds: gaps.longestMilliseconds,
      errors: gaps.errors,
      outcome: outcomeOf(servers, before, strike.victims),
      servers,
      acknowledged: history.ids.length,
      ...(parts === undefined ? {} : { parts }),
      events: events
        .filter(({ at }) => at >= strike.begun && at <= (back?.acknowledged ?? history.stopped))
        .map((event) => ({ ...event, at: Math.round(event.at - strike.begun) }))
        .toSorted((one, other) => one.at - other.at),
      ...optional('afterStandbyMilliseconds', sinceBack(standby?.streamed)),
      ...optional('afterAnswerMilliseconds', sinceBack(standby?.answered)),
    },
  };
}

function optional<Name extends string>(name: Name, value: number | undefined): { [key in Name]?: number } {
  // Acknowledged before the question came back that saw the standby: no time at all.
  return value === undefined ? {} : ({ [name]: Math.max(0, value) } as { [key in Name]?: number });
}

/** Pure. */
function outcomeOf(
  servers: readonly string[],
  before: string | undefined,
  victims: readonly string[],
): RoundResult['outcome'] {
  if (servers.some((server) => server !== before)) return 'failed over';
  return before !== undefined && victims.includes(before) ? 'back in place' : 'stayed';
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}
