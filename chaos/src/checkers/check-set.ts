import type { Operation } from '../history/operations.js';
import { type Check, checkBuilder, lastFinalRead, witness } from './verdict.js';

/**
 * Invariant: every element whose `add` was acknowledged is in the final read exactly once; no element is there whose `add` failed for certain
 * or that nobody ever added. Elements of unknown fate may be there once or not at all.
 *
 * `add` has the element (a number nobody else adds) as its value; `final-read` answers all elements.
 * Complexity: O(n) time and memory in adds and elements.
 */
export function checkSet(operations: readonly Operation[]): readonly Check[] {
  const lost = checkBuilder('set: lost', 'Every acknowledged insert is there at the end.');
  const unexpected = checkBuilder(
    'set: unexpected',
    'Nothing is there that was never inserted or that failed for certain.',
  );
  const duplicates = checkBuilder('set: duplicates', 'Nothing is there twice.');
  const checks = [lost, unexpected, duplicates];
  const read = lastFinalRead(operations);
  if (read === undefined) {
    for (const check of checks) check.unknown('there is no successful final read');
    return checks.map((check) => check.build());
  }

  const times = new Map<number, number>();
  for (const element of read.result as readonly number[]) times.set(element, (times.get(element) ?? 0) + 1);
  const count = { acknowledged: 0, failed: 0, unknownFound: 0, unknownNotFound: 0 };
  const attempts = new Map<number, Operation>();
  for (const operation of operations) {
    if (operation.action !== 'add') continue;
    const element = operation.value as number;
    attempts.set(element, operation);
    const present = times.has(element);
    if (operation.outcome === 'ok') {
      count.acknowledged++;
      if (!present) {
        lost.found('lost', `${element} was acknowledged and is not in the final read.`, () => [
          witness(operation, 'acknowledged'),
          witness(read, 'does not have it'),
        ]);
      }
    } else if (operation.outcome === 'fail') {
      count.failed++;
      if (present) {
        unexpected.found('failed but present', `${element} failed for certain and is in the final read.`, () => [
          witness(operation, 'failed'),
          witness(read, 'has it'),
        ]);
      }
    } else if (present) count.unknownFound++;
    else count.unknownNotFound++;
  }
  for (const [element, occurrences] of times) {
    const attempt = attempts.get(element);
    if (attempt === undefined) {
      unexpected.found('phantom', `${element} is in the final read, and nobody inserted it.`, () => [
        witness(read, 'has it'),
      ]);
    }
    if (occurrences > 1) {
      duplicates.found('duplicate', `${element} is in the final read ${occurrences} times.`, () => [
        ...(attempt === undefined ? [] : [witness(attempt, 'inserted it once')]),
        witness(read, `has it ${occurrences} times`),
      ]);
    }
  }
  Object.assign(lost.counts, {
    acknowledged: count.acknowledged,
    'unknown, found': count.unknownFound,
    'unknown, not found': count.unknownNotFound,
  });
  Object.assign(unexpected.counts, { attempted: attempts.size, 'failed for certain': count.failed });
  Object.assign(duplicates.counts, { present: times.size });
  return checks.map((check) => check.build());
}
