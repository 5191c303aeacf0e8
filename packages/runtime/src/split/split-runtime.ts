import { join } from 'node:path';
import { agentUnitId, type Plan, type TlsFiles } from '@holdfast/components';
import type { ClusterSpec } from '@holdfast/spec';
import { planDocker } from '../docker/docker-folders.js';
import { createDockerRuntime, type DockerRuntime } from '../docker/docker-runtime.js';
import { planKubernetes } from '../kubernetes/kubernetes-plan.js';
import { createKubernetesRuntime, type KubernetesRuntime } from '../kubernetes/kubernetes-runtime.js';
import { readPlan } from '../process/plan-file.js';
import { mergeLines } from '../read-logs.js';
import type { LogLine, Runtime } from '../runtime.js';

/** A spec whose members are in Docker, with the rest in Kubernetes. */
export type SplitSpec = ClusterSpec & { readonly outside: ClusterSpec };

/** Undefined: members are not in Docker beside Kubernetes. */
export function splitSpec(spec: ClusterSpec): SplitSpec | undefined {
  const { outside } = spec;
  return outside === undefined ? undefined : { ...spec, outside };
}

export interface SplitRuntimeOptions {
  /** Absolute, real path. */
  readonly stateDirectory: string;
  readonly spec: SplitSpec;
  /** Tells the state folder from others; undefined: it never brought anything up. */
  readonly owner: string | undefined;
}

export interface SplitRuntime extends Runtime {
  readonly kind: 'kubernetes';
  /** The cluster as it is reached from this machine, as long as the runtime is not disposed of. */
  readonly reached: ClusterSpec;
  readonly etcdTls: TlsFiles;
  readonly halves: Halves;
}

export interface Halves {
  /** etcd, the proxies, and what else is no member. */
  readonly kubernetes: KubernetesRuntime;
  /** Members, each with its agent. */
  readonly docker: DockerRuntime;
}

/** The plans of both halves. */
export interface SplitPlan {
  readonly pods: Plan;
  readonly containers: Plan;
}

/** Reads what images are built from, since their tags depend on it; the rest is pure. */
export function planSplit(spec: SplitSpec): SplitPlan {
  return { pods: planKubernetes(spec).plan, containers: planDocker(spec.outside).plan };
}

/** Both as one; Patroni's dynamic configuration is the members'. Pure. */
export function joinPlans({ pods, containers }: SplitPlan): Plan {
  return { ...containers, units: [...pods.units, ...containers.units] };
}

/** Pure. Which half each unit of a plan is for. */
export function dividePlan(plan: Plan): SplitPlan {
  const of = (isWanted: boolean) => plan.units.filter(({ component }) => isMember(component) === isWanted);
  return { pods: { ...plan, units: of(false) }, containers: { ...plan, units: of(true) } };
}

function isMember(component: string): boolean {
  return component === 'patroni' || component === 'agent';
}

/** Where each half remembers its plan. */
function planFolders(stateDirectory: string): Readonly<Record<keyof Halves, string>> {
  return { kubernetes: join(stateDirectory, 'kubernetes'), docker: join(stateDirectory, 'docker') };
}

/** How a cluster with pods was brought up from this folder: with its members in Docker or not; undefined: not yet. */
export function splitInForce(stateDirectory: string): boolean | undefined {
  const { kubernetes, docker } = planFolders(stateDirectory);
  if (readPlan(kubernetes) !== undefined || readPlan(docker) !== undefined) return true;
  return readPlan(stateDirectory) === undefined ? undefined : false;
}

/** Runs members by Docker and the rest by Kubernetes. */
export async function createSplitRuntime({ stateDirectory, spec, owner }: SplitRuntimeOptions): Promise<SplitRuntime> {
  const folders = planFolders(stateDirectory);
  const kubernetes = await createKubernetesRuntime({ stateDirectory, spec, owner, planFolder: folders.kubernetes });
  const docker = createDockerRuntime({
    stateDirectory,
    spec: spec.outside,
    owner,
    planFolder: folders.docker,
    certificates: kubernetes.certificates,
  });
  return joinRuntimes({ kubernetes, docker }, spec);
}

/** Two runtimes as one: each unit is handed to the one that runs it. */
export function joinRuntimes(halves: Halves, spec: ClusterSpec): SplitRuntime {
  const { kubernetes, docker } = halves;
  const members = new Set(spec.members.flatMap(({ name }) => [name, agentUnitId(name)]));
  const halfOf = (unit: string): Runtime => (members.has(unit) ? docker : kubernetes);
  return {
    kind: 'kubernetes',
    isHere: false,
    reached: kubernetes.reached,
    etcdTls: kubernetes.etcdTls,
    halves,

    async currentPlan(signal) {
      const [pods, containers] = await Promise.all([kubernetes.currentPlan(signal), docker.currentPlan(signal)]);
      if (pods === undefined || containers === undefined) return pods ?? containers;
      return joinPlans({ pods, containers });
    },

    async isActive(signal) {
      const answers = await Promise.all([kubernetes.isActive(signal), docker.isActive(signal)]);
      return answers.includes(true);
    },

    // etcd first: members wait for it.
    async apply(plan, options) {
      const { pods, containers } = dividePlan(plan);
      const changes = await kubernetes.apply(pods, options);
      return [...changes, ...(await docker.apply(containers, options))];
    },

    renewCopies: async (signal) => await kubernetes.renewCopies?.(signal),
    examineStart: async (signal) => await kubernetes.examineStart?.(signal),
    reach: async (signal) => await kubernetes.reach?.(signal),
    poolers: async (signal) => (await kubernetes.poolers?.(signal)) ?? [],

    async status(signal) {
      const [pods, containers] = await Promise.all([kubernetes.status(signal), docker.status(signal)]);
      return [...pods, ...containers];
    },

    start: async (unit, signal) => await halfOf(unit).start(unit, signal),
    stop: async (unit, signal) => await halfOf(unit).stop(unit, signal),
    restart: async (unit, signal) => await halfOf(unit).restart(unit, signal),
    kill: async (unit, signal) => await halfOf(unit).kill(unit, signal),

    // Members first, since they need etcd to go in order; clients that come meanwhile wait in HAProxy, which ends next.
    async down(groups, signal) {
      if ((await docker.currentPlan(signal)) !== undefined) await docker.down(groups, signal);
      await kubernetes.down(groups, signal);
    },

    async removeData(signal) {
      await docker.removeData(signal);
      await kubernetes.removeData(signal);
    },

    logs(units, options) {
      const sources = ([kubernetes, docker] as const).flatMap((half): AsyncIterable<LogLine>[] => {
        const own = units.filter((unit) => halfOf(unit) === half);
        return own.length === 0 ? [] : [half.logs(own, options)];
      });
      return mergeLines(sources, options.follow);
    },

    async [Symbol.asyncDispose]() {
      await kubernetes[Symbol.asyncDispose]();
      await docker[Symbol.asyncDispose]();
    },
  };
}
