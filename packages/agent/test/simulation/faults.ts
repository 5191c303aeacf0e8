import type { SynchronousMode } from '@holdfast/spec';
import fc from 'fast-check';
import type { Tear } from './patroni-cache.js';

export type Part = 'all' | 'postgres' | 'patroni' | 'agent';
/** A member by what it is when the fault strikes, or by number. */
export type Who = 'primary' | 'synchronous' | 'asynchronous' | number;

/** All times in milliseconds of virtual time; `at` counts from the beginning of the run. `lasts` undefined: until the end of the run. */
export type Fault = { readonly at: number; readonly lasts: number | undefined } & (
  | { readonly kind: 'crash' | 'freeze'; readonly who: Who; readonly what: Part }
  /** Cut off from: everybody, etcd alone, all other members, one of them. */
  | {
      readonly kind: 'cut';
      readonly who: Who;
      readonly from: 'all' | 'etcd' | 'members' | number;
      readonly direction: 'both' | 'out' | 'in';
    }
  | { readonly kind: 'slow'; readonly who: Who; readonly most: number }
  | { readonly kind: 'quorum' }
);

/** What befalls agents' reports besides: each may be lost, come late (and so out of order), or come twice. */
export interface Noise {
  readonly loss: number;
  readonly late: number;
  readonly twice: number;
}

export interface Schedule {
  readonly seed: number;
  readonly members: number;
  readonly mode: SynchronousMode;
  readonly standbys: number;
  readonly tear: Tear;
  readonly noise: Noise;
  readonly faults: readonly Fault[];
}

/** The world needs so long to come up. */
export const warmUp = 6000;
export const quiet: Noise = { loss: 0, late: 0, twice: 0 };
export const noTear: Tear = { chance: 0, most: 0 };

const who: fc.Arbitrary<Who> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Who>('primary') },
  { weight: 2, arbitrary: fc.constant<Who>('synchronous') },
  { weight: 1, arbitrary: fc.constant<Who>('asynchronous') },
  { weight: 2, arbitrary: fc.nat({ max: 4 }) },
);
const part = fc.constantFrom<Part>('all', 'all', 'postgres', 'patroni', 'agent');
const lasts = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 50, max: 1500 }) },
  { weight: 3, arbitrary: fc.integer({ min: 1500, max: 30_000 }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);

const body = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('crash' as const), who, what: part, lasts }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('freeze' as const), who, what: part, lasts }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('cut' as const),
      who,
      from: fc.oneof(fc.constantFrom('all' as const, 'etcd' as const, 'members' as const), fc.nat({ max: 4 })),
      direction: fc.constantFrom('both' as const, 'both' as const, 'out' as const, 'in' as const),
      lasts,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('slow' as const), who, most: fc.integer({ min: 20, max: 1500 }), lasts }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('quorum' as const), lasts }) },
);

/** Moments that come in bursts: the worst happens while the last is not over yet. */
const gaps = fc.oneof(fc.integer({ min: 0, max: 1500 }), fc.integer({ min: 0, max: 15_000 }));

/** Up to `most` faults, one after the other or at the same time. */
export function anyFaults(most: number): fc.Arbitrary<readonly Fault[]> {
  return fc.array(fc.tuple(gaps, body), { minLength: 1, maxLength: most, size: 'max' }).map((list) => {
    let at = warmUp;
    return list.map(([gap, each]): Fault => {
      at += gap;
      return { ...each, at };
    });
  });
}

/** One fault after the other, each over and settled before the next. */
export function singleFaults(most: number): fc.Arbitrary<readonly Fault[]> {
  return fc.array(fc.tuple(fc.integer({ min: 0, max: 2000 }), body), { minLength: 1, maxLength: most }).map((list) =>
    list.map(([gap, each], index): Fault => {
      const length = each.lasts === undefined ? 3000 : each.lasts % 6000;
      return { ...each, at: warmUp + index * 32_000 + gap, lasts: length };
    }),
  );
}

const anyNoise = fc.oneof(
  { weight: 2, arbitrary: fc.constant(quiet) },
  {
    weight: 1,
    arbitrary: fc.record({
      loss: fc.double({ min: 0, max: 0.3, noNaN: true }),
      late: fc.integer({ min: 0, max: 600 }),
      twice: fc.double({ min: 0, max: 0.2, noNaN: true }),
    }),
  },
);

export function anySchedule(
  modes: readonly SynchronousMode[],
  faults: fc.Arbitrary<readonly Fault[]>,
): fc.Arbitrary<Schedule> {
  return fc.record({
    seed: fc.integer({ min: 0, max: 0x7fffffff }),
    members: fc.constantFrom(3, 3, 3, 5, 2),
    mode: fc.constantFrom(...modes),
    standbys: fc.constantFrom(1, 1, 2),
    tear: fc.record({ chance: fc.constantFrom(0, 0.1, 0.5), most: fc.constantFrom(1, 20) }),
    noise: anyNoise,
    faults,
  });
}
