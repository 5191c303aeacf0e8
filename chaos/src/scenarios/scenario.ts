import type { Need, TargetRole } from '../faults/fault.js';
import { faultKind } from '../faults/kinds.js';
import type { SeededRandom } from '../seeded-random.js';
import { healthLimitMilliseconds, type PlanSetting, type Step } from './plan.js';

export interface Scenario {
  readonly name: string;
  /** One line for `holdfast chaos list`. */
  readonly summary: string;
  readonly needs: readonly Need[];
  /** Pure. The cluster is healthy at the start, and every fault is healed at the end. */
  plan(script: Script): void;
}

/** Writes a round's steps down. */
export interface Script {
  readonly random: SeededRandom;
  readonly setting: PlanSetting;
  /** Injects a fault; answers the number that heals it. */
  inject(fault: string, role: TargetRole): number;
  heal(...ids: readonly number[]): void;
  pause(least: number, most?: number): void;
  /** As long as a failover may take, and a while. */
  hold(): void;
  awaitPromotion(): void;
  awaitHealth(): void;
}

/** `nextId` numbers faults through the whole run. */
export function writeSteps(
  scenario: Scenario,
  random: SeededRandom,
  setting: PlanSetting,
  nextId: () => number,
): readonly Step[] {
  const steps: Step[] = [];
  scenario.plan({
    random,
    setting,
    inject(fault, role) {
      const kind = faultKind(fault);
      if (!kind.roles.includes(role)) throw new RangeError(`${fault} cannot hit ${role}`);
      const id = nextId();
      steps.push({ kind: 'inject', id, fault, role });
      return id;
    },
    heal: (...ids) => void steps.push(...ids.map((id): Step => ({ kind: 'heal', id }))),
    pause: (least, most = least) => void steps.push({ kind: 'pause', milliseconds: random.between(least, most) }),
    hold() {
      const [least, most] = setting.agents ? [3000, 8000] : [26_000, 32_000];
      steps.push({ kind: 'pause', milliseconds: random.between(least, most) });
    },
    awaitPromotion: () => void steps.push({ kind: 'await-promotion', milliseconds: setting.agents ? 15_000 : 60_000 }),
    awaitHealth: () => void steps.push({ kind: 'await-health', milliseconds: healthLimitMilliseconds }),
  });
  return steps;
}
