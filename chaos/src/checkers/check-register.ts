import type { Operation } from '../history/operations.js';
import { findLinearization, type RegisterStep } from './linearizable.js';
import { type Check, checkBuilder, witness } from './verdict.js';

/** Values of operations: `read` {key} answers {key, value}; `write` {key, value}; `cas` {key, expected, value}. */
export interface RegisterValue {
  readonly key: number;
  readonly value?: number;
  readonly expected?: number;
}

/** What every register holds at first; nobody writes it. */
export const initialRegister = 0;

type Step = RegisterStep<Operation>;

/**
 * Invariant, for each register on the read-write port: reads, writes and compare-and-sets happened in one order that respects real time; so no
 * read goes back in time. On either port nothing is read that nobody wrote, or whose write failed for certain. Every written value is written
 * once. `final-read` answers all registers, from key 0.
 *
 * A write of unknown fate counts as done, by the time somebody saw it, when its value was seen; else as not done: nothing can depend on it.
 * A compare-and-set that found another value is `fail`. Complexity: O(n log n), and see findLinearization.
 */
export function checkRegister(operations: readonly Operation[]): readonly Check[] {
  const unexpected = checkBuilder(
    'register: unexpected',
    'Nothing is read that nobody wrote or whose write failed for certain.',
  );
  const stale = checkBuilder('register: stale', 'On the read-write port no read goes back in time.');
  const order = checkBuilder(
    'register: linearizable',
    'On the read-write port one order in real time explains everything seen.',
  );
  const keys = stepsByKey(operations, unexpected);
  let steps = 0;
  for (const [key, found] of keys) {
    steps += found.length;
    findStale(key, found, stale);
    const result = findLinearization(found, initialRegister);
    if (result.valid === 'unknown') order.unknown(`key ${key}: ${result.reason}`);
    else if (!result.valid) {
      const { stuck, possible } = result;
      const seen = stuck.expected ?? stuck.value;
      const writer = found.find(({ kind, value }) => kind !== 'read' && value === seen);
      const present = found.filter(({ kind, value }) => kind !== 'read' && possible.includes(value)).slice(0, 4);
      order.found(
        'not linearizable',
        `Key ${key}: no order explains this ${stuck.kind}; the register could only hold ${possible.join(' or ')}.`,
        () => [
          witness(stuck.source, 'cannot be explained'),
          ...(writer === undefined || writer === stuck ? [] : [witness(writer.source, 'wrote what it saw')]),
          ...present
            .filter((each) => each !== writer && each !== stuck)
            .map(({ source }) => witness(source, 'wrote what was there')),
        ],
      );
    }
  }
  stale.counts.operations = steps;
  Object.assign(order.counts, { operations: steps, keys: keys.size });
  return [unexpected, stale, order].map((check) => check.build());
}

