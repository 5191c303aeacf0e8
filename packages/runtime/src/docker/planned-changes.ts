import type { UnitChange } from '../runtime.js';
import { labels } from './compose-service.js';
import { type Inspection, labelledUnits } from './container-status.js';

/** A service as Compose would make it. */
export interface WantedContainer {
  readonly name: string;
  readonly units: readonly string[];
  readonly definition: string;
}

/** What Compose will do, by what is there. Pure. Removals first, then the order that is wanted. */
export function plannedChanges(
  wanted: readonly WantedContainer[],
  found: readonly Inspection[],
): readonly UnitChange[] {
  const byName = new Map(found.map((container) => [container.Name.replace(/^\//, ''), container]));
  const names = new Set(wanted.map(({ name }) => name));
  const change = (units: readonly string[], action: UnitChange['action'], because: string): UnitChange[] =>
    units.map((unit) => ({ unit, action, because: [because] }));
  return [
    ...[...byName]
      .filter(([name]) => !names.has(name))
      .flatMap(([, container]) =>
        change(
          labelledUnits(container).map(({ id }) => id),
          'remove',
          'no longer in the plan',
        ),
      ),
    ...wanted.flatMap(({ name, units, definition }) => {
      const container = byName.get(name);
      if (container === undefined) return change(units, 'start', 'has no container');
      if (container.Config.Labels[labels.definition] !== definition) return change(units, 'restart', 'container');
      return container.State.Pid > 0 ? [] : change(units, 'start', `container is ${container.State.Status}`);
    }),
  ];
}
