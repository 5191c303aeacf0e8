import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median, percentile, seconds } from '../statistics.js';

const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });

describe('percentile', () => {
  it('of 30 values is for 0.99 the largest, of 200 the second largest but one', () => {
    const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1).toReversed();
    expect(percentile(upTo(30), 0.99)).toBe(30);
    expect(percentile(upTo(200), 0.99)).toBe(198);
    expect(percentile(upTo(4), 0.5)).toBe(2);
    expect(percentile(upTo(4), 0)).toBe(1);
  });

  it('is one of the values, and at least that share of them does not exceed it', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, share) => {
        const found = percentile(list, share);
        expect(list).toContain(found);
        expect(list.filter((value) => value <= found).length).toBeGreaterThanOrEqual(share * list.length);
      }),
    );
  });

  it('refuses none', () => expect(() => percentile([], 0.5)).toThrow(RangeError));
});

describe('median', () => {
  it('is infinite when most are', () =>
    expect(median([1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])).toBe(Number.POSITIVE_INFINITY));
});

describe('seconds', () => {
  it('says never of what had no end', () => {
    expect(seconds(Number.POSITIVE_INFINITY)).toBe('never');
    expect(seconds(456)).toBe('0.46 s');
  });
});
