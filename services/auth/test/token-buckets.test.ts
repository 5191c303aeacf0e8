import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTokenBuckets } from '../src/limits/token-buckets.js';

describe('token buckets', () => {
  test('let so many through at once, and then as they fill', () => {
    const buckets = createTokenBuckets({ capacity: 3, intervalMilliseconds: 3000 });
    expect([0, 0, 0].map((now) => buckets.take('a', now))).toEqual([0, 0, 0]);
    expect(buckets.take('a', 0)).toBe(1000);
    expect(buckets.take('a', 500)).toBe(500);
    expect(buckets.take('a', 1000)).toBe(0);
    expect(buckets.take('a', 1000)).toBe(1000);
  });

  test('are apart for each key', () => {
    const buckets = createTokenBuckets({ capacity: 1, intervalMilliseconds: 1000 });
    expect([buckets.take('a', 0), buckets.take('b', 0), buckets.take('a', 0)]).toEqual([0, 0, 1000]);
  });

  test('of nothing let nothing through', () => {
    expect(createTokenBuckets({ capacity: 0, intervalMilliseconds: 1000 }).take('a', 0)).toBe(1000);
  });

  test('do not mind a clock that goes back', () => {
    const buckets = createTokenBuckets({ capacity: 1, intervalMilliseconds: 1000 });
    buckets.take('a', 10_000);
    expect(buckets.take('a', 0)).toBeGreaterThan(0);
  });

  test('forget keys before they fill the memory', () => {
    const buckets = createTokenBuckets({ capacity: 1, intervalMilliseconds: 1e9 });
    for (let index = 0; index < 60_000; index++) buckets.take(`key ${index}`, index);
    expect(buckets.size).toBeLessThanOrEqual(50_000);
  });

  test('never let through more than capacity and what came back', () => {
    const calls = fc.array(fc.nat({ max: 100 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), calls, (capacity, pauses) => {
        const buckets = createTokenBuckets({ capacity, intervalMilliseconds: 1000 });
        let now = 0;
        let passed = 0;
        for (const pause of pauses) {
          now += pause;
          if (buckets.take('a', now) === 0) passed += 1;
        }
        expect(passed).toBeLessThanOrEqual(capacity + (now * capacity) / 1000 + 1e-6);
      }),
    );
  });
});