/** The steps of each key that certainly took effect. Reads of values that cannot be there are reported and left out. */
function stepsByKey(
  operations: readonly Operation[],
  unexpected: ReturnType<typeof checkBuilder>,
): Map<number, Step[]> {
  const writers = new Map<string, Operation>();
  for (const operation of operations) {
    if (!isChange(operation)) continue;
    const { key, value } = registerOf(operation);
    writers.set(`${key}/${value}`, operation);
  }
  const keys = new Map<number, Step[]>();
  const seenBy = new Map<string, number>();
  const add = (key: number, step: Step) => {
    const known = keys.get(key);
    if (known === undefined) keys.set(key, [step]);
    else known.push(step);
  };
  const see = (key: number, value: number, completed: number) => {
    const name = `${key}/${value}`;
    seenBy.set(name, Math.min(seenBy.get(name) ?? Number.POSITIVE_INFINITY, completed));
  };
  let reads = 0;
  for (const operation of operations) {
    if (operation.outcome !== 'ok') continue;
    const { invoked, completed } = operation;
    for (const { key, value } of readsOf(operation)) {
      reads++;
      const writer = writers.get(`${key}/${value}`);
      if (value !== initialRegister && (writer === undefined || writer.outcome === 'fail')) {
        const name = writer === undefined ? 'phantom' : 'failed but read';
        unexpected.found(
          name,
          `Key ${key}: ${value} was read, and ${writer === undefined ? 'nobody wrote it' : 'its write failed for certain'}.`,
          () => [witness(operation, 'read it'), ...(writer === undefined ? [] : [witness(writer, 'failed')])],
        );
      } else if (operation.port === 'rw') {
        add(key, { kind: 'read', value, invoked, completed, source: operation });
        see(key, value, completed);
      }
    }
    if (isChange(operation)) {
      const { key, value = initialRegister, expected } = registerOf(operation);
      const compares = expected === undefined ? {} : { expected };
      add(key, {
        kind: expected === undefined ? 'write' : 'cas',
        value,
        ...compares,
        invoked,
        completed,
        source: operation,
      });
      if (expected !== undefined) see(key, expected, completed);
    }
  }
  // Again and again: a compare-and-set that turns out to be done has itself seen what another one wrote.
  let unknown = operations.filter((operation) => operation.outcome === 'info' && isChange(operation));
  for (let before = -1; before !== unknown.length; ) {
    before = unknown.length;
    unknown = unknown.filter((operation) => {
      const { key, value = initialRegister, expected } = registerOf(operation);
      const seen = seenBy.get(`${key}/${value}`);
      if (seen === undefined) return true;
      const compares = expected === undefined ? {} : { expected };
      const times = { invoked: operation.invoked, completed: Math.max(seen, operation.invoked) };
      add(key, { kind: expected === undefined ? 'write' : 'cas', value, ...compares, ...times, source: operation });
      if (expected !== undefined) see(key, expected, seen);
      return false;
    });
  }
  Object.assign(unexpected.counts, { reads, written: writers.size, 'unknown, not seen': unknown.length });
  return keys;
}

/**
 * A value is certainly there by the first answer to its write or to somebody who saw it. It is certainly gone when another write began after
 * that and was itself there: whoever begins to read after that and still sees it went back in time. O(n log n).
 */
function findStale(key: number, steps: readonly Step[], check: ReturnType<typeof checkBuilder>): void {
  const writes = new Map<number, Step>();
  const thereBy = new Map<number, number>([[initialRegister, Number.NEGATIVE_INFINITY]]);
  const note = (value: number, time: number) => {
    thereBy.set(value, Math.min(thereBy.get(value) ?? Number.POSITIVE_INFINITY, time));
  };
  for (const step of steps) {
    if (step.kind !== 'read') writes.set(step.value, step);
    note(step.value, step.completed);
    if (step.expected !== undefined) note(step.expected, step.completed);
  }
  const known = [...writes.values()].sort(
    (left, right) => (thereBy.get(left.value) ?? 0) - (thereBy.get(right.value) ?? 0),
  );
  let newest: Step | undefined;
  let next = 0;
  for (const step of steps.toSorted((left, right) => left.invoked - right.invoked)) {
    for (
      let write = known[next];
      write !== undefined && (thereBy.get(write.value) ?? 0) < step.invoked;
      write = known[++next]
    ) {
      if (newest === undefined || write.invoked > newest.invoked) newest = write;
    }
    const seen = step.kind === 'read' ? step.value : step.expected;
    const newer = newest;
    if (seen === undefined || newer === undefined || newer.invoked <= (thereBy.get(seen) ?? Number.POSITIVE_INFINITY))
      continue;
    const writer = writes.get(seen);
    check.found('stale read', `Key ${key}: ${seen} was seen after ${newer.value} had replaced it.`, () => [
      ...(writer === undefined ? [] : [witness(writer.source, `wrote ${seen}`)]),
      witness(newer.source, `wrote ${newer.value} afterwards`),
      witness(step.source, `began after that, and saw ${seen}`),
    ]);
  }
}

const registerOf = ({ value }: Operation): RegisterValue => value as RegisterValue;

const isChange = ({ action }: Operation): boolean => action === 'write' || action === 'cas';

function readsOf({ action, result }: Operation): readonly { readonly key: number; readonly value: number }[] {
  if (action === 'final-read') return (result as readonly number[]).map((value, key) => ({ key, value }));
  if (action !== 'read') return [];
  const { key, value = initialRegister } = result as RegisterValue;
  return [{ key, value }];
}
