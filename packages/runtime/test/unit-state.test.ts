import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  adoptedMachine,
  type Machine,
  type Policy,
  pauseAfter,
  step,
  stoppedMachine,
  type UnitEvent,
} from '../src/process/supervisor/unit-state.js';

const policy: Policy = { minPause: 100, maxPause: 5_000, grace: 1_000 };

/** What can happen to a unit; `exit` is an end of the main process and possible only while one exists. */
const happening = fc.record({
  event: fc.constantFrom('start', 'stop', 'restart', 'ready', 'exit', 'gone', 'tick'),
  pause: fc.nat({ max: 3_000 }),
  dependenciesReady: fc.boolean(),
  clearing: fc.boolean(),
});

/** Runs a machine against a simulated main process, checking the invariants at every step. */
function live(happenings: readonly { event: string; pause: number; dependenciesReady: boolean; clearing: boolean }[]) {
  let machine = stoppedMachine(0);
  let now = 0;
  let running = false;
  let wanted = false;
  for (const { event, pause, dependenciesReady, clearing } of happenings) {
    now += pause;
    if (event === 'exit' && !running) continue;
    // The layer reports `gone` only when it sees no process any more.
    if (event === 'gone' && running) continue;
    if (event === 'exit') running = false;
    if (event === 'start' || event === 'restart') wanted = true;
    if (event === 'stop') wanted = false;
    const before = machine;
    const happened: UnitEvent =
      event === 'exit' ? { type: 'ended', how: 'exit 1' } : { type: event as Exclude<UnitEvent['type'], 'ended'> };
    const { machine: after, action } = step(before, happened, { now, policy, dependenciesReady, clearing });
    machine = after;
    if (action === 'launch') {
      expect(running, 'two launches without an end between').toBe(false);
      expect(wanted, 'launched although it was asked to stop').toBe(true);
      expect(clearing).toBe(false);
      if (before.state !== 'backoff') expect(dependenciesReady, 'launched before its dependencies').toBe(true);
      else if (event !== 'start') expect(now).toBeGreaterThanOrEqual(before.deadline ?? Number.POSITIVE_INFINITY);
      running = true;
    }
    if (action === 'kill') expect(machine.state).toBe('stopping');
    expect(running && ['stopped', 'waiting', 'backoff'].includes(machine.state), `runs in ${machine.state}`).toBe(
      false,
    );
    if (machine.state === 'backoff' && before.state !== 'backoff') {
      const wait = (machine.deadline ?? 0) - now;
      expect(wait).toBeGreaterThanOrEqual(policy.minPause);
      expect(wait).toBeLessThanOrEqual(policy.maxPause);
    }
    if (!wanted) expect(['stopped', 'stopping']).toContain(machine.state);
  }
  return { machine, now, running };
}

describe('a unit', () => {
  it('keeps its invariants whatever happens', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        live(happenings);
      }),
      { numRuns: 1_000 },
    );
  });

  it('always comes to rest after stop, and to life after start', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 30 }), fc.boolean(), (happenings, start) => {
        let { machine, now, running } = live(happenings);
        const drive = (event: UnitEvent) => {
          const result = step(machine, event, { now, policy, dependenciesReady: true, clearing: false });
          machine = result.machine;
          if (result.action === 'launch') running = true;
          if (result.action === 'kill' && running) {
            running = false;
            drive({ type: 'ended', how: 'SIGKILL' });
          }
        };
        drive({ type: start ? 'start' : 'stop' });
        for (let round = 0; round < 10; round += 1) {
          now += policy.maxPause;
          drive({ type: 'tick' });
          if (!running) drive({ type: 'gone' });
        }
        expect(running).toBe(start);
        expect(machine.state === 'stopped').toBe(!start);
      }),
    );
  });

  it('pauses twice as long after each failure, and starts over after it was ready for a while', () => {
    const context = { now: 0, policy, dependenciesReady: true, clearing: false };
    const fail = (machine: Machine, now: number) =>
      step(machine, { type: 'ended', how: 'exit 1' }, { ...context, now }).machine;
    const launchAt = (machine: Machine, now: number) => step(machine, { type: 'tick' }, { ...context, now }).machine;
    let machine = adoptedMachine(0);
    let now = 0;
    const pauses: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      machine = fail(machine, now);
      pauses.push((machine.deadline ?? 0) - now);
      now = machine.deadline ?? 0;
      machine = launchAt(machine, now);
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    expect(machine.restarts).toBe(8);
    machine = step(machine, { type: 'ready' }, { ...context, now }).machine;
    const soon = fail(machine, now + policy.maxPause - 1);
    expect((soon.deadline ?? 0) - (now + policy.maxPause - 1)).toBe(5_000);
    const later = fail(machine, now + policy.maxPause);
    expect((later.deadline ?? 0) - (now + policy.maxPause)).toBe(100);
    expect(later.restarts).toBe(9);
  });

  it('asks once, then kills again and again until nothing is left', () => {
    const at = (now: number) => ({ now, policy, dependenciesReady: true, clearing: false });
    const stopping = step(adoptedMachine(0), { type: 'stop' }, at(0));
    expect(stopping.action).toBe('ask');
    const early = step(stopping.machine, { type: 'tick' }, at(999));
    expect(early.action).toBeUndefined();
    const first = step(early.machine, { type: 'tick' }, at(1_000));
    expect(first.action).toBe('kill');
    expect(step(first.machine, { type: 'tick' }, at(1_249)).action).toBeUndefined();
    expect(step(first.machine, { type: 'tick' }, at(1_250)).action).toBe('kill');
  });
});

it('pauseAfter stays within its bounds for any number of failures', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 1_000, max: 100_000 }),
      (failures, min, max) => {
        const pause = pauseAfter(failures, { minPause: min, maxPause: max, grace: 0 });
        expect(pause).toBeGreaterThanOrEqual(min);
        expect(pause).toBeLessThanOrEqual(max);
        expect(pauseAfter(failures + 1, { minPause: min, maxPause: max, grace: 0 })).toBeGreaterThanOrEqual(pause);
      },
    ),
  );
});
