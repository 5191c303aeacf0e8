import type { Operation } from '../history/operations.js';
import type { IsolationLevel } from '../history/records.js';
import { type Appended, eachRead, type KeyVersions, stepsOf, type Writers } from './append-versions.js';
import { type CheckBuilder, witness } from './verdict.js';

/**
 * Looks at each read by itself, on both ports: `G1a`, an element whose transaction failed for certain; `phantom`, one that nobody appended;
 * `G1b`, a list that ends between two appends of one transaction. O(elements read).
 */
export function checkReads(operations: readonly Operation[], writers: Writers, check: CheckBuilder): void {
  const reported = new Set<string>();
  for (const operation of operations) {
    eachRead(operation, (key, list) => {
      const ofKey = writers.get(key);
      for (const element of list) {
        const writer = ofKey?.get(element)?.operation;
        if (writer !== undefined && writer.outcome !== 'fail') continue;
        // Every later read has it too.
        if (reported.has(`${key}/${element}`)) continue;
        reported.add(`${key}/${element}`);
        check.found(
          writer === undefined ? 'phantom' : 'G1a',
          `Key ${key}: ${element} was read, and ${writer === undefined ? 'nobody appended it' : 'its transaction failed for certain'}.`,
          () => [...(writer === undefined ? [] : [witness(writer, 'failed')]), witness(operation, 'read it')],
        );
      }
      const end = list.at(-1);
      const last = end === undefined ? undefined : ofKey?.get(end);
      if (last === undefined || last.last || last.operation === operation) return;
      check.found('G1b', `Key ${key}: a read ends at ${end}, which its transaction appended more to.`, () => [
        witness(last.operation, 'appended more'),
        witness(operation, 'read what was between'),
      ]);
    });
  }
  check.counts.transactions = operations.length;
}

/** Every acknowledged append is in the final read of its key. O(appends). */
export function checkLost(
  operations: readonly Operation[],
  finalRead: Operation,
  writers: Writers,
  check: CheckBuilder,
): void {
  const final = new Map<number, ReadonlySet<number>>();
  eachRead(finalRead, (key, list) => final.set(key, new Set(list)));
  const count = { acknowledged: 0, 'unknown, found': 0, 'unknown, not found': 0 };
  const lost = (key: number, element: number, { operation }: Appended) =>
    check.found('lost', `Key ${key}: ${element} was acknowledged and is not in the final read.`, () => [
      witness(operation, 'acknowledged'),
      witness(finalRead, 'does not have it'),
    ]);
  for (const [key, ofKey] of writers) {
    for (const [element, appended] of ofKey) {
      const present = final.get(key)?.has(element) === true;
      if (appended.operation.outcome === 'ok') {
        count.acknowledged++;
        if (!present) lost(key, element, appended);
      } else if (appended.operation.outcome === 'info') count[present ? 'unknown, found' : 'unknown, not found']++;
    }
  }
  Object.assign(check.counts, count, { transactions: operations.length });
}

/**
 * What a transaction reads agrees with what it did itself: its own appends are at the end, in order, and, except under read committed, where
 * each statement has its own snapshot, what it read before is unchanged. O(elements read).
 */
export function checkInternal(operations: readonly Operation[], isolation: IsolationLevel, check: CheckBuilder): void {
  for (const operation of operations) {
    if (operation.outcome !== 'ok' || operation.action !== 'transaction') continue;
    const known = new Map<number, readonly number[]>();
    const own = new Map<number, readonly number[]>();
    for (const [kind, key, value] of stepsOf(operation)) {
      if (kind === 'append') {
        own.set(key, [...(own.get(key) ?? []), value]);
        const before = known.get(key);
        if (before !== undefined) known.set(key, [...before, value]);
        continue;
      }
      if (value === null) continue;
      const mine = own.get(key) ?? [];
      const before = known.get(key);
      const wrong =
        before === undefined || isolation === 'read committed'
          ? !sameList(mine.length === 0 ? [] : value.slice(-mine.length), mine)
          : !sameList(value, before);
      if (wrong) {
        check.found('internal', `Key ${key}: a transaction does not see what it did or saw itself.`, () => [
          witness(operation),
        ]);
      }
      known.set(key, value);
    }
  }
  check.counts.transactions = operations.length;
}

/** Appended by transactions of unknown fate and seen: these took effect. */
export function isSeen(operation: Operation, versions: ReadonlyMap<number, KeyVersions>): boolean {
  return stepsOf(operation).some(
    ([kind, key, value]) => kind === 'append' && versions.get(key)?.places.has(value) === true,
  );
}

const sameList = (left: readonly number[], right: readonly number[]): boolean =>
  left.length === right.length && left.every((element, place) => element === right[place]);
