import { median, seconds } from '../statistics.js';
import { type PartName, partNames, partWords } from './parts.js';
import { measuredOf, type RowResult } from './result.js';

export interface Judgement {
  /** Undefined: it has no target, or nothing was measured. */
  readonly met: boolean | undefined;
  /** What was missed, for example `median 0.61 s`. */
  readonly missed: readonly string[];
}

/** Pure. Rounds that are missing because something broke miss the target as well. */
export function judgeRow(result: RowResult): Judgement {
  const { target } = result.row;
  const values = measuredOf(result);
  if (Object.keys(target).length === 0 || values.length === 0) return { met: undefined, missed: [] };
  const [middle, most] = [median(values), Math.max(...values)];
  const errors = sum(result.rounds.map((round) => round.errors));
  const missed = [
    ...(target.median !== undefined && middle > target.median ? [`median ${seconds(middle)}`] : []),
    ...(target.max !== undefined && most > target.max ? [`max ${seconds(most)}`] : []),
    ...(target.errors !== undefined && errors > target.errors ? [`${errors} errors`] : []),
    ...((result.lost ?? 0) > 0 ? [`${result.lost} writes lost`] : []),
    ...(result.problem === undefined ? [] : [`only ${values.length} of ${result.planned} rounds`]),
  ];
  return { met: missed.length === 0, missed };
}

export interface PartMedian {
  readonly part: PartName;
  readonly milliseconds: number;
}

/** The median of each part over the rounds that had it. Pure. */
export function partMedians({ rounds }: RowResult): readonly PartMedian[] {
  return partNames.flatMap((part) => {
    const values = rounds.flatMap(({ parts }) => parts?.[part] ?? []);
    return values.length === 0 ? [] : [{ part, milliseconds: median(values) }];
  });
}

/** For a row that missed its target: which part of the gap is whose, the largest first, and what less of the largest would take. Pure. */
export function explainMiss(result: RowResult): string {
  const { missed } = judgeRow(result);
  const parts = partMedians(result).toSorted((one, other) => other.milliseconds - one.milliseconds);
  const head = `${result.row.title}: ${missed.join(', ')}.`;
  const [largest] = parts;
  if (largest === undefined) return `${head} ${unexplained(result)}`;
  const list = parts.map(({ part, milliseconds }) => `${partWords[part].whose} ${seconds(milliseconds)} (${part})`);
  return `${head} Of the gap, medians: ${list.join(', ')}. To shorten the largest: ${partWords[largest.part].shorter}.`;
}

/** Where the primary did not change there are no parts. */
function unexplained({ row, rounds }: RowResult): string {
  const inPlace = rounds.filter(({ outcome }) => outcome === 'back in place').length;
  if (inPlace > 0)
    return `In ${inPlace} of ${rounds.length} rounds the primary came back in place: the gap is its restart and PostgreSQL’s recovery.`;
  if (row.measure === 'longest')
    return 'The primary stayed: the stall is the wait for a standby that has to be replaced (agents end its WAL sender, Patroni picks another), or for etcd’s election.';
  return 'What happened inside was not seen.';
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
