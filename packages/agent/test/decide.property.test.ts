import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Mutation } from './simulation/agent-options.js';
import {
  anyFaults,
  anySchedule,
  type Fault,
  noTear,
  quiet,
  type Schedule,
  singleFaults,
  warmUp,
} from './simulation/faults.js';
import * as mutations from './simulation/mutations.js';
import * as scenarios from './simulation/scenarios.js';
import { countActions, lateWrites, lostWrites, rewoundStandbys } from './simulation/verdicts.js';
import { type Outcome, runSchedule } from './simulation/world.js';

/** HOLDFAST_SIMULATION_RUNS: schedules for each property of random ones, instead of what the ordinary tests can afford. */
const wanted = Number(process.env.HOLDFAST_SIMULATION_RUNS ?? 0);
const runs = (usual: number) => ({ numRuns: wanted > 0 ? wanted : usual });
const timeout = wanted > 0 ? 86_400_000 : 60_000;
const seeds = (count: number) => Array.from({ length: count }, (_, seed) => seed);

/** What holds after any faults. Members come back with their disks, so that there always is a primary in the end. */
function expectSound(outcome: Outcome, { mode }: Schedule): void {
  expect(lostWrites(outcome, mode)).toEqual([]);
  expect(outcome.twoGates).toEqual([]);
  expect(outcome.tookBack === 0 ? lateWrites(outcome) : []).toEqual([]);
  expect(outcome.survivor).toBeDefined();
}

describe('any schedule of faults', () => {
  test('strict mode: no acknowledged write is lost, never are two gates up', { timeout }, () => {
    fc.assert(
      fc.property(anySchedule(['strict'], anyFaults(6)), (schedule) => {
        expectSound(runSchedule(schedule), schedule);
      }),
      runs(60),
    );
  });

  test('mode on: nothing is lost but what Patroni let commit with no standby', { timeout }, () => {
    fc.assert(
      fc.property(anySchedule(['on'], anyFaults(6)), (schedule) => {
        expectSound(runSchedule(schedule), schedule);
      }),
      runs(50),
    );
  });

  test('mode on: nothing at all is lost while one thing fails at a time', { timeout }, () => {
    fc.assert(
      fc.property(anySchedule(['on'], singleFaults(3)), (schedule) => {
        const outcome = runSchedule({ ...schedule, noise: quiet });
        expectSound(outcome, schedule);
        if (schedule.members > 2) expect(outcome.lost).toEqual([]);
      }),
      runs(40),
    );
  });

  test('quorum and asynchronous mode: nobody is sealed, and released only where something crashed', { timeout }, () => {
    fc.assert(
      fc.property(anySchedule(['quorum', 'off'], anyFaults(5)), (schedule) => {
        const outcome = runSchedule(schedule);
        expect(countActions(outcome, 'seal')).toBe(0);
        const crashes = schedule.faults.some(({ kind }) => kind === 'crash');
        if (!crashes) expect(countActions(outcome, 'release')).toBe(0);
      }),
      runs(25),
    );
  });
});

describe('one fault in a healthy cluster', () => {
  const gap = (schedule: Schedule) => {
    const outcome = runSchedule(schedule);
    expectSound(outcome, schedule);
    return outcome.longestGap;
  };

  test.each(['crash', 'freeze', 'cut'] as const)('the primary: %s; writes are back within 2 s', { timeout }, (what) => {
    for (const seed of seeds(16)) {
      expect(gap(scenarios.single(seed, seed % 2 ? 'on' : 'strict', what, 'primary'))).toBeLessThan(2000);
    }
  });

  test.each(['crash', 'freeze', 'cut'] as const)('the synchronous standby: %s; within 2.5 s', { timeout }, (what) => {
    for (const seed of seeds(16)) {
      expect(gap(scenarios.single(seed, seed % 2 ? 'on' : 'strict', what, 'synchronous'))).toBeLessThan(2500);
    }
  });
});

