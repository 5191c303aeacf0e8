import { describe, expect, it } from 'vitest';
import { checkSinglePrimary } from '../src/checkers/check-single-primary.js';
import { verdictOf } from '../src/checkers/verdict.js';
import { anomalyNames } from './anomalies.js';
import { type GivenOperation, operationsOf } from './operations.js';

const add = (member: string, timeline: number, time: readonly [number, number]): GivenOperation => ({
  action: 'add',
  value: 1,
  time,
  server: [member, timeline],
});
const check = (...given: readonly GivenOperation[]) => verdictOf(checkSinglePrimary(operationsOf('set', given)));

describe('checkSinglePrimary', () => {
  it('accepts a failover, there and back', () => {
    const verdict = check(add('a', 1, [0, 5]), add('b', 2, [10, 15]), add('a', 3, [20, 25]), add('a', 3, [30, 35]));
    expect(verdict.valid).toBe(true);
    expect(verdict.checks[0]?.counts.reigns).toBe(3);
  });

  it('accepts an old answer that overlaps the first new one', () => {
    expect(check(add('a', 1, [0, 30]), add('b', 2, [10, 15])).valid).toBe(true);
  });

  it('finds an old primary that acknowledges after the new one', () => {
    const verdict = check(add('a', 1, [0, 5]), add('b', 2, [10, 15]), add('a', 1, [20, 25]));
    expect(anomalyNames(verdict)).toEqual(['two primaries']);
    expect(verdict.checks[0]?.anomalies[0]?.witnesses.map(({ operation }) => operation.index)).toEqual([1, 2]);
  });

  it('finds two members on one timeline', () => {
    expect(anomalyNames(check(add('a', 1, [0, 5]), add('b', 1, [10, 15])))).toEqual(['two primaries']);
  });

  it('does not know when no answer names its server', () => {
    expect(verdictOf(checkSinglePrimary(operationsOf('set', [{ action: 'add', value: 1 }]))).valid).toBe('unknown');
  });

  it('lets reads of an old primary pass: they are judged as reads', () => {
    expect(check(add('b', 2, [10, 15]), { ...add('a', 1, [20, 25]), action: 'read' }).valid).toBe(true);
  });
});
