import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AppendStep } from '../src/checkers/append-versions.js';
import { checkAppend } from '../src/checkers/check-append.js';
import { verdictOf } from '../src/checkers/verdict.js';
import type { IsolationLevel } from '../src/history/records.js';
import { anomalyNames } from './anomalies.js';
import { type GivenOperation, operationsOf } from './operations.js';
import { simulateAppend } from './simulated-runs.js';

const r = (key: number, ...list: readonly number[]): AppendStep => ['r', key, list];
const a = (key: number, element: number): AppendStep => ['append', key, element];
/** All transactions overlap, unless a time is given. */
const t = (...steps: readonly AppendStep[]): GivenOperation => ({
  action: 'transaction',
  value: steps,
  time: [0, 100],
});
const failed = (...steps: readonly AppendStep[]): GivenOperation => ({ ...t(...steps), outcome: 'fail' });
const unknown = (...steps: readonly AppendStep[]): GivenOperation => ({ ...t(...steps), outcome: 'info' });
const final = (...steps: readonly AppendStep[]): GivenOperation => ({
  action: 'final-read',
  value: steps,
  time: [200, 205],
});
const check = (given: readonly GivenOperation[], isolation: IsolationLevel = 'serializable', realtime?: boolean) =>
  verdictOf(checkAppend(operationsOf('append', given), { isolation, ...(realtime === undefined ? {} : { realtime }) }));

const skew = [t(r(1), a(2, 20)), t(r(2), a(1, 10)), final(r(1, 10), r(2, 20))];
const single = [t(r(1), r(2, 20)), t(a(1, 10), a(2, 20)), final(r(1, 10), r(2, 20))];
const nonadjacent = [
  // Two reads that see two independent appends in opposite orders: rw, wr, rw, wr.
  ...[t(a(1, 10)), t(a(2, 20))],
  ...[t(r(1, 10), r(2)), t(r(1), r(2, 20))],
  final(r(1, 10), r(2, 20)),
];
const circle = [t(a(1, 10), r(2, 20)), t(a(2, 20), r(1, 10)), final(r(1, 10), r(2, 20))];
const writes = [t(a(1, 10), a(2, 20)), t(a(1, 11), a(2, 21)), final(r(1, 10, 11), r(2, 21, 20))];

