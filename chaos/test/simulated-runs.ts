import type { AppendStep } from '../src/checkers/append-versions.js';
import { type SeededRandom, seededRandom } from '../src/seeded-random.js';
import type { GivenOperation } from './operations.js';

/** An operation that takes effect at one moment between its two times. */
interface Planned {
  readonly process: number;
  readonly time: readonly [number, number];
  readonly effect: number;
  /** Never takes effect. */
  readonly fails: boolean;
  /** The client does not learn how it ended. */
  readonly silent: boolean;
}

/** Clients with one operation at a time each, all overlapping at random. */
function planRun(random: SeededRandom, clients: number, each: number): readonly Planned[] {
  return Array.from({ length: clients }, (_, process) => {
    let now = random.between(0, 10);
    return Array.from({ length: each }, () => {
      const begin = now + random.between(1, 8);
      const end = begin + random.between(1, 12);
      now = end;
      const effect = begin + random.fraction() * (end - begin);
      return { process, time: [begin, end] as const, effect, fails: random.chance(0.1), silent: random.chance(0.1) };
    });
  }).flat();
}

/** Lets every operation take effect at its moment; answers what its client saw, with the final read at the end. */
function execute(
  plan: readonly Planned[],
  apply: (
    planned: Planned,
    fails: boolean,
  ) => { readonly action: string; readonly value: unknown; readonly result?: unknown },
  finalRead: () => unknown,
): readonly GivenOperation[] {
  const inOrder = plan.toSorted((left, right) => left.effect - right.effect);
  const done = inOrder.map((planned): GivenOperation => {
    const applied = apply(planned, planned.fails);
    const outcome = planned.silent ? 'info' : planned.fails ? 'fail' : 'ok';
    return { process: planned.process, time: planned.time, outcome, ...applied };
  });
  const end = Math.max(0, ...plan.map(({ time }) => time[1])) + 10;
  return [...done, { process: 1000, action: 'final-read', result: finalRead(), time: [end, end + 5] }];
}

export function simulateSet(seed: number): readonly GivenOperation[] {
  const random = seededRandom(seed);
  const elements: number[] = [];
  let next = 0;
  return execute(
    planRun(random, 4, 20),
    (_, fails) => {
      const value = next++;
      if (!fails) elements.push(value);
      return { action: 'add', value };
    },
    () => elements,
  );
}

export const simulatedBank = { accounts: 4, initialBalance: 50, negativeAllowed: false };

export function simulateBank(seed: number): readonly GivenOperation[] {
  const random = seededRandom(seed);
  const balances = Array.from({ length: simulatedBank.accounts }, () => simulatedBank.initialBalance);
  const ledger: [number, number, number, number][] = [];
  let next = 0;
  return execute(
    planRun(random, 4, 20),
    (_, fails) => {
      if (random.chance(0.3)) return { action: 'read', value: null, result: [...balances] };
      const [from = 0, to = 0] = random.shuffle([0, 1, 2, 3]);
      const id = next++;
      const amount = Math.min(random.between(1, 20), balances[from] ?? 0);
      if (!fails) {
        balances[from] = (balances[from] ?? 0) - amount;
        balances[to] = (balances[to] ?? 0) + amount;
        ledger.push([id, from, to, amount]);
      }
      return { action: 'transfer', value: { id, from, to, amount } };
    },
    () => ({ balances: [...balances], ledger }),
  );
}

export function simulateRegister(seed: number): readonly GivenOperation[] {
  const random = seededRandom(seed);
  const registers = [0, 0];
  let next = 1;
  return execute(
    planRun(random, 5, 30),
    (_, fails) => {
      const key = random.between(0, 1);
      const present = registers[key] ?? 0;
      if (random.chance(0.4)) return { action: 'read', value: { key }, result: { key, value: present } };
      const value = next++;
      if (!fails) registers[key] = value;
      // A compare-and-set that found another value would be `fail`; this one always knows what is there.
      if (random.chance(0.4)) return { action: 'cas', value: { key, expected: present, value } };
      return { action: 'write', value: { key, value } };
    },
    () => [...registers],
  );
}

/** Lists under serial execution (`snapshot` false) or under snapshot isolation: everything is read as it was when the transaction began. */
export function simulateAppend(seed: number, snapshot: boolean): readonly GivenOperation[] {
  const random = seededRandom(seed);
  const versions: { readonly time: number; readonly lists: ReadonlyMap<number, readonly number[]> }[] = [
    { time: Number.NEGATIVE_INFINITY, lists: new Map() },
  ];
  const latest = () => versions.at(-1)?.lists ?? new Map<number, readonly number[]>();
  let next = 1;
  return execute(
    planRun(random, 4, 25),
    ({ time, effect }, mustFail) => {
      const begin = time[0] + (snapshot ? random.fraction() * (effect - time[0]) : effect - time[0]);
      const base = snapshot ? (versions.findLast((version) => version.time <= begin)?.lists ?? latest()) : latest();
      const wanted = Array.from({ length: random.between(1, 4) }, (): AppendStep => {
        const key = random.between(0, 3);
        return random.chance(0.5) ? ['append', key, next++] : ['r', key, null];
      });
      const changed = new Map<number, readonly number[]>();
      const answered = wanted.map(([kind, key, value]): AppendStep => {
        const now = changed.get(key) ?? base.get(key) ?? [];
        if (kind === 'r') return ['r', key, now];
        changed.set(key, [...now, value]);
        return ['append', key, value];
      });
      // First updater wins.
      const conflict = [...changed.keys()].some((key) => latest().get(key) !== base.get(key));
      if (!mustFail && !conflict) versions.push({ time: effect, lists: new Map([...latest(), ...changed]) });
      if (conflict) return { action: 'transaction', value: wanted, outcome: 'fail' };
      return { action: 'transaction', value: wanted, result: answered };
    },
    () => [...latest()].map(([key, list]): AppendStep => ['r', key, list]),
  );
}