describe('the other standby has more than the candidate', () => {
  const count = wanted > 0 ? 400 : 24;

  test('the candidate catches up: writes are back within 1.5 s, and no standby is rewound for them', {
    timeout,
  }, () => {
    for (const seed of seeds(count)) {
      const schedule = scenarios.standbyAhead(seed);
      const outcome = runSchedule(schedule);
      expectSound(outcome, schedule);
      expect(outcome.longestGap).toBeLessThan(1500);
      expect(rewoundStandbys(outcome)).toEqual([]);
      expect(countActions(outcome, 'catch-up')).toBeGreaterThan(0);
    }
  });

  test('without that commits wait for its rewind', { timeout }, () => {
    const outcomes = seeds(count).map((seed) =>
      runSchedule(scenarios.standbyAhead(seed), { mutation: mutations.noCatchUp }),
    );
    for (const outcome of outcomes) expect(rewoundStandbys(outcome)).not.toEqual([]);
    expect(Math.max(...outcomes.map(({ longestGap }) => longestGap))).toBeGreaterThan(1500);
  });
});

/** Nothing is wrong but agents that get no processor for a while, slow packets, and reports that get lost. */
const onlySlow = fc
  .record({
    seed: fc.integer({ min: 0, max: 0x7fffffff }),
    members: fc.constantFrom(2, 3, 5),
    mode: fc.constantFrom('on' as const, 'strict' as const),
    loss: fc.double({ min: 0, max: 0.1, noNaN: true }),
    slow: fc.integer({ min: 0, max: 150 }),
    late: fc.integer({ min: 0, max: 100 }),
    starved: fc.array(
      fc.record({
        who: fc.nat({ max: 4 }),
        gap: fc.integer({ min: 0, max: 2000 }),
        lasts: fc.integer({ min: 50, max: 2000 }),
      }),
      {
        maxLength: 6,
      },
    ),
  })
  .map(({ starved, slow, loss, late, ...rest }): Schedule => {
    let at = warmUp;
    const faults: Fault[] = starved.map(({ who, gap, lasts }) => {
      at += gap;
      return { kind: 'freeze', what: 'agent', who, at, lasts };
    });
    for (let who = 0; who < rest.members; who++)
      faults.push({ kind: 'slow', who, most: slow, at: warmUp, lasts: 12_000 });
    return { ...rest, standbys: 1, tear: noTear, noise: { loss, late, twice: 0.1 }, faults };
  });

test('no false action: starved agents, delays below the silence and lost reports', { timeout }, () => {
  fc.assert(
    fc.property(onlySlow, (schedule) => {
      const outcome = runSchedule(schedule);
      expect(countActions(outcome, 'seal', 'release', 'fence', 'end-wal-sender')).toBe(0);
      expect(outcome.survivor).toBe('pg1');
    }),
    runs(40),
  );
});

describe('compared with Patroni alone', () => {
  const compare = (faults: readonly Fault[], seed: number) => {
    const schedule: Schedule = {
      seed,
      members: 3,
      mode: seed % 2 ? 'on' : 'strict',
      standbys: 1,
      tear: noTear,
      noise: quiet,
      faults,
    };
    return { alone: runSchedule(schedule, { agents: false }), together: runSchedule(schedule) };
  };
  const when = (seed: number) => warmUp + 2000 + ((seed * 37) % 1000);

  test('without agents a primary that dies is replaced after the ttl', { timeout }, () => {
    for (const seed of seeds(4)) {
      const { alone, together } = compare(
        [{ kind: 'crash', who: 0, what: 'all', at: when(seed), lasts: 30_000 }],
        seed,
      );
      expect(alone.lost).toEqual([]);
      expect(alone.longestGap).toBeGreaterThan(15_000);
      expect(alone.longestGap).toBeLessThan(26_000);
      expect(together.longestGap).toBeLessThan(2000);
    }
  });

  /** HAProxy looks every 100 ms and writes come every 15 ms: the same outage may look so much longer. */
  const twoChecks = 215;

  const harmless: Readonly<Record<string, (seed: number) => readonly Fault[]>> = {
    'etcd without a quorum': (seed) => [{ kind: 'quorum', at: when(seed), lasts: 500 + ((seed * 7919) % 50_000) }],
    'etcd without a quorum, and no other agent runs': (seed) => [
      { kind: 'crash', who: 1, what: 'agent', at: warmUp, lasts: 50_000 },
      { kind: 'crash', who: 2, what: 'agent', at: warmUp, lasts: 50_000 },
      { kind: 'quorum', at: when(seed), lasts: 500 + ((seed * 7919) % 40_000) },
    ],
    'the primary alone cut off from etcd, also beyond the ttl': (seed) => [
      { kind: 'cut', who: 0, from: 'etcd', direction: 'both', at: when(seed), lasts: 500 + ((seed * 7919) % 40_000) },
    ],
    'a restart of a Patroni': (seed) => [
      { kind: 'crash', who: seed % 3, what: 'patroni', at: when(seed), lasts: 200 + ((seed * 1777) % 14_000) },
    ],
    'crashes of agents': (seed) => [
      { kind: 'crash', who: 0, what: 'agent', at: when(seed), lasts: 200 + ((seed * 1777) % 20_000) },
      {
        kind: 'crash',
        who: 1 + (seed % 2),
        what: 'agent',
        at: when(seed) + 500,
        lasts: 200 + ((seed * 2777) % 20_000),
      },
    ],
  };

  test.each(Object.keys(harmless))('%s: no outage that Patroni alone would not have', { timeout }, (name) => {
    for (const seed of seeds(6)) {
      const { alone, together } = compare(harmless[name]?.(seed) ?? [], seed);
      expect(together.longestGap).toBeLessThanOrEqual(alone.longestGap + twoChecks);
      expect(together.lost).toEqual([]);
      expect(countActions(together, 'seal', 'fence')).toBe(0);
    }
  });
});

