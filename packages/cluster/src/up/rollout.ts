import type { Plan, Unit } from '@holdfast/components';
import type { UnitChange } from '@holdfast/runtime';

/** One step of an update: apply `plan`, then wait until the cluster is whole again. */
export interface RolloutStep {
  readonly plan: Plan;
  /** The unit that is restarted by this step; undefined: none, or only proxies. */
  readonly restarts: string | undefined;
  /** The primary is moved to another member before this step. */
  readonly switchoverFirst: boolean;
}

/**
 * Pure. From one plan to the next without ever restarting two of etcd's or PostgreSQL's members at a time.
 * Invariant: every step changes at most one unit that `changes` would restart among those, etcd first, then replicas, the primary last.
 * The last step's plan is `to`. Without a running cluster (`from` undefined) one step does everything.
 */
export function planRollout(
  from: Plan | undefined,
  to: Plan,
  changes: readonly UnitChange[],
  leader: string | undefined,
): readonly RolloutStep[] {
  if (from === undefined) return [{ plan: to, restarts: undefined, switchoverFirst: false }];
  const restarted = new Set(changes.filter(({ action }) => action === 'restart').map(({ unit }) => unit));
  const careful = to.units.filter(
    ({ id, component }) => restarted.has(id) && (component === 'etcd' || component === 'patroni'),
  );
  const order = [
    ...careful.filter(({ component }) => component === 'etcd'),
    ...careful.filter(({ id, component }) => component === 'patroni' && id !== leader),
    ...careful.filter(({ id }) => id === leader),
  ];
  const members = to.units.filter(({ component }) => component === 'patroni').length;
  const steps: RolloutStep[] = [];
  let units: readonly Unit[] = from.units;
  for (const unit of order) {
    units = replaceUnits(units, to, unit);
    steps.push({
      plan: { ...from, units },
      restarts: unit.id,
      switchoverFirst: unit.id === leader && members > 1,
    });
  }
  return [...steps, { plan: to, restarts: undefined, switchoverFirst: false }];
}

/** The unit and what shares its container, as `to` has them. */
function replaceUnits(units: readonly Unit[], to: Plan, unit: Unit): readonly Unit[] {
  const isInvolved = ({ id, container }: Unit) =>
    id === unit.id || (container !== undefined && container.name === unit.container?.name);
  return units.flatMap((existing) => {
    if (existing.id === unit.id) return to.units.filter(isInvolved);
    return isInvolved(existing) ? [] : [existing];
  });
}
