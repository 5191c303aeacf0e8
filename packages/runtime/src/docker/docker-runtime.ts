import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '@holdfast/components';
import { statePaths } from '@holdfast/components/paths';
import type { ClusterSpec } from '@holdfast/spec';
import { dockerContainerGone, foreignPlan, unknownUnit } from '../errors.js';
import { writeFileAtomically } from '../process/atomic-file.js';
import { readPlan } from '../process/plan-file.js';
import { readLogs } from '../read-logs.js';
import type { ApplyOptions, Runtime, UnitChange, UnitStatus } from '../runtime.js';
import { definitionOf } from './compose-service.js';
import { configurationFiles } from './configuration-files.js';
import { type Inspection, labelledUnits } from './container-status.js';
import { type Container, containerName, containersOf, copiesOf } from './containers.js';
import { type DockerPlan, planDocker } from './docker-folders.js';
import { plannedChanges } from './planned-changes.js';
import { Site } from './site.js';

export interface DockerRuntimeOptions {
  /** Absolute, real path; rendered folders are below `docker` in it. */
  readonly stateDirectory: string;
  readonly spec: ClusterSpec;
  /** See DockerSettings; undefined: this state folder never brought anything up. */
  readonly owner: string | undefined;
  /** Where it remembers its plan; default: the state folder. */
  readonly planFolder?: string;
  /** Of etcd's client certificate, where members need one. */
  readonly certificates?: string;
}

export interface DockerRuntime extends Runtime {
  readonly kind: 'docker';
  /** Every engine is on this machine. */
  readonly isHere: boolean;
  /** What is in the way because another cluster of this name made it; for people. */
  findForeign(plan: Plan, signal: AbortSignal): Promise<readonly string[]>;
  /** Ports of hosts that running containers of this cluster hold. */
  heldPorts(signal: AbortSignal): Promise<ReadonlySet<number>>;
  /** Writes the rendered folders and builds what images are missing. Throws HF_DOCKER_… */
  prepare(
    plan: Plan,
    options: { readonly build: boolean; readonly signal: AbortSignal; readonly progress: (text: string) => void },
  ): Promise<void>;
}

type Order = 'start' | 'stop' | 'restart' | 'kill';

