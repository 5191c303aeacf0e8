import type { TargetRole } from '../faults/fault.js';
import { faultKinds } from '../faults/kinds.js';
import type { Scenario } from './scenario.js';

const shortName: Readonly<Record<TargetRole, string>> = {
  primary: 'primary',
  standby: 'standby',
  'other replica': 'replica',
  'former primary': 'former-primary',
  cluster: '',
};

/** One scenario for each fault and each of the roles that matter most: the fault alone, then healing. `kill-member-primary`, `kill-haproxy` … */
export const singleFaults: readonly Scenario[] = faultKinds.flatMap((kind) =>
  kind.roles
    .filter((role) => role === 'primary' || role === 'standby' || role === 'cluster')
    .map(
      (role): Scenario => ({
        name: [kind.name, shortName[role]].filter((part) => part !== '').join('-'),
        summary: role === 'cluster' ? kind.summary : `${role}: ${kind.summary}`,
        needs: [kind.needs],
        plan(script) {
          const id = script.inject(kind.name, role);
          if (!kind.momentary) script.hold();
          else if (role === 'primary') script.pause(1500, 3000);
          else script.pause(500, 1500);
          script.heal(id);
          script.awaitHealth();
        },
      }),
    ),
);
