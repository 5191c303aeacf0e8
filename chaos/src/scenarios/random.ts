import type { TargetRole } from '../faults/fault.js';
import { faultKinds } from '../faults/kinds.js';
import type { Scenario } from './scenario.js';

/** The primary is where it hurts. */
const weightOfPrimary = 3;

/**
 * A round of one to three faults, one upon the other, healed in any order, with any pauses. Healing comes before the cluster has to be healthy,
 * and now and then the next round begins without that.
 */
export const randomRound: Scenario = {
  name: 'random',
  summary: 'one to three faults upon each other, from the seed: which, whom, when, for how long',
  needs: ['units'],
  plan(script) {
    const { random, setting } = script;
    const kinds = faultKinds.filter(({ needs }) => setting.impossible[needs] === undefined);
    const open: number[] = [];
    const healSome = () => {
      if (open.length > 0) script.heal(...open.splice(random.between(0, open.length - 1), 1));
    };
    const count = random.pick([1, 1, 2, 2, 3]);
    for (let index = 0; index < count; index++) {
      const kind = random.pick(kinds);
      const roles = kind.roles.filter((role) => role !== 'former primary');
      const weighted = roles.flatMap((role): readonly TargetRole[] =>
        role === 'primary' ? Array.from({ length: weightOfPrimary }, () => role) : [role],
      );
      open.push(script.inject(kind.name, random.pick(weighted)));
      if (index < count - 1) script.pause(20, 2500);
      if (random.chance(0.2)) healSome();
    }
    if (random.chance(0.3)) script.pause(200, 1500);
    else script.hold();
    while (open.length > 0) {
      healSome();
      if (random.chance(0.5)) script.pause(50, 1500);
    }
    if (random.chance(0.8)) script.awaitHealth();
    else script.pause(500, 4000);
  },
};