/** Each rule that is broken on purpose must be noticed, by a property that holds over the same schedules when it is not broken. */
describe('a broken rule is noticed', () => {
  const loses = (outcome: Outcome, { mode }: Schedule) => lostWrites(outcome, mode).length > 0;
  const twoGates = (outcome: Outcome) => outcome.twoGates.length > 0;
  const seals = (outcome: Outcome) => countActions(outcome, 'seal') > 0;
  /** Catching up brings what a wrong candidate lacks, most of the time. */
  const alone = (mutation: Mutation): Mutation => ({ ...mutations.noCatchUp, ...mutation });
  const silentIn = (mode: 'quorum' | 'off') => (seed: number) => scenarios.single(seed, mode, 'freeze', 'primary');
  const cases: readonly [
    string,
    Mutation,
    (seed: number) => Schedule,
    number,
    (outcome: Outcome, schedule: Schedule) => boolean,
  ][] = [
    ['the seal does not look at /sync', alone(mutations.noGuardOnSync), scenarios.staleCandidate, 4, loses],
    ['the seal does not write /sync', alone(mutations.noRewriting), scenarios.slowCut, 40, loses],
    ['the seal writes /sync before the leader', mutations.syncFirst, scenarios.tornCut, 60, loses],
    ['the candidate is not in /sync', mutations.anyCandidate, scenarios.laggingStandby, 4, loses],
    ['a proof never expires', mutations.noFreshness, scenarios.cutTwice, 20, twoGates],
    ['the gate does not wait for the old one to close', mutations.noWaiting, scenarios.cutTwice, 20, twoGates],
    ['one witness is enough', mutations.oneWitness, (seed) => scenarios.oneLink(seed, 'strict'), 4, seals],
    ['silence counts in quorum mode', mutations.sealInAnyMode, silentIn('quorum'), 4, seals],
  ];

  test.each(cases)('%s', { timeout }, (_, mutation, scenario, count, violated) => {
    const violates = (seed: number, broken: Mutation) => {
      const schedule = scenario(seed);
      return violated(runSchedule(schedule, { mutation: broken }), schedule);
    };
    for (const sound of [{}, alone({})]) expect(seeds(count).filter((seed) => violates(seed, sound))).toEqual([]);
    expect(seeds(count).some((seed) => violates(seed, mutation))).toBe(true);
  });

  /**
   * Not revoking the old lease is harmless for the data: the old holder's Patroni then believes for a moment longer that it leads, but
   * changes /sync only by compare-and-swap and demotes when it sees the key. The revocation is the second line, should a watch be late.
   */
  test('without the revocation nothing is lost either', { timeout }, () => {
    for (const seed of seeds(15)) {
      for (const schedule of [scenarios.slowCut(seed), scenarios.tornCut(seed)]) {
        const outcome = runSchedule(schedule, { mutation: mutations.noRevocation });
        expectSound(outcome, schedule);
      }
    }
  });
});
