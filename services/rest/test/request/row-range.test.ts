import { describe, expect, it } from 'vitest';
import { allRows, intersectRanges, parseRangeHeader, restrictRows } from '../../src/request/row-range.js';
import { contentRange, readRange } from '../../src/respond/content-range.js';

describe('row ranges', () => {
  it('reads the Range header', () => {
    expect(parseRangeHeader('0-9')).toEqual({ offset: 0, limit: 10 });
    expect(parseRangeHeader('5-')).toEqual({ offset: 5, limit: undefined });
    expect(parseRangeHeader('bytes=0-9')).toBeUndefined();
    expect(parseRangeHeader(undefined)).toBeUndefined();
    expect(() => parseRangeHeader('9-0')).toThrow(expect.objectContaining({ code: 'PGRST103', status: 416 }));
  });

  it('keeps what header and query string both want', () => {
    expect(intersectRanges({ offset: 0, limit: 3 }, { offset: 0, limit: 2 })).toEqual({ offset: 0, limit: 2 });
    expect(intersectRanges({ offset: 2, limit: undefined }, { offset: 0, limit: 5 })).toEqual({ offset: 2, limit: 3 });
    expect(intersectRanges({ offset: 0, limit: 0 }, { offset: 5, limit: 5 })).toEqual({ offset: 0, limit: 0 });
    expect(() => intersectRanges({ offset: 0, limit: -1 }, undefined)).toThrow(/range/);
    expect(() => intersectRanges({ offset: 9, limit: 1 }, { offset: 0, limit: 5 })).toThrow(/range/);
  });

  it('obeys db-max-rows', () => {
    expect(restrictRows(allRows, 10)).toEqual({ offset: 0, limit: 10 });
    expect(restrictRows({ offset: 1, limit: 5 }, 10)).toEqual({ offset: 1, limit: 5 });
    expect(restrictRows(allRows, null)).toEqual(allRows);
  });

  it.each([
    [0, 10, undefined, 200, '0-9/*'],
    [0, 0, undefined, 200, '*/*'],
    [0, 10, 10, 200, '0-9/10'],
    [5, 10, 100, 206, '5-14/100'],
    [0, 0, 0, 200, '*/0'],
    [10, 0, 10, 206, '*/10'],
  ])('answers offset %d with %d rows of %s', (offset, count, total, status, header) => {
    expect(readRange({ offset, limit: undefined }, count, total)).toEqual({ status, contentRange: header });
  });

  it('refuses what lies beyond the last row, telling how many there are', () => {
    expect(() => readRange({ offset: 11, limit: undefined }, 0, 10)).toThrow(
      expect.objectContaining({ code: 'PGRST103', headers: [['Content-Range', '*/10']] }),
    );
    expect(contentRange(1, 0, 3)).toBe('*/3');
  });
});
