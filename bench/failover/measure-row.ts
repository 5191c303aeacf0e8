import type { Contender } from './contender.js';
import { measureRound } from './measure-round.js';
import type { RoundResult, RowResult } from './result.js';
import type { Row } from './rows.js';
import { countLost, prepareTable } from './written-rows.js';

export interface RowObserver {
  /** Before a round, counted from 1. */
  beginning(round: number): void;
  ended(result: RoundResult): void;
}

/** All rounds of a row, then the search for what was lost. What goes wrong ends the row; the rounds before it count. */
export async function measureRow(
  row: Row,
  planned: number,
  contender: Contender,
  observer: RowObserver,
  signal: AbortSignal,
): Promise<RowResult> {
  const rounds: RoundResult[] = [];
  const ids: number[] = [];
  let problem: string | undefined;
  let lost: number | undefined;
  try {
    await contender.waitForHealth(signal);
    await prepareTable(contender.writeUrls, signal);
    for (let round = 1; round <= planned; round++) {
      observer.beginning(round);
      const measured = await measureRound(row, contender, signal);
      rounds.push(measured.result);
      // Too many for one call's arguments.
      for (const id of measured.ids) ids.push(id);
      observer.ended(measured.result);
    }
  } catch (error) {
    problem = signal.aborted ? 'interrupted' : error instanceof Error ? error.message : String(error);
  }
  if (!signal.aborted && ids.length > 0) lost = await countLost(contender.writeUrls, ids).catch(() => undefined);
  return {
    row,
    planned,
    rounds,
    lost,
    acknowledged: ids.length,
    ...(problem === undefined ? {} : { problem }),
  };
}
