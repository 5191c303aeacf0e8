import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Need } from '../src/faults/fault.js';
import { faultKind, faultKinds } from '../src/faults/kinds.js';
import { mostRounds, type PlanSetting, type RunPlan, type Step } from '../src/scenarios/plan.js';
import { planRun, scenarios } from '../src/scenarios/plan-run.js';

const everything: PlanSetting = { members: 3, agents: true, impossible: {} };
const names = fc.array(fc.constantFrom(...scenarios.map(({ name }) => name)), { minLength: 1, maxLength: 5 });
const needs: readonly Need[] = ['agents', 'pooler', 'network', 'disk', 'clock'];
const setting = fc.record({
  members: fc.integer({ min: 2, max: 7 }),
  agents: fc.boolean(),
  impossible: fc.dictionary(fc.constantFrom(...needs), fc.constant('not here')),
});
const run = fc.record({ names, seed: fc.string({ maxLength: 20 }), rounds: fc.integer({ min: 1, max: 30 }), setting });
const stepsOf = ({ rounds }: RunPlan) => rounds.flatMap(({ steps }) => steps);
const injections = (steps: readonly Step[]) => steps.filter((step) => step.kind === 'inject');

describe('planRun', () => {
  it('gives the same plan for the same seed', () => {
    fc.assert(
      fc.property(run, (given) => {
        const plan = () => planRun(given.names, given.seed, given.rounds, given.setting);
        expect(plan()).toEqual(plan());
      }),
    );
  });

  it('gives other plans for other seeds, and does not let one round change the next', () => {
    const plan = (seed: string, rounds: number) => planRun(['random'], seed, rounds, everything);
    expect(new Set(Array.from({ length: 20 }, (_, seed) => JSON.stringify(plan(String(seed), 5)))).size).toBe(20);
    expect(plan('a', 3).rounds).toEqual(plan('a', 9).rounds.slice(0, 3));
  });

  it('heals every fault exactly once, in its own round and after it', () => {
    fc.assert(
      fc.property(run, (given) => {
        const plan = planRun(given.names, given.seed, given.rounds, given.setting);
        for (const { steps } of plan.rounds) {
          const open = new Set<number>();
          for (const step of steps) {
            if (step.kind === 'inject') open.add(step.id);
            if (step.kind === 'heal') expect(open.delete(step.id)).toBe(true);
          }
          expect([...open]).toEqual([]);
        }
        const ids = injections(stepsOf(plan)).map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });

  it('keeps to its bounds, to roles that a fault can hit, and to what is possible', () => {
    fc.assert(
      fc.property(run, (given) => {
        const plan = planRun(given.names, given.seed, given.rounds, given.setting);
        expect(plan.rounds).toHaveLength(Math.min(mostRounds, given.rounds * given.names.length));
        for (const step of stepsOf(plan)) {
          if (step.kind === 'inject') {
            const kind = faultKind(step.fault);
            expect(kind.roles).toContain(step.role);
            expect(given.setting.impossible[kind.needs]).toBeUndefined();
          } else if (step.kind !== 'heal') {
            expect(step.milliseconds).toBeGreaterThan(0);
            expect(step.milliseconds).toBeLessThanOrEqual(180_000);
          }
        }
      }),
    );
  });

  it('skips, with the reason, what is not possible, and nothing else', () => {
    const without: PlanSetting = { ...everything, impossible: { network: 'no root' } };
    const plan = planRun(['isolate-primary', 'kill-haproxy'], 'x', 2, without);
    expect(plan.rounds.map(({ scenario, impossible, steps }) => [scenario, impossible, steps.length > 0])).toEqual([
      ['isolate-primary', 'no root', false],
      ['kill-haproxy', undefined, true],
      ['isolate-primary', 'no root', false],
      ['kill-haproxy', undefined, true],
    ]);
  });

  it('waits as long as Patroni alone needs when there are no agents', () => {
    const longest = (agents: boolean) => {
      const plan = planRun(['freeze-member-primary'], 'x', 20, { ...everything, agents });
      return Math.min(...stepsOf(plan).flatMap((step) => (step.kind === 'pause' ? [step.milliseconds] : [])));
    };
    expect(longest(true)).toBeLessThan(10_000);
    expect(longest(false)).toBeGreaterThan(20_000);
  });

  it('comes to every fault by chance', () => {
    const met = new Set(
      injections(stepsOf(planRun(['random'], 'all', mostRounds, everything))).map(({ fault }) => fault),
    );
    expect([...met].sort()).toEqual(faultKinds.map(({ name }) => name).sort());
  });

  it('names the scenarios that there are when it is asked for another one', () => {
    expect(() => planRun(['kill-everybody'], 'x', 1, everything)).toThrow('There is no scenario "kill-everybody"');
  });

  it('gives every scenario and fault a name of its own', () => {
    for (const list of [scenarios, faultKinds]) {
      expect(new Set(list.map(({ name }) => name)).size).toBe(list.length);
    }
  });
});
