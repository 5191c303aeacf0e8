import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Plan, statePaths, type TlsFiles, tlsFiles, type Unit } from '@holdfast/components';
import type { ClusterSpec, Secrets } from '@holdfast/spec';
import { copiedFiles } from '../copied-files.js';
import { diffPlans } from '../diff-plans.js';
import { foreignPlan, unknownUnit } from '../errors.js';
import { writeFileAtomically } from '../process/atomic-file.js';
import { readPlan } from '../process/plan-file.js';
import { readLogs } from '../read-logs.js';
import type { ApplyOptions, Runtime, UnitChange, UnitStatus } from '../runtime.js';
import { Doors } from './doors.js';
import { keptByKubernetes } from './errors.js';
import { kubectl, orderMilliseconds } from './kubectl.js';
import { type KubernetesPlan, planKubernetes, podOf } from './kubernetes-plan.js';
import {
  applyObjects,
  checkNamespace,
  checkStorageClass,
  forServer,
  ownerAnnotation,
  type Place,
  prune,
  selector,
} from './objects.js';
import { isGoing, isStarted, unitStatuses } from './pod-status.js';
import {
  awaitGone,
  awaitPods,
  awaitReplaced,
  awaitRollout,
  deletePods,
  endPods,
  listPods,
  PodWatch,
  renewStalePods,
} from './pods.js';
import { destinations, reachedSpec } from './reach.js';
import { applyApiSecret, checkSecretObjects, ensureSecretObjects, keepClientCertificate } from './secrets.js';

export interface KubernetesRuntimeOptions {
  /** Absolute, real path. */
  readonly stateDirectory: string;
  /** As the cluster's own parts see it. */
  readonly spec: ClusterSpec;
  /** Tells the state folder from others; undefined: it never brought anything up. */
  readonly owner: string | undefined;
  /** Where it remembers its plan; default: the state folder. */
  readonly planFolder?: string;
}

export interface KubernetesRuntime extends Runtime {
  readonly kind: 'kubernetes';
  /** The cluster as it is reached from this machine, as long as the runtime is not disposed of. */
  readonly reached: ClusterSpec;
  /** What etcd is asked with; the files are there after the first `prepare`. */
  readonly etcdTls: TlsFiles;
  /** The folder that they are in. */
  readonly certificates: string;
  /** Changes nothing; throws what speaks against applying: HF_KUBERNETES_… */
  examine(options: { readonly secrets: Secrets | undefined; readonly signal: AbortSignal }): Promise<void>;
  /** Namespace and Secrets. */
  prepare(options: {
    readonly secrets: Secrets;
    readonly signal: AbortSignal;
    readonly progress: (text: string) => void;
  }): Promise<void>;
}

/** Pods that came since the last look are asked for then; a door to them is made when somebody knocks in any case. */
const reachMilliseconds = 5000;

