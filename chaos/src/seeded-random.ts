/**
 * Random numbers that the same seed gives again: SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014) on
 * 64-bit integers. Fast enough for a workload and a nemesis, and not for secrets.
 */
export interface SeededRandom {
  /** The next 32 bits, 0 … 2^32 − 1. */
  next32(): number;
  /** 0 ≤ x < 1. */
  fraction(): number;
  /** A whole number, `least` ≤ x ≤ `most`. */
  between(least: number, most: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** One of them; throws RangeError when there is none. */
  pick<Item>(items: readonly Item[]): Item;
  /** The same items in another order. */
  shuffle<Item>(items: readonly Item[]): Item[];
  /**
   * Another generator that depends on this one's seed and on the label alone, not on how many numbers were drawn: what one client does never
   * changes what another attempts.
   */
  fork(label: string): SeededRandom;
}

const mask = (1n << 64n) - 1n;
const golden = 0x9e3779b97f4a7c15n;

/** A generator for this seed; any text or number is one. */
export function seededRandom(seed: string | number): SeededRandom {
  return fromState(hash(String(seed)));
}

function fromState(start: bigint): SeededRandom {
  let state = start;
  const next32 = (): number => {
    state = (state + golden) & mask;
    return Number(mix(state) >> 32n);
  };
  const fraction = () => next32() / 2 ** 32;
  const between = (least: number, most: number) => least + Math.floor(fraction() * (most - least + 1));
  return {
    next32,
    fraction,
    between,
    chance: (probability) => fraction() < probability,
    pick(items) {
      if (items.length === 0) throw new RangeError('there is nothing to pick');
      return items[between(0, items.length - 1)] as (typeof items)[number];
    },
    shuffle(items) {
      const rest = [...items];
      return items.map(() => rest.splice(between(0, rest.length - 1), 1)[0] as (typeof items)[number]);
    },
    fork: (label) => fromState(hash(`${start}/${label}`)),
  };
}

/** SplitMix64's finaliser. */
function mix(value: bigint): bigint {
  let z = value;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
  return z ^ (z >> 31n);
}

/** FNV-1a, 64 bits, mixed once more, so that near seeds are far apart. */
function hash(text: string): bigint {
  let value = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text, 'utf8')) value = ((value ^ BigInt(byte)) * 0x100000001b3n) & mask;
  return mix(value);
}
