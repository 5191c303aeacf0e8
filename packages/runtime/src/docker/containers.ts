import type { ComponentName, ImageName, ImageTags, Plan, Unit, UnitCopy } from '@holdfast/components';

/** One container: a unit, or a member's Patroni with the agent beside it. */
export interface Container {
  /** Name of the Compose service. */
  readonly service: string;
  /** Name and tag. */
  readonly image: string;
  /** The first is what the container is for. */
  readonly units: readonly [Unit, ...Unit[]];
}

const images: Readonly<Record<ComponentName, ImageName>> = {
  etcd: 'etcd',
  patroni: 'patroni',
  agent: 'patroni',
  haproxy: 'proxy',
  pgbouncer: 'proxy',
  net: 'proxy',
  api: 'api',
};

export function imageOf({ component }: Unit): ImageName {
  return images[component];
}

/**
 * Pure: which container each unit runs in. The agent shares its member's (ADR 18): it sees PostgreSQL's processes, may end them, and comes
 * and goes with them. Docker starts containers that join another one's namespaces in any order, and gives up when that one does not run yet.
 */
export function intoContainers(plan: Plan, tags: ImageTags): Plan {
  const units = plan.units.map((unit) => ({
    ...unit,
    container: { name: containerOf(unit), image: tags[imageOf(unit)] },
  }));
  return { ...plan, units };
}

/** `patroni-postgres-1` for pg1 and its agent; any other unit's own name. */
function containerOf({ id, component }: Unit): string {
  return component === 'patroni' || component === 'agent' ? `patroni-postgres-${memberNumber(id)}` : id;
}

/** 1 for pg1. */
export function memberNumber(id: string): number {
  return Number(/^pg(\d+)/.exec(id)?.[1]);
}

/** The containers of a plan, in its order. */
export function containersOf(plan: Plan): readonly Container[] {
  const found = new Map<string, Container>();
  for (const unit of plan.units) {
    if (unit.container === undefined) throw new RangeError(`${unit.id} is in no container.`);
    const { name: service, image } = unit.container;
    const earlier = found.get(service);
    found.set(service, { service, image: earlier?.image ?? image, units: earlier ? [...earlier.units, unit] : [unit] });
  }
  return [...found.values()];
}

/** Those on one Docker host; undefined: there is only one, which has all. */
export function containersOn(plan: Plan, host: string | undefined): readonly Container[] {
  return containersOf(plan).filter(({ units }) => host === undefined || units[0].host === host);
}

/** Files from elsewhere that its units read while they run. */
export function copiesOf({ units }: Container): readonly UnitCopy[] {
  return units.flatMap(({ copies = [] }) => copies);
}

/** Known beforehand, whatever Compose would call it; clusters of different names can share an engine. */
export function containerName(cluster: string, service: string): string {
  return `${cluster}-${service}`;
}
