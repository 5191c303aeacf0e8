import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize, postgresSize } from '../src/quantity.js';

describe('durations', () => {
  it.each([
    ['100ms', 100],
    ['2s', 2000],
    ['1.5 s', 1500],
    ['1min', 60_000],
    ['2h', 7_200_000],
  ])('%s', (text, milliseconds) => expect(parseDuration(text, 's')).toBe(milliseconds));

  it('counts a bare number in the given unit', () => {
    expect(parseDuration(3, 's')).toBe(3000);
    expect(parseDuration(3, 'ms')).toBe(3);
  });

  it.each(['', '5', 's', '-1s', '1 m', '1S', '1e3s'])('refuses %j', (text) =>
    expect(parseDuration(text, 's')).toBeUndefined(),
  );

  it('reads what it wrote', () => {
    fc.assert(
      fc.property(fc.nat(), (value) => {
        expect(parseDuration(formatDuration(value), 'ms')).toBe(value);
      }),
    );
  });
});

describe('sizes', () => {
  it.each([
    ['1GiB', 2 ** 30],
    ['1GB', 2 ** 30],
    ['16 MB', 2 ** 24],
    ['1.5kB', 1536],
    ['7B', 7],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each(['', '5', '1gb', '1Gi', '-1MB'])('refuses %j', (text) => expect(parseSize(text)).toBeUndefined());

  it('reads what it wrote', () => {
    fc.assert(
      fc.property(fc.nat(), (value) => {
        expect(parseSize(formatSize(value))).toBe(value);
      }),
    );
  });

  it('rounds down for PostgreSQL', () => {
    expect(postgresSize(1.9 * 2 ** 20)).toBe('1MB');
    expect(postgresSize(2 ** 20 - 1)).toBe('1023kB');
  });
});
