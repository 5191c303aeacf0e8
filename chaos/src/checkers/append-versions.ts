import type { Operation } from '../history/operations.js';
import { type CheckBuilder, witness } from './verdict.js';

/** One step of a transaction: what it read from a list (null before the answer), or what it appended. */
export type AppendStep = readonly ['r', number, readonly number[] | null] | readonly ['append', number, number];

/** The steps as they were answered; as they were asked for, when they were not. */
export function stepsOf({ result, value }: Operation): readonly AppendStep[] {
  return (result ?? value) as readonly AppendStep[];
}

/** Who appended an element, and whether it was its last one to that key. */
export interface Appended {
  readonly operation: Operation;
  readonly last: boolean;
}

/** What is known of one key. */
export interface KeyVersions {
  /** The elements in the order in which they were appended, as the longest read shows it. */
  readonly order: readonly number[];
  readonly longest: Operation;
  /** Place of each element in `order`. */
  readonly places: ReadonlyMap<number, number>;
}

/** By key and element. */
export type Writers = ReadonlyMap<number, ReadonlyMap<number, Appended>>;

/** Who appended what; no element is appended to a key twice. O(n). */
export function findWriters(operations: readonly Operation[]): Writers {
  const writers = new Map<number, Map<number, Appended>>();
  for (const operation of operations) {
    if (operation.action !== 'transaction') continue;
    const last = new Map<number, number>();
    for (const [kind, key, element] of stepsOf(operation)) if (kind === 'append') last.set(key, element);
    for (const [kind, key, element] of stepsOf(operation)) {
      if (kind !== 'append') continue;
      let ofKey = writers.get(key);
      if (ofKey === undefined) {
        ofKey = new Map();
        writers.set(key, ofKey);
      }
      ofKey.set(element, { operation, last: last.get(key) === element });
    }
  }
  return writers;
}

/** Calls back for each list that was read from outside: not after an append of the same transaction to that key. */
export function eachRead(
  operation: Operation,
  visit: (key: number, list: readonly number[], ownBefore: boolean) => void,
): void {
  if (operation.outcome !== 'ok') return;
  const own = new Set<number>();
  for (const [kind, key, value] of stepsOf(operation)) {
    if (kind === 'append') own.add(key);
    else if (value !== null) visit(key, value, own.has(key));
  }
}

/**
 * Infers the order of versions of every key: appends make each version contain the one before, so every read is a prefix of the longest one.
 * A read that is not is an `incompatible order`; one with an element twice is a `duplicate`. Reads on the read-only port are left out: a replica
 * may show what the next primary does not have, which no client of the read-write port was promised. O(elements read).
 */
export function inferVersions(operations: readonly Operation[], check: CheckBuilder): ReadonlyMap<number, KeyVersions> {
  const longest = new Map<number, { readonly operation: Operation; readonly list: readonly number[] }>();
  const reads = operations.filter(({ port }) => port === 'rw');
  let count = 0;
  for (const operation of reads) {
    eachRead(operation, (key, list) => {
      count++;
      if (list.length > (longest.get(key)?.list.length ?? -1)) longest.set(key, { operation, list });
    });
  }
  const versions = new Map<number, KeyVersions>();
  for (const [key, { operation, list }] of longest) {
    const places = new Map<number, number>();
    list.forEach((element, place) => {
      if (!places.has(element)) places.set(element, place);
    });
    if (places.size !== list.length) {
      const twice = list.find((element, place) => places.get(element) !== place);
      check.found('duplicate', `Key ${key}: ${twice} is in the list twice.`, () => [witness(operation, 'read it')]);
    }
    versions.set(key, { order: list, longest: operation, places });
  }
  for (const operation of reads) {
    eachRead(operation, (key, list) => {
      const known = versions.get(key);
      if (known === undefined) return;
      const different = list.findIndex((element, place) => element !== known.order[place]);
      if (different === -1) return;
      check.found(
        'incompatible order',
        `Key ${key}: at place ${different} one read has ${list[different]}, another ${known.order[different]}.`,
        () => [witness(operation, 'read one order'), witness(known.longest, 'read the other')],
      );
    });
  }
  Object.assign(check.counts, { reads: count, keys: versions.size });
  return versions;
}
