import { invalidRange } from '../errors/request-errors.js';
import type { RowRange } from './query.js';

export const allRows: RowRange = { offset: 0, limit: undefined };

export function isAllRows(range: RowRange): boolean {
  return range.offset === 0 && range.limit === undefined;
}

/** The Range header `0-9` or `5-`; undefined: none, or none that is understood. Throws PGRST103 for `9-0`. */
export function parseRangeHeader(header: string | undefined): RowRange | undefined {
  const found = header === undefined ? null : /^([0-9]{1,15})-([0-9]{0,15})$/.exec(header);
  if (found === null) return undefined;
  const first = Number(found[1]);
  if (found[2] === '') return { offset: first, limit: undefined };
  const last = Number(found[2]);
  if (last < first) {
    throw invalidRange('The lower boundary must be lower than or equal to the upper boundary in the Range header.');
  }
  return { offset: first, limit: last - first + 1 };
}

/** Rows that both want. Throws PGRST103 for a limit below zero, or where there is no such row. */
export function intersectRanges(wanted: RowRange, header: RowRange | undefined): RowRange {
  if (wanted.limit !== undefined && wanted.limit < 0) {
    throw invalidRange('Limit should be greater than or equal to zero.');
  }
  if (header === undefined || wanted.limit === 0) return wanted;
  const offset = Math.max(wanted.offset, header.offset);
  const end = Math.min(endOf(wanted), endOf(header));
  if (end === Number.POSITIVE_INFINITY) return { offset, limit: undefined };
  if (end <= offset) throw invalidRange('Limit should be greater than or equal to zero.');
  return { offset, limit: end - offset };
}

function endOf({ offset, limit }: RowRange): number {
  return limit === undefined ? Number.POSITIVE_INFINITY : offset + limit;
}

export function restrictRows(range: RowRange, most: number | null): RowRange {
  if (most === null || (range.limit !== undefined && range.limit <= most)) return range;
  return { offset: range.offset, limit: most };
}