describe('checkAppend', () => {
  it('accepts a serial history', () => {
    const given = [
      t(a(1, 10), r(1, 10)),
      t(r(1, 10), a(1, 11), a(2, 20)),
      unknown(a(2, 21)),
      final(r(1, 10, 11), r(2, 20, 21)),
    ];
    expect(check(given)).toMatchObject({ valid: true });
  });

  it.each<readonly [string, readonly GivenOperation[]]>([
    ['G0', writes],
    ['G1c', circle],
    ['G-single', single],
    ['G-nonadjacent', nonadjacent],
    ['G2', skew],
    ['G1a', [failed(a(1, 10)), t(r(1, 10)), final(r(1, 10))]],
    ['phantom', [t(r(1, 10)), final(r(1, 10))]],
    ['G1b', [t(a(1, 10), a(1, 11)), { ...t(r(1, 10)), port: 'ro' }, final(r(1, 10, 11))]],
    ['incompatible order', [t(a(1, 10)), t(a(1, 11)), t(r(1, 11)), final(r(1, 10, 11))]],
    ['duplicate', [t(a(1, 10)), final(r(1, 10, 10))]],
    ['lost', [t(a(1, 10)), t(a(1, 11)), final(r(1, 11))]],
    ['internal', [t(a(1, 10), r(1)), final(r(1, 10))]],
  ])('finds %s under serializable', (name, given) => {
    expect(anomalyNames(check(given))).toEqual([name]);
  });

  it('forbids under each level what the level forbids', () => {
    const found = (isolation: IsolationLevel) =>
      [writes, circle, single, nonadjacent, skew].map((given) => check(given, isolation, false).valid);
    expect(found('serializable')).toEqual([false, false, false, false, false]);
    expect(found('repeatable read')).toEqual([false, false, false, false, true]);
    expect(found('read committed')).toEqual([false, false, true, true, true]);
  });

  it('shows the shortest cycle, with what makes each edge', () => {
    const verdict = check(skew);
    const [anomaly] = verdict.checks.flatMap(({ anomalies }) => anomalies);
    expect(anomaly?.witnesses.map(({ edge, note }) => [edge, note])).toEqual([
      ['rw', 'read key 1 without 10, which the next appended'],
      ['rw', 'read key 2 without 20, which the next appended'],
    ]);
  });

  it('finds a read that misses what was acknowledged before it began, only by real time', () => {
    const given = [
      { ...t(a(1, 10)), time: [0, 10] as const },
      { ...t(r(1)), time: [20, 30] as const },
      final(r(1, 10)),
    ];
    expect(anomalyNames(check(given))).toEqual(['G-single-realtime']);
    expect(check(given, 'serializable', false).valid).toBe(true);
    expect(check(given, 'read committed').valid).toBe(true);
  });

  it('shows real time as one step, however much happened in between', () => {
    const between = Array.from({ length: 20 }, (_, place) => ({
      ...t(a(2, place + 1)),
      time: [20 + place * 10, 25 + place * 10] as const,
    }));
    const list = between.map((_, place) => place + 1);
    const given = [
      { ...t(a(1, 10)), time: [0, 10] as const },
      ...between,
      { ...t(r(1)), time: [300, 310] as const },
      { ...final(r(1, 10), r(2, ...list)), time: [400, 410] as const },
    ];
    const [anomaly] = check(given).checks.flatMap(({ anomalies }) => anomalies);
    expect(anomaly?.name).toBe('G-single-realtime');
    expect(anomaly?.witnesses.map(({ edge }) => edge)).toEqual(['rw', 'rt']);
  });

  it('finds a forbidden cycle in real time beside an allowed one', () => {
    const given = [...skew.slice(0, 2), { ...t(r(1)), time: [110, 120] as const }, final(r(1, 10), r(2, 20))];
    expect(check(skew, 'repeatable read').valid).toBe(true);
    expect(anomalyNames(check(given, 'repeatable read'))).toEqual(['G-single-realtime']);
  });

  it('accepts every serial run; finds an injected loss, stale read and reordering', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (seed, choice) => {
        const run = simulateAppend(seed, false);
        expect(check(run)).toMatchObject({ valid: true });
        const last = run.at(-1) as GivenOperation;
        const lists = last.result as readonly AppendStep[];
        const steps = run
          .filter(({ outcome, action }) => outcome === 'ok' && action === 'transaction')
          .flatMap(({ value }) => value as readonly AppendStep[]);
        const acknowledged = steps.filter(([kind]) => kind === 'append');
        const victim = acknowledged[choice % acknowledged.length]?.[2];
        const broken = (change: (list: readonly number[]) => readonly number[]) =>
          check([
            ...run.slice(0, -1),
            {
              ...last,
              result: lists.map(([, key, list]) => [
                'r',
                key,
                (list as readonly number[]).includes(victim as number) ? change(list as readonly number[]) : list,
              ]),
            },
          ]);
        expect(anomalyNames(broken((list) => list.filter((element) => element !== victim)))).toContain('lost');
        expect(anomalyNames(broken((list) => [...list, victim as number]))).toContain('duplicate');
        expect(anomalyNames(broken((list) => list.slice(0, list.indexOf(victim as number))))).toContain('lost');
      }),
    );
  });

  it('finds in a serial run every transaction that is made to read an older version', () => {
    let injected = 0;
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (seed, choice) => {
        const run = simulateAppend(seed, false);
        // A transaction that only reads and saw something, long after that was acknowledged.
        const targets = run.flatMap(({ action, outcome, result }, place) => {
          const steps = (result ?? []) as readonly AppendStep[];
          const long =
            steps.every(([kind]) => kind === 'r') && steps.some(([, , list]) => (list as readonly number[]).length > 8);
          return action === 'transaction' && outcome === 'ok' && long ? [place] : [];
        });
        const target = targets[choice % targets.length];
        if (target === undefined) return;
        injected++;
        const stale = run.map((operation, place) =>
          place === target
            ? { ...operation, result: (operation.result as readonly AppendStep[]).map(([, key]) => ['r', key, []]) }
            : operation,
        );
        expect(check(stale).valid).toBe(false);
      }),
    );
    expect(injected).toBeGreaterThan(30);
  });

  it('accepts every run under snapshot isolation as repeatable read, and sees write skew in some as serializable', () => {
    let skewed = 0;
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const run = simulateAppend(seed, true);
        expect(check(run, 'repeatable read')).toMatchObject({ valid: true });
        const serializable = check(run);
        if (serializable.valid === false) skewed++;
        for (const name of anomalyNames(serializable)) expect(name).toMatch(/^G2/);
      }),
    );
    expect(skewed).toBeGreaterThan(10);
  });
});