/** Runs plans as containers, by Compose and the docker command. What runs is asked of the engines; only plan.json is remembered. */
export function createDockerRuntime(options: DockerRuntimeOptions): DockerRuntime {
  const { stateDirectory, spec, owner, planFolder = stateDirectory } = options;
  const cluster = spec.name;
  const sites = sitesOf(options);
  // Reading what images are built from costs a little, and only some orders need it.
  let own: DockerPlan | undefined;
  const planned = (plan: Plan): DockerPlan => {
    own ??= planDocker(spec, owner);
    return { ...own, plan };
  };
  const current = () => {
    const plan = readPlan(planFolder);
    return plan === undefined ? [] : containersOf(plan);
  };
  const inspect = async (signal: AbortSignal): Promise<readonly Inspection[]> =>
    (await Promise.all(sites.map(async (site) => await site.inspect(signal)))).flat();
  const siteOf = ({ units }: Container): Site => {
    const site = sites.find(({ host }) => host === undefined || host === units[0].host);
    if (site === undefined) throw new RangeError(`${units[0].id} is on no host of the spec.`);
    return site;
  };

  /** The container of a unit, and whether the unit is the agent in it. */
  const locate = (unit: string): { readonly container: Container; readonly isBeside: boolean } => {
    const all = current();
    const container = all.find(({ units }) => units.some(({ id }) => id === unit));
    if (container !== undefined) return { container, isBeside: container.units[0].id !== unit };
    throw unknownUnit(
      unit,
      all.flatMap(({ units }) => units.map(({ id }) => id)),
    );
  };

  const order = async (unit: string, what: Order, signal: AbortSignal) => {
    const { container, isBeside } = locate(unit);
    const name = containerName(cluster, container.service);
    const { engine } = siteOf(container);
    try {
      for (const args of commandsFor(what, name, container, isBeside))
        await engine.docker(args, { signal, timeoutMilliseconds: orderMilliseconds });
    } catch (error) {
      const found = (await inspect(signal)).find(({ Name }) => Name === `/${name}`);
      if (found === undefined) throw dockerContainerGone(unit, name);
      // An agent ends and starts with its member's container.
      if (isBeside && found.State.Pid === 0) return;
      throw error;
    }
  };

  /** Files that a unit can load while it runs. */
  const reload = async (before: Plan | undefined, plan: Plan, disturbed: ReadonlySet<string>, signal: AbortSignal) => {
    const changes: UnitChange[] = [];
    for (const container of containersOf(plan)) {
      const [main] = container.units;
      if (main.reloadSignal === undefined || disturbed.has(main.id)) continue;
      const old = before?.units.filter(({ id }) => id === main.id).flatMap(configurationFiles) ?? [];
      const earlier = new Map(old.map(({ path, text }) => [path, text]));
      const changed = configurationFiles(main).filter(({ path, text }) => earlier.get(path) !== text);
      if (changed.length === 0) continue;
      const command = ['holdfast-unit', '--sync', main.reloadSignal.replace(/^SIG/, '')];
      await siteOf(container).engine.docker(['exec', containerName(cluster, container.service), ...command], {
        signal,
      });
      changes.push({ unit: main.id, action: 'reload', because: changed.map(({ path }) => `file ${path}`) });
    }
    return changes;
  };

  return {
    kind: 'docker',
    isHere: sites.every((site) => site.isHere),

    findForeign: async (plan, signal) =>
      (await Promise.all(sites.map(async (site) => await site.findForeign(plan, signal)))).flat(),

    async heldPorts(signal) {
      const running = (await inspect(signal)).filter(({ State }) => State.Pid > 0);
      const published = running.flatMap(({ HostConfig }) => Object.values(HostConfig.PortBindings ?? {}).flat());
      // In the host's network nothing is published.
      const ids = new Set(running.flatMap(labelledUnits).map(({ id }) => id));
      const own = readPlan(planFolder)?.units.filter(({ id }) => ids.has(id)) ?? [];
      return new Set([
        ...published.map(({ HostPort }) => Number(HostPort)),
        ...own.flatMap(({ ports }) => ports.map(({ port }) => port)),
      ]);
    },

    async prepare(plan, options) {
      for (const site of sites) await site.prepare(planned(plan), options);
    },

    currentPlan: async () => readPlan(planFolder),

    isActive: async (signal) => (await inspect(signal)).some(({ State }) => State.Pid > 0),

    async apply(plan: Plan, { signal, secrets }: ApplyOptions): Promise<readonly UnitChange[]> {
      if (plan.cluster !== cluster) throw foreignPlan(stateDirectory, cluster, plan.cluster);
      const before = readPlan(planFolder);
      const { settings } = planned(plan);
      const containers = containersOf(plan);
      const wanted = containers.map((container) => ({
        name: containerName(cluster, container.service),
        units: container.units.map(({ id }) => id),
        definition: definitionOf(container, containers, settings),
      }));
      const changes = plannedChanges(wanted, await inspect(signal));
      // A first start that is cut off has a plan to go on with. Later, until it is carried out, the old one is what the rest still runs.
      if (before === undefined) writePlan(planFolder, plan);
      const renewed = new Set(changes.filter(({ action }) => action === 'restart').map(({ unit }) => unit));
      await Promise.all(sites.map(async (site) => await site.up(planned(plan), { secrets, renewed, signal })));
      const disturbed = new Set(changes.map(({ unit }) => unit));
      const reloaded = await reload(before, plan, disturbed, signal);
      writePlan(planFolder, plan);
      return [...changes, ...reloaded];
    },

    async renewCopies(signal) {
      const withCopies = current().filter((container) => copiesOf(container).length > 0);
      for (const site of sites) {
        const here = withCopies.filter((container) => siteOf(container) === site);
        if (here.length > 0) await site.bringCopies(here, signal);
      }
    },

    async status(signal): Promise<readonly UnitStatus[]> {
      const found = (await Promise.all(sites.map(async (site) => await site.units(signal)))).flat();
      const place = new Map(readPlan(planFolder)?.units.map(({ id }, index) => [id, index]));
      return [...found].sort((one, other) => (place.get(one.id) ?? 0) - (place.get(other.id) ?? 0));
    },

    start: (unit, signal) => order(unit, 'start', signal),
    stop: (unit, signal) => order(unit, 'stop', signal),
    restart: (unit, signal) => order(unit, 'restart', signal),
    kill: (unit, signal) => order(unit, 'kill', signal),

    async down(groups, signal) {
      const all = current();
      for (const group of groups) {
        // What shares a container with something else goes with that.
        const holders = all.filter(({ units }) => group.includes(units[0].id));
        await Promise.all(
          sites.map(async (site) => {
            const here = holders.filter((container) => siteOf(container) === site);
            const names = here.map(({ service }) => containerName(cluster, service));
            await site.stop(names, Math.max(0, ...here.map(graceSeconds)), signal);
          }),
        );
      }
      for (const site of sites) await site.remove(signal);
    },

    async removeData(signal) {
      const plan = readPlan(planFolder);
      if (plan !== undefined) for (const site of sites) await site.removeData(plan, signal);
    },

    logs: (units, options) =>
      readLogs(
        units.map((unit) => {
          const { container, isBeside } = locate(unit);
          const name = containerName(cluster, container.service);
          const { dockerHost } = siteOf(container);
          const env = dockerHost === undefined ? process.env : { ...process.env, DOCKER_HOST: dockerHost };
          return { unit, command: ['docker', 'logs'], target: [name], env, isAgent: isBeside };
        }),
        options,
      ),

    [Symbol.asyncDispose]: async () => undefined,
  };
}

