import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSet } from '../src/checkers/check-set.js';
import { verdictOf } from '../src/checkers/verdict.js';
import { anomalyNames } from './anomalies.js';
import { type GivenOperation, operationsOf } from './operations.js';
import { simulateSet } from './simulated-runs.js';

const add = (value: number, outcome: 'ok' | 'fail' | 'info' = 'ok'): GivenOperation => ({
  action: 'add',
  value,
  outcome,
});
const read = (...elements: readonly number[]): GivenOperation => ({ action: 'final-read', result: elements });
const check = (...given: readonly GivenOperation[]) => verdictOf(checkSet(operationsOf('set', given)));

describe('checkSet', () => {
  it('accepts a set in which unknown inserts are there or not', () => {
    const verdict = check(add(1), add(2, 'info'), add(3, 'info'), add(4, 'fail'), read(1, 2));
    expect(verdict.valid).toBe(true);
    expect(verdict.checks[0]?.counts).toEqual({ acknowledged: 1, 'unknown, found': 1, 'unknown, not found': 1 });
  });

  it('finds a lost insert, and shows it with the read that lacks it', () => {
    const verdict = check(add(1), add(2), read(1));
    expect(anomalyNames(verdict)).toEqual(['lost']);
    expect(verdict.checks[0]?.anomalies[0]?.witnesses.map(({ operation }) => operation.index)).toEqual([1, 2]);
  });

  it.each([
    ['failed but present', [add(1), add(2, 'fail'), read(1, 2)]],
    ['phantom', [add(1), read(1, 2)]],
    ['duplicate', [add(1), read(1, 1)]],
  ])('finds %s', (name, given) => {
    expect(anomalyNames(check(...given))).toEqual([name]);
  });

  it('does not know without a final read', () => {
    expect(check(add(1)).valid).toBe('unknown');
    expect(check(add(1), { action: 'final-read', outcome: 'fail' }).valid).toBe('unknown');
    expect(check(add(1), { ...read(1), port: 'ro' }).valid).toBe('unknown');
  });

  it('accepts every simulated run, and finds one injected anomaly in each', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (seed, choice) => {
        const run = simulateSet(seed);
        expect(check(...run).valid).toBe(true);
        const final = run.at(-1) as GivenOperation;
        const elements = final.result as readonly number[];
        const acknowledged = run.filter(({ action, outcome }) => action === 'add' && outcome === 'ok');
        const victim = acknowledged[choice % acknowledged.length]?.value as number;
        const withFinal = (list: readonly number[]) => check(...run.slice(0, -1), { ...final, result: list });
        expect(anomalyNames(withFinal(elements.filter((element) => element !== victim)))).toEqual(['lost']);
        expect(anomalyNames(withFinal([...elements, victim]))).toEqual(['duplicate']);
        expect(anomalyNames(withFinal([...elements, 1_000_000]))).toEqual(['phantom']);
      }),
    );
  });
});
