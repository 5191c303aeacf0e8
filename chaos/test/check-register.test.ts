import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRegister } from '../src/checkers/check-register.js';
import { findLinearization, type RegisterStep } from '../src/checkers/linearizable.js';
import { verdictOf } from '../src/checkers/verdict.js';
import { anomalyNames } from './anomalies.js';
import { type GivenOperation, operationsOf } from './operations.js';
import { simulateRegister } from './simulated-runs.js';

type Time = readonly [number, number];
const write = (value: number, time: Time, outcome: 'ok' | 'fail' | 'info' = 'ok'): GivenOperation => ({
  action: 'write',
  value: { key: 0, value },
  time,
  outcome,
});
const cas = (expected: number, value: number, time: Time): GivenOperation => ({
  action: 'cas',
  value: { key: 0, expected, value },
  time,
});
const read = (value: number, time: Time): GivenOperation => ({
  action: 'read',
  value: { key: 0 },
  result: { key: 0, value },
  time,
});
const check = (...given: readonly GivenOperation[]) => verdictOf(checkRegister(operationsOf('register', given)));

describe('checkRegister', () => {
  it('accepts overlapping operations that some order explains', () => {
    const verdict = check(
      write(1, [0, 50]),
      write(2, [10, 40]),
      read(2, [15, 20]),
      read(1, [25, 60]),
      cas(1, 3, [30, 70]),
      read(3, [80, 90]),
    );
    expect(verdict).toMatchObject({ valid: true });
  });

  it('accepts a write of unknown fate that is seen much later, or never', () => {
    expect(check(write(1, [0, 5], 'info'), read(0, [10, 15]), read(1, [20, 25])).valid).toBe(true);
    expect(check(write(1, [0, 5], 'info'), read(0, [10, 15])).valid).toBe(true);
  });

  it('finds a stale read', () => {
    const verdict = check(write(1, [0, 5]), write(2, [10, 15]), read(1, [20, 25]));
    expect(anomalyNames(verdict)).toEqual(['not linearizable', 'stale read']);
    expect(verdict.checks[1]?.anomalies[0]?.witnesses.map(({ operation }) => operation.index)).toEqual([0, 1, 2]);
  });

  it('finds a read that goes back after another client had seen the newer value', () => {
    const verdict = check(write(1, [0, 5]), write(2, [10, 100], 'info'), read(2, [20, 25]), read(1, [30, 35]));
    expect(anomalyNames(verdict)).toEqual(['not linearizable', 'stale read']);
  });

  it('finds what is only wrong all together', () => {
    // Each read alone is fine: the writes overlap. Together they need 1 before 2 before 1.
    const verdict = check(
      write(1, [0, 100]),
      write(2, [0, 100]),
      read(1, [10, 15]),
      read(2, [20, 25]),
      read(1, [30, 35]),
    );
    expect(anomalyNames(verdict)).toEqual(['not linearizable']);
  });

  it('finds two compare-and-sets that both replaced one value', () => {
    expect(anomalyNames(check(write(1, [0, 5]), cas(1, 2, [10, 30]), cas(1, 3, [10, 30])))).toEqual([
      'not linearizable',
    ]);
  });

  it('finds a value that comes from the future', () => {
    expect(anomalyNames(check(read(1, [0, 5]), write(1, [10, 15])))).toEqual(['not linearizable']);
  });

  it.each([
    ['phantom', [read(7, [0, 5])]],
    ['failed but read', [write(7, [0, 5], 'fail'), read(7, [10, 15])]],
  ])('finds %s, on the read-only port too', (name, given) => {
    expect(anomalyNames(check(...given))).toEqual([name]);
    expect(anomalyNames(check(...given.map((each) => ({ ...each, port: 'ro' as const }))))).toEqual([name]);
  });

  it('does not mind an old value on the read-only port', () => {
    expect(check(write(1, [0, 5]), write(2, [10, 15]), { ...read(1, [20, 25]), port: 'ro' }).valid).toBe(true);
  });

  it('accepts every simulated run, and finds a lost last write', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const run = simulateRegister(seed);
        expect(check(...run)).toMatchObject({ valid: true });
        const final = run.at(-1) as GivenOperation;
        const [now = 0, other = 0] = final.result as readonly number[];
        // Register 0 falls back to what it held at first: after an acknowledged write that is a lie.
        const written = run.some(
          ({ action, outcome, value }) =>
            action === 'write' && outcome === 'ok' && (value as { key: number }).key === 0,
        );
        if (now === 0 || !written) return;
        const broken = check(...run.slice(0, -1), { ...final, result: [0, other] });
        expect(anomalyNames(broken)).toEqual(['not linearizable', 'stale read']);
      }),
    );
  });
});

/** Tries every order. */
function bruteForce(steps: readonly RegisterStep<unknown>[], value: number): boolean {
  return (
    steps.length === 0 ||
    steps.some((step) => {
      if (steps.some((other) => other !== step && other.completed < step.invoked)) return false;
      if (step.kind === 'read' ? step.value !== value : step.kind === 'cas' && step.expected !== value) return false;
      return bruteForce(
        steps.filter((other) => other !== step),
        step.kind === 'read' ? value : step.value,
      );
    })
  );
}

describe('findLinearization', () => {
  it('agrees with trying every order', () => {
    const step = fc.record({
      kind: fc.constantFrom('read', 'write', 'cas'),
      seen: fc.nat({ max: 4 }),
      invoked: fc.nat({ max: 12 }),
      lasts: fc.integer({ min: 1, max: 8 }),
    });
    let valid = 0;
    let invalid = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 7 }), (given) => {
        let next = 1;
        const steps = given.map(({ kind, seen, invoked, lasts }): RegisterStep<unknown> => {
          const times = { invoked, completed: invoked + lasts, source: undefined };
          if (kind === 'read') return { kind, value: seen, ...times };
          return {
            kind,
            value: next++,
            ...(kind === 'cas' ? { expected: seen } : {}),
            ...times,
          } as RegisterStep<unknown>;
        });
        const expected = bruteForce(steps, 0);
        if (expected) valid++;
        else invalid++;
        expect(findLinearization(steps, 0).valid).toBe(expected);
      }),
      { numRuns: 4000 },
    );
    expect(Math.min(valid, invalid)).toBeGreaterThan(200);
  });

  it('gives up, and says so, beyond its bound', () => {
    const steps = Array.from(
      { length: 40 },
      (_, value): RegisterStep<unknown> => ({
        kind: 'write',
        value: value + 1,
        invoked: 0,
        completed: 10,
        source: undefined,
      }),
    );
    expect(findLinearization(steps, 0)).toEqual({ valid: 'unknown', reason: 'more than 31 operations overlap' });
    expect(findLinearization(steps.slice(0, 5), 0, 2).valid).toBe('unknown');
  });
});
