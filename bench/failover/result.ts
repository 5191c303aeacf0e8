import type { Parts, TraceEvent } from './parts.js';
import type { Row } from './rows.js';

/** One round; durations in milliseconds. */
export interface RoundResult {
  /** Members that were hit. */
  readonly victims: readonly string[];
  /** Undefined: nothing was acknowledged within the time limit. */
  readonly gapMilliseconds: number | undefined;
  readonly longestMilliseconds: number;
  readonly errors: number;
  /** Another member took over; the primary was hit and is back; it was not hit. */
  readonly outcome: 'failed over' | 'back in place' | 'stayed';
  /** Members that acknowledged writes after the fault, in order. */
  readonly servers: readonly string[];
  readonly parts?: Parts;
  /** What happened inside from the fault to the next acknowledged write; `at` in milliseconds from the fault. */
  readonly events?: readonly TraceEvent[];
  /** From the time that a standby streamed from a primary again, and from the time that one answered at all, to the next acknowledgement. */
  readonly afterStandbyMilliseconds?: number;
  readonly afterAnswerMilliseconds?: number;
  readonly acknowledged: number;
}

export interface RowResult {
  readonly row: Row;
  readonly planned: number;
  readonly rounds: readonly RoundResult[];
  /** Acknowledged writes of all rounds that are not there at the end. Undefined: nobody looked, since it was cut short. */
  readonly lost: number | undefined;
  readonly acknowledged: number;
  /** Why there are fewer rounds than planned. */
  readonly problem?: string;
}

/** The number that a row is about, of each round; infinite where writes did not come back. Pure. */
export function measuredOf({ row, rounds }: RowResult): readonly number[] {
  return rounds.map((round) => {
    if (row.measure === 'longest') return round.longestMilliseconds;
    if (row.measure === 'gap') return round.gapMilliseconds ?? Number.POSITIVE_INFINITY;
    return round.afterStandbyMilliseconds ?? Number.POSITIVE_INFINITY;
  });
}
