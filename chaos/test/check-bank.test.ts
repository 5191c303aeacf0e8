import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BankState, checkBank, type Transfer } from '../src/checkers/check-bank.js';
import { verdictOf } from '../src/checkers/verdict.js';
import { anomalyNames } from './anomalies.js';
import { type GivenOperation, operationsOf } from './operations.js';
import { simulateBank, simulatedBank } from './simulated-runs.js';

const rules = { accounts: 2, initialBalance: 10, negativeAllowed: false };
const transfer = (id: number, amount: number, outcome: 'ok' | 'fail' | 'info' = 'ok'): GivenOperation => ({
  action: 'transfer',
  value: { id, from: 0, to: 1, amount },
  outcome,
});
const read = (...balances: readonly number[]): GivenOperation => ({ action: 'read', result: balances });
const final = (balances: readonly number[], ledger: BankState['ledger']): GivenOperation => ({
  action: 'final-read',
  result: { balances, ledger },
});
const check = (given: readonly GivenOperation[], with_ = rules) =>
  verdictOf(checkBank(operationsOf('bank', given), with_));

describe('checkBank', () => {
  it('accepts transfers that the ledger and the balances show', () => {
    const verdict = check([
      transfer(1, 3),
      read(7, 13),
      transfer(2, 4, 'info'),
      transfer(3, 1, 'fail'),
      final(
        [3, 17],
        [
          [1, 0, 1, 3],
          [2, 0, 1, 4],
        ],
      ),
    ]);
    expect(verdict.valid).toBe(true);
  });

  it.each<readonly [string, readonly GivenOperation[]]>([
    ['wrong total', [read(7, 12), final([10, 10], [])]],
    ['negative balance', [read(-1, 21), final([10, 10], [])]],
    ['lost', [transfer(1, 3), final([10, 10], [])]],
    ['failed but present', [transfer(1, 3, 'fail'), final([7, 13], [[1, 0, 1, 3]])]],
    ['phantom', [final([7, 13], [[1, 0, 1, 3]])]],
    ['changed', [transfer(1, 3), final([6, 14], [[1, 0, 1, 4]])]],
    ['unexplained balance', [transfer(1, 3), final([10, 10], [[1, 0, 1, 3]])]],
    [
      'duplicate',
      [
        transfer(1, 3),
        final(
          [4, 16],
          [
            [1, 0, 1, 3],
            [1, 0, 1, 3],
          ],
        ),
      ],
    ],
  ])('finds %s', (name, given) => {
    expect(anomalyNames(check(given))).toEqual([name]);
  });

  it('allows negative balances where they are allowed', () => {
    const given = [read(-1, 21), final([10, 10], [])];
    expect(check(given, { ...rules, negativeAllowed: true }).valid).toBe(true);
  });

  it('accepts every simulated run, and finds one injected anomaly in each', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (seed, choice) => {
        const run = simulateBank(seed);
        expect(check(run, simulatedBank).valid).toBe(true);
        const last = run.at(-1) as GivenOperation;
        const state = last.result as BankState;
        const acknowledged = run.filter(({ action, outcome }) => action === 'transfer' && outcome === 'ok');
        const { id, from, to, amount } = (acknowledged[choice % acknowledged.length] as GivenOperation)
          .value as Transfer;
        const without = state.ledger.filter(([each]) => each !== id);
        const undone = state.balances.map(
          (balance, account) => balance + (account === from ? amount : account === to ? -amount : 0),
        );
        // Lost as a whole, as when the wrong replica was promoted.
        const lost = check(
          [...run.slice(0, -1), { ...last, result: { balances: undone, ledger: without } }],
          simulatedBank,
        );
        expect(anomalyNames(lost)).toContain('lost');
        expect(anomalyNames(lost)).not.toContain('unexplained balance');
        if (amount === 0) return;
        const torn = check([...run.slice(0, -1), { ...last, result: { ...state, ledger: without } }], simulatedBank);
        expect(anomalyNames(torn)).toEqual(['lost', 'unexplained balance']);
      }),
    );
  });
});