/** Runs plans as pods, by the kubectl command. What runs is asked of the Kubernetes cluster; only plan.json is remembered. */
export async function createKubernetesRuntime({
  stateDirectory,
  spec,
  owner,
  planFolder = stateDirectory,
}: KubernetesRuntimeOptions): Promise<KubernetesRuntime> {
  const { namespace } = spec.kubernetes;
  const place: Place = { kubectl, namespace, cluster: spec.name };
  const folder = join(stateDirectory, 'kubernetes');
  const certificates = join(folder, 'etcd-client');
  const { doors, port } = await Doors.open(namespace, destinations(spec));
  const inNamespace = ['--namespace', namespace];
  let own: KubernetesPlan | undefined;
  let reachedAt = Number.NEGATIVE_INFINITY;
  const planned = () => {
    own ??= planKubernetes(spec);
    return own;
  };

  const watch = new PodWatch(place, spec);

  const locate = (unit: string) => {
    const units = readPlan(planFolder)?.units ?? [];
    const found = units.find(({ id }) => id === unit);
    if (found !== undefined) return { unit: found, ...podOf(found) };
    throw unknownUnit(
      unit,
      units.map(({ id }) => id),
    );
  };

  const podsOf = async (unit: string, signal: AbortSignal): Promise<readonly string[]> => {
    const { name, workload, isFixed } = locate(unit);
    if (isFixed) return [name];
    const all = await listPods(place, signal);
    return all
      .filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/name'] === workload)
      .map(({ metadata }) => metadata.name);
  };

  /** In a member's pod, `holdfast-part` stops, starts or kills one of the two. */
  const part = async (unit: string, what: string, signal: AbortSignal) => {
    const { unit: found, name } = locate(unit);
    const which = found.component === 'agent' ? 'agent' : 'patroni';
    await kubectl.run(['exec', ...inNamespace, name, '--', 'holdfast-part', what, which], {
      signal,
      timeoutMilliseconds: orderMilliseconds,
    });
  };
  const hasParts = (unit: string) => ['patroni', 'agent'].includes(locate(unit).unit.component);

  const restart = async (unit: string, signal: AbortSignal) => {
    if (locate(unit).unit.component === 'agent') {
      await part(unit, 'stop', signal);
      await part(unit, 'start', signal);
      return;
    }
    const { workload, isFixed } = locate(unit);
    if (isFixed) {
      await deletePods(place, await podsOf(unit, signal), signal);
      await awaitPods(watch, planned(), signal);
      return;
    }
    // One after the other, so that clients always find one.
    await kubectl.run(['rollout', 'restart', ...inNamespace, `deployment/${workload}`], { signal });
    await awaitReplaced(place, watch, { ...planned(), target: `deployment/${workload}` }, signal);
  };

  /** Pods that are going do not count: what comes next starts anew. */
  const isActive = async (signal: AbortSignal) => (await listPods(place, signal)).some((pod) => !isGoing(pod));

  const writePlan = (plan: Plan) => {
    mkdirSync(planFolder, { recursive: true, mode: 0o700 });
    const { plan: path } = statePaths(planFolder);
    writeFileAtomically(path, `${JSON.stringify(plan, null, 2)}\n`, { mode: 0o600, durable: true });
  };

  return {
    kind: 'kubernetes',
    isHere: false,
    reached: reachedSpec(spec, port),
    etcdTls: tlsFiles(certificates),
    certificates,

    async reach(signal) {
      if (performance.now() - reachedAt < reachMilliseconds) return;
      reachedAt = performance.now();
      const running = (await listPods(place, signal).catch(() => [])).filter(
        ({ status }) => status.phase === 'Running',
      );
      const names = new Set(running.map(({ metadata }) => metadata.name));
      const parts = new Set(running.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/name']));
      const there = destinations(spec)
        .map(({ target }) => target)
        .filter((target) => {
          const name = target.replace(/^[a-z]+\//, '');
          return target.startsWith('pod/') ? names.has(name) : parts.has(name);
        });
      await doors.warm(there, signal);
    },

    async poolers(signal) {
      if (!spec.pooler.enabled) return [];
      const { port } = spec.pooler;
      const running = (await listPods(place, signal)).filter(
        (pod) => pod.metadata.labels?.['app.kubernetes.io/name'] === 'pgbouncer' && !isGoing(pod) && isStarted(pod),
      );
      return await Promise.all(
        running.map(async ({ metadata: { name: pod, uid }, status }) => {
          const door = await doors.add({ target: `pod/${pod}`, ports: [port] });
          const instance = `${uid} ${status.containerStatuses?.[0]?.restartCount ?? 0}`;
          return { host: '127.0.0.1', port: door, way: { namespace, pod, port }, instance };
        }),
      );
    },

    async examine({ secrets, signal }) {
      await forServer(place, planned().objects, signal);
      await checkNamespace(place, owner, signal);
      await checkStorageClass(place, spec.kubernetes.storageClass, signal);
      if (secrets !== undefined) await checkSecretObjects(place, secrets, signal);
    },

    async prepare({ secrets, signal, progress }) {
      const spaces = planned().objects.filter(({ kind }) => kind === 'Namespace');
      const owned = spaces.map((each) => ({
        ...each,
        metadata: { ...each.metadata, annotations: { ...each.metadata.annotations, [ownerAnnotation]: owner ?? '' } },
      }));
      await applyObjects(place, owned, signal);
      progress('Making the Secrets that are missing');
      await ensureSecretObjects(place, spec, secrets, { folder, signal });
      await applyApiSecret(place, copiedFiles(planned().plan.units, stateDirectory), signal);
      await keepClientCertificate(place, certificates, signal);
    },

    currentPlan: async () => readPlan(planFolder),

    isActive,

    async apply(plan: Plan, { signal, note }: ApplyOptions): Promise<readonly UnitChange[]> {
      if (plan.cluster !== spec.name) throw foreignPlan(stateDirectory, spec.name, plan.cluster);
      const before = readPlan(planFolder);
      const isRunning = await isActive(signal);
      const objects = await forServer(place, planned().objects, signal);
      const changes = isRunning
        ? diffPlans(before, plan)
        : plan.units.map(({ id }) => ({ unit: id, action: 'start' as const, because: ['it does not run'] }));
      if (before === undefined) writePlan(plan);
      await applyObjects(
        place,
        objects.filter(({ kind }) => kind !== 'Namespace'),
        signal,
      );
      await prune(place, objects, signal);
      const wanted = { objects, note };
      // An earlier `up` may have asked for what cannot be.
      if (isRunning) await renewStalePods(place, 'postgres', signal);
      await awaitPods(watch, wanted, signal);
      if (isRunning) {
        // etcd and the proxies are replaced by Kubernetes, one after the other; members by us.
        await awaitRollout(place, watch, wanted, signal);
        const restarted = new Set(
          changes
            .filter(({ action }) => action === 'restart')
            .flatMap(({ unit }) => plan.units.filter(({ id }) => id === unit))
            .filter(({ component }) => component === 'patroni' || component === 'agent')
            .map((unit) => podOf(unit).name),
        );
        for (const name of restarted) await deletePods(place, [name], signal);
        if (restarted.size > 0) await awaitPods(watch, wanted, signal);
      }
      writePlan(plan);
      return changes;
    },

    renewCopies: async (signal) =>
      await applyApiSecret(place, copiedFiles(planned().plan.units, stateDirectory), signal),

    async examineStart(signal) {
      await watch.glance(planned(), signal);
    },

    async status(signal): Promise<readonly UnitStatus[]> {
      return unitStatuses(readPlan(planFolder), await listPods(place, signal));
    },

    async start(unit, signal) {
      // What was deleted is there again by itself.
      if (hasParts(unit)) await part(unit, 'start', signal);
    },
    async stop(unit, signal) {
      if (!hasParts(unit)) throw keptByKubernetes(unit, 'stop');
      await part(unit, 'stop', signal);
    },
    restart,
    async kill(unit, signal) {
      if (hasParts(unit)) await part(unit, 'kill', signal);
      else await deletePods(place, await podsOf(unit, signal), signal, ['--grace-period=0', '--force', '--wait=false']);
    },

    async down(groups, signal) {
      const orders = { signal, timeoutMilliseconds: orderMilliseconds };
      const labelled = ['--selector', selector(place), ...inNamespace, '--ignore-not-found'];
      // Without what keeps them pods do not come back, and go in the order and with the patience that is asked for: left to Kubernetes, a proxy's
      // pod would wait for its sessions for a minute, which a later order does not shorten.
      await kubectl.run(['delete', 'statefulsets,deployments.apps', ...labelled, '--cascade=orphan'], orders);
      await kubectl.run(['delete', 'replicasets.apps', ...labelled, '--cascade=orphan'], orders);
      await kubectl.run(['delete', 'cronjobs.batch', ...labelled, '--wait=false'], orders);
      const units = new Map(readPlan(planFolder)?.units.map((unit) => [unit.id, unit]));
      for (const group of groups) {
        const found = group.flatMap((id) => units.get(id) ?? []).filter(({ component }) => component !== 'agent');
        const proxies = found.filter((unit) => !podOf(unit).isFixed);
        const others = found.filter((unit) => podOf(unit).isFixed);
        const names = async (own: readonly Unit[]) =>
          (await Promise.all(own.map(async ({ id }) => await podsOf(id, signal)))).flat();
        // Nobody waits for sessions of a proxy when everything goes.
        await endPods(place, await names(proxies), signal, ['--grace-period=5']);
        await endPods(place, await names(others), signal);
      }
      await awaitGone(place, signal);
      await prune(place, [], signal);
      const classes = planned().objects.filter(({ kind }) => kind === 'PriorityClass');
      const targets = classes.map(({ metadata }) => `priorityclass/${metadata.name}`);
      await kubectl.run(['delete', '--ignore-not-found', ...targets], orders);
    },

    async removeData(signal) {
      await checkNamespace(place, owner, signal);
      const claims = ['--selector', `app.kubernetes.io/instance=${spec.name}`, ...inNamespace, '--ignore-not-found'];
      await kubectl.run(['delete', 'persistentvolumeclaims', ...claims], {
        signal,
        timeoutMilliseconds: orderMilliseconds,
      });
      const gone = ['delete', 'namespace', namespace, '--ignore-not-found'];
      await kubectl.run(gone, { signal, timeoutMilliseconds: orderMilliseconds });
    },

    logs: (units, options) =>
      readLogs(
        units.map((unit) => {
          const { unit: found, name, workload, isFixed } = locate(unit);
          const labels = `app.kubernetes.io/name=${workload},app.kubernetes.io/instance=${spec.name}`;
          return {
            unit,
            command: ['kubectl', 'logs', ...inNamespace],
            target: isFixed ? [`pod/${name}`] : ['--max-log-requests=20', '--selector', labels],
            env: process.env,
            isAgent: found.component === 'agent',
          };
        }),
        options,
      ),

    [Symbol.asyncDispose]: async () => await doors[Symbol.asyncDispose](),
  };
}
