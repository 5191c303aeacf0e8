import type { Operation } from '../history/operations.js';
import { type Check, type CheckBuilder, checkBuilder, lastFinalRead, witness } from './verdict.js';

/** What `transfer` asks for. */
export interface Transfer {
  /** A number that no other transfer has. */
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly amount: number;
}

/** Balance of each account, in the order of their numbers, from 0. */
export type Balances = readonly number[];

/** What `final-read` answers: balances and all rows of the ledger, in one snapshot. */
export interface BankState {
  readonly balances: Balances;
  /** id, from, to, amount */
  readonly ledger: readonly (readonly [number, number, number, number])[];
}

export interface BankRules {
  readonly accounts: number;
  /** What each account holds at first. */
  readonly initialBalance: number;
  readonly negativeAllowed: boolean;
}

/**
 * Invariant: whatever snapshot is read, the balances sum to what was there at first and, where that is forbidden, none is negative; at the end
 * the ledger, to which each transfer adds one row in its own transaction, has every acknowledged transfer exactly once and as it was asked for,
 * none that failed for certain or that nobody asked for, and explains every balance.
 *
 * `read` answers Balances, on either port: a replica's snapshot must be whole too. Complexity: O(reads × accounts + transfers).
 */
export function checkBank(operations: readonly Operation[], rules: BankRules): readonly Check[] {
  const ledger = checkBuilder(
    'bank: ledger',
    'Every acknowledged transfer is in the ledger exactly once, and none that did not happen.',
  );
  const sums = checkBuilder('bank: sums', 'The ledger explains every balance.');
  const read = lastFinalRead(operations);
  if (read === undefined) {
    for (const check of [ledger, sums]) check.unknown('there is no successful final read');
  } else {
    checkLedger(operations, read, ledger);
    checkSums(read, rules, sums);
  }
  return [...checkReads(operations, rules), ledger.build(), sums.build()];
}

function checkReads(operations: readonly Operation[], rules: BankRules): readonly Check[] {
  const total = checkBuilder('bank: total', 'No money appears or disappears in any read.');
  const negative = checkBuilder('bank: negative', 'No balance falls below zero.');
  const expected = rules.accounts * rules.initialBalance;
  let reads = 0;
  for (const operation of operations) {
    if (operation.outcome !== 'ok' || (operation.action !== 'read' && operation.action !== 'final-read')) continue;
    reads++;
    const balances =
      operation.action === 'read' ? (operation.result as Balances) : (operation.result as BankState).balances;
    const sum = balances.reduce((left, right) => left + right, 0);
    if (sum !== expected || balances.length !== rules.accounts) {
      total.found(
        'wrong total',
        `${balances.length} accounts hold ${sum}; ${rules.accounts} should hold ${expected}.`,
        () => [witness(operation)],
      );
    }
    if (!rules.negativeAllowed && balances.some((balance) => balance < 0)) {
      negative.found('negative balance', `A balance is ${Math.min(...balances)}.`, () => [witness(operation)]);
    }
  }
  total.counts.reads = reads;
  negative.counts.reads = reads;
  return [total.build(), ...(rules.negativeAllowed ? [] : [negative.build()])];
}

function checkLedger(operations: readonly Operation[], read: Operation, check: CheckBuilder): void {
  const rows = new Map<number, (readonly [number, number, number, number])[]>();
  for (const row of (read.result as BankState).ledger) rows.set(row[0], [...(rows.get(row[0]) ?? []), row]);
  const count = { acknowledged: 0, 'failed for certain': 0, 'unknown, found': 0, 'unknown, not found': 0 };
  const attempts = new Map<number, Operation>();
  for (const operation of operations) {
    if (operation.action !== 'transfer') continue;
    const { id, from, to, amount } = operation.value as Transfer;
    attempts.set(id, operation);
    const found = rows.get(id)?.[0];
    if (operation.outcome === 'ok') {
      count.acknowledged++;
      if (found === undefined) {
        check.found('lost', `Transfer ${id} was acknowledged and is not in the ledger.`, () => [
          witness(operation, 'acknowledged'),
          witness(read, 'does not have it'),
        ]);
      }
    } else if (operation.outcome === 'fail') {
      count['failed for certain']++;
      if (found !== undefined) {
        check.found('failed but present', `Transfer ${id} failed for certain and is in the ledger.`, () => [
          witness(operation, 'failed'),
          witness(read, 'has it'),
        ]);
      }
    } else count[found === undefined ? 'unknown, not found' : 'unknown, found']++;
    if (found !== undefined && (found[1] !== from || found[2] !== to || found[3] !== amount)) {
      check.found('changed', `Transfer ${id} is in the ledger as ${JSON.stringify(found)}.`, () => [
        witness(operation, 'asked for another one'),
        witness(read),
      ]);
    }
  }
  for (const [id, found] of rows) {
    const attempt = attempts.get(id);
    if (attempt === undefined) {
      check.found('phantom', `Transfer ${id} is in the ledger, and nobody asked for it.`, () => [witness(read)]);
    }
    if (found.length > 1) {
      check.found('duplicate', `Transfer ${id} is in the ledger ${found.length} times.`, () => [
        ...(attempt === undefined ? [] : [witness(attempt, 'asked for it once')]),
        witness(read),
      ]);
    }
  }
  Object.assign(check.counts, count);
}

function checkSums(read: Operation, rules: BankRules, check: CheckBuilder): void {
  const { balances, ledger } = read.result as BankState;
  const explained = Array.from({ length: rules.accounts }, () => rules.initialBalance);
  const add = (account: number, amount: number) => {
    explained[account] = (explained[account] ?? Number.NaN) + amount;
  };
  for (const [, from, to, amount] of ledger) {
    add(from, -amount);
    add(to, amount);
  }
  check.counts.transfers = ledger.length;
  check.counts.accounts = balances.length;
  for (const [account, balance] of balances.entries()) {
    if (balance !== explained[account]) {
      check.found(
        'unexplained balance',
        `Account ${account} holds ${balance}; the ledger says ${explained[account]}.`,
        () => [witness(read)],
      );
    }
  }
}
