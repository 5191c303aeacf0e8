import { invalidRange } from '../errors/request-errors.js';
import type { RowRange } from '../request/query.js';

/** `0-9/100`; `*` where there is nothing to tell. */
export function contentRange(first: number, last: number, total: number | undefined): string {
  const rows = total !== 0 && first <= last ? `${first}-${last}` : '*';
  return `${rows}/${total ?? '*'}`;
}

/**
 * Status and Content-Range of rows that were read. `total` undefined: nobody asked for it. Throws PGRST103 where the first row wanted is beyond
 * the last.
 */
export function readRange(
  { offset }: RowRange,
  count: number,
  total: number | undefined,
): { readonly status: number; readonly contentRange: string } {
  if (total !== undefined && offset > total) {
    throw invalidRange(`An offset of ${offset} was requested, but there are only ${total} rows.`, total);
  }
  const status = total !== undefined && count < total ? 206 : 200;
  return { status, contentRange: contentRange(offset, offset + count - 1, total) };
}
