/** Of an even number, the mean of the two in the middle. Throws on none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  if (low === undefined || high === undefined) throw new RangeError('no values');
  return (low + high) / 2;
}

/** The smallest of the values that at least this share, 0 to 1, of them do not exceed (nearest rank). Throws on none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('no values');
  return value;
}

/** `never` when there was no end to it. */
export function seconds(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return 'never';
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/** `median`, `min–max` of durations in milliseconds, as two cells. */
export function durationCells(values: readonly number[]): readonly [string, string] {
  return [seconds(median(values)), `${seconds(Math.min(...values))}–${seconds(Math.max(...values))}`];
}

/** The same of whole numbers. */
export function countCells(values: readonly number[]): readonly [string, string] {
  return [median(values).toFixed(0), `${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)}`];
}
