/** An operation on one register, which certainly took effect between its two times. */
export interface RegisterStep<Source> {
  readonly kind: 'read' | 'write' | 'cas';
  /** What was read, or is written. */
  readonly value: number;
  /** What a compare-and-set found there. */
  readonly expected?: number;
  /** Microseconds; two that only touch count as overlapping. */
  readonly invoked: number;
  readonly completed: number;
  readonly source: Source;
}

export type Linearization<Source> =
  | { readonly valid: true; readonly explored: number }
  /** No order explains `stuck`; the values that the register could have had when it was answered. */
  | { readonly valid: false; readonly stuck: RegisterStep<Source>; readonly possible: readonly number[] }
  | { readonly valid: 'unknown'; readonly reason: string };

interface Slot<Source> {
  readonly step: RegisterStep<Source>;
  readonly bit: number;
}

/** One way in which the past can have gone: which of the operations under way have taken effect, and what the register holds. */
interface Configuration {
  readonly done: number;
  readonly value: number;
}

const mostAtOnce = 31;

/**
 * Invariant: there is one total order of the steps that respects real time, in which every read and compare-and-set finds what the step before
 * it left.
 *
 * The search of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993) in Lowe's just-in-time form ("Testing for Linearizability",
 * 2017): it walks over invocations and answers in time and keeps the set of possible configurations, each once. Every written value is written
 * by one step only, which prunes nearly everything: a value that somebody still has to see cannot be overwritten; a read of the present value
 * takes effect at once; a write that nobody sees takes effect just before any other plain write.
 *
 * Complexity: O(n log n) for real histories, where few configurations are possible at a time; exponential in the steps under way at worst, so it
 * gives up, `unknown`, when it has explored `bound` configurations or more than 31 steps overlap.
 */
export function findLinearization<Source>(
  steps: readonly RegisterStep<Source>[],
  initial: number,
  bound = 5_000_000,
): Linearization<Source> {
  const observers = new Map<number, number>();
  for (const step of steps) {
    const seen = step.kind === 'read' ? step.value : step.expected;
    if (seen !== undefined) observers.set(seen, (observers.get(seen) ?? 0) + 1);
  }
  /** How many answered observers a value has had; those under way are in a configuration's `done`. */
  const answered = new Map<number, number>();
  const free = Array.from({ length: mostAtOnce }, (_, index) => mostAtOnce - 1 - index);
  const slots = new Map<RegisterStep<Source>, Slot<Source>>();
  let configurations: readonly Configuration[] = [{ done: 0, value: initial }];
  let explored = 0;

  const sees = ({ kind, value, expected }: RegisterStep<Source>) => (kind === 'read' ? value : expected);
  const isUnseenWrite = ({ kind, value }: RegisterStep<Source>) => kind === 'write' && !observers.has(value);
  /** Observers of the configuration's value that have not taken effect. */
  const left = ({ done, value }: Configuration): number => {
    let count = (observers.get(value) ?? 0) - (answered.get(value) ?? 0);
    if (count === 0) return 0;
    for (const { step, bit } of slots.values()) if ((done & bit) !== 0 && sees(step) === value) count--;
    return count;
  };
  /** The configuration after this step and all that can follow for free. */
  const after = (configuration: Configuration, slot: Slot<Source>): Configuration => {
    let done = configuration.done | slot.bit;
    const { value, kind } = slot.step;
    for (const { step, bit } of slots.values()) {
      if ((step.kind === 'read' && step.value === value) || (kind === 'write' && isUnseenWrite(step))) done |= bit;
    }
    return { done, value };
  };
  const canFollow = (configuration: Configuration, { step, bit }: Slot<Source>): boolean => {
    if ((configuration.done & bit) !== 0 || step.kind === 'read') return false;
    if (step.kind === 'cas') return step.expected === configuration.value && left(configuration) === 1;
    return left(configuration) === 0;
  };

  for (const { step, end } of moments(steps)) {
    if (!end) {
      const index = free.pop();
      if (index === undefined) return { valid: 'unknown', reason: `more than ${mostAtOnce} operations overlap` };
      const slot = { step, bit: 1 << index };
      slots.set(step, slot);
      if (step.kind === 'read') {
        configurations = configurations.map((each) =>
          each.value === step.value ? { done: each.done | slot.bit, value: each.value } : each,
        );
      }
      continue;
    }
    const slot = slots.get(step);
    if (slot === undefined) continue;
    const candidates = [...slots.values()].filter((each) => each === slot || !isUnseenWrite(each.step));
    const seen = new Set<string>();
    const reached: Configuration[] = [];
    const open = [...configurations];
    for (let configuration = open.pop(); configuration !== undefined; configuration = open.pop()) {
      const name = `${configuration.done}/${configuration.value}`;
      if (seen.has(name)) continue;
      seen.add(name);
      if (++explored > bound) return { valid: 'unknown', reason: `more than ${bound} configurations are possible` };
      if ((configuration.done & slot.bit) !== 0) reached.push(configuration);
      else for (const next of candidates) if (canFollow(configuration, next)) open.push(after(configuration, next));
    }
    if (reached.length === 0) {
      return { valid: false, stuck: step, possible: [...new Set(configurations.map(({ value }) => value))] };
    }
    slots.delete(step);
    free.push(31 - Math.clz32(slot.bit));
    const observed = sees(step);
    if (observed !== undefined) answered.set(observed, (answered.get(observed) ?? 0) + 1);
    configurations = reached.map(({ done, value }) => ({ done: done & ~slot.bit, value }));
  }
  return { valid: true, explored };
}

/** Invocations and answers by time; at the same time invocations first. */
function moments<Source>(
  steps: readonly RegisterStep<Source>[],
): readonly { readonly step: RegisterStep<Source>; readonly end: boolean; readonly time: number }[] {
  return steps
    .flatMap((step) => [
      { step, end: false, time: step.invoked },
      { step, end: true, time: Math.max(step.invoked, step.completed) },
    ])
    .sort((left, right) => left.time - right.time || Number(left.end) - Number(right.end));
}