const orderMilliseconds = 300_000;

/** What docker is told, step by step. Pure. */
function commandsFor(
  what: Order,
  name: string,
  container: Container,
  isBeside: boolean,
): readonly (readonly string[])[] {
  // A member's container holds two units.
  const isMember = container.units[0].component === 'patroni';
  if (isBeside || (isMember && what === 'kill')) {
    const steps = what === 'restart' ? ['stop', 'start'] : [what];
    return steps.map((step) => ['exec', name, 'holdfast-part', step, isBeside ? 'agent' : 'patroni']);
  }
  switch (what) {
    case 'start':
      return [['start', name]];
    case 'kill':
      // Docker does not start again what it was told to kill.
      return [
        ['kill', '--signal', 'KILL', name],
        ['start', name],
      ];
    default:
      return [[what, '--time', String(graceSeconds(container)), name]];
  }
}

function graceSeconds({ units }: Container): number {
  return Math.max(...units.map(({ stop }) => stop.graceSeconds)) + 5;
}

/** One engine, or one a Docker host; the proxies' host is one as well. */
function sitesOf({ spec, owner, stateDirectory, certificates }: DockerRuntimeOptions): readonly Site[] {
  const folder = join(stateDirectory, 'docker');
  const { hosts } = spec.docker;
  const same = { cluster: spec.name, owner, stateDirectory, certificates };
  if (hosts.length === 0) return [new Site({ ...same, host: undefined, engine: undefined, folder })];
  return [...new Set(addressesOf(spec))].map((host) => {
    const engine = hosts.find(({ address }) => address === host)?.engine;
    return new Site({ ...same, host, engine, folder: join(folder, host) });
  });
}

/** Of hosts that run something. Beside Kubernetes that are members alone. */
function addressesOf({ docker, haproxy, kubernetes, members }: ClusterSpec): readonly string[] {
  if (kubernetes.members === 'docker') return members.map(({ host }) => host);
  return [...docker.hosts.map(({ address }) => address), haproxy.host];
}

function writePlan(planFolder: string, plan: Plan): void {
  mkdirSync(planFolder, { recursive: true, mode: 0o700 });
  const { plan: path } = statePaths(planFolder);
  writeFileAtomically(path, `${JSON.stringify(plan, null, 2)}\n`, { mode: 0o600, durable: true });
}
