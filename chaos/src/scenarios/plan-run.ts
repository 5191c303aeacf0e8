import { scenarioUnknown } from '../errors.js';
import { seededRandom } from '../seeded-random.js';
import { composed } from './composed.js';
import { mostRounds, type PlanSetting, type Round, type RunPlan } from './plan.js';
import { randomRound } from './random.js';
import { type Scenario, writeSteps } from './scenario.js';
import { singleFaults } from './single-faults.js';

/** Every scenario that has a name. */
export const scenarios: readonly Scenario[] = [randomRound, ...composed, ...singleFaults];

/**
 * Pure: what a run does. The same names, seed, rounds and setting give the same plan. `rounds` is how often the names are gone through, at most
 * so that mostRounds come of it. Throws HF_CHAOS_SCENARIO_UNKNOWN.
 */
export function planRun(names: readonly string[], seed: string, rounds: number, setting: PlanSetting): RunPlan {
  const chosen = names.map((name) => findScenario(name));
  const random = seededRandom(seed);
  let faults = 0;
  const all: Round[] = [];
  for (let turn = 0; turn < rounds; turn++) {
    for (const [index, scenario] of chosen.entries()) {
      if (all.length >= mostRounds) return { seed, rounds: all };
      const reason = whyImpossible(scenario, setting);
      all.push(
        reason === undefined
          ? {
              scenario: scenario.name,
              steps: writeSteps(scenario, random.fork(`round ${turn} ${index}`), setting, () => ++faults),
            }
          : { scenario: scenario.name, steps: [], impossible: reason },
      );
    }
  }
  return { seed, rounds: all };
}

/** Why this scenario cannot be played in that setting; undefined: it can. */
export function whyImpossible({ needs }: Scenario, { impossible }: PlanSetting): string | undefined {
  return needs.map((need) => impossible[need]).find((reason) => reason !== undefined);
}

function findScenario(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) {
    throw scenarioUnknown(
      name,
      scenarios.map((scenario) => scenario.name),
    );
  }
  return found;
}
