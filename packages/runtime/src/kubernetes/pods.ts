import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject } from '@holdfast/components';
import { type ClusterSpec, timeLimit } from '@holdfast/spec';
import { isPodsStuck, podsDoNotEnd, podsStuck } from './errors.js';
import { listEvents, wordsOfEvents } from './events.js';
import { orderMilliseconds } from './kubectl.js';
import { isWorkload } from './kubernetes-plan.js';
import { type Place, selector } from './objects.js';
import { hasEnded, isGoing, type Pod, slowStart, type Trouble, troubleOf } from './pod-status.js';
import { adviceFor, describeTroubles, judgeTroubles, TroubleMemory } from './troubles.js';

const appearMilliseconds = 120_000;
/** Until a controller has seen what was applied. */
const seenMilliseconds = 10_000;
/** Longer than any pod's grace period. */
const endMilliseconds = 180_000;
/** A kubelet tells of what ended every ten seconds at least. */
const goneMilliseconds = 15_000;
const pauseMilliseconds = 500;

/** The cluster's own, those that are going included. */
export async function listPods(place: Place, signal: AbortSignal): Promise<readonly Pod[]> {
  const args = ['pods', '--namespace', place.namespace, '--selector', selector(place)];
  return (await place.kubectl.get<{ items: readonly Pod[] }>(args, { signal }))?.items ?? [];
}

/** Deletes pods and waits until they are gone, or as `how` says. */
export async function deletePods(
  { kubectl, namespace }: Place,
  names: readonly string[],
  signal: AbortSignal,
  how: readonly string[] = ['--wait=true'],
): Promise<void> {
  if (names.length === 0) return;
  const pods = names.map((name) => `pod/${name}`);
  const args = ['delete', '--namespace', namespace, '--ignore-not-found', ...how, ...pods];
  await kubectl.run(args, { signal, timeoutMilliseconds: orderMilliseconds });
}

/**
 * Asks pods to end and waits until their containers have; the objects may stay for some seconds more, since a kubelet reports when it likes to.
 * HF_KUBERNETES_PODS_STUCK when they do not: on a node that is gone nobody can say.
 */
export async function endPods(
  place: Place,
  names: readonly string[],
  signal: AbortSignal,
  how: readonly string[] = [],
): Promise<void> {
  if (names.length === 0) return;
  await deletePods(place, names, signal, ['--wait=false', ...how]);
  const limit = timeLimit(signal, endMilliseconds);
  for (;;) {
    const left = (await listPods(place, signal)).filter((pod) => names.includes(pod.metadata.name) && !hasEnded(pod));
    if (left.length === 0) return;
    if (limit.aborted) throw podsDoNotEnd(left.map(({ metadata }) => metadata.name));
    await sleep(pauseMilliseconds, undefined, { signal });
  }
}

/** For a while, until no pod's object is left: what is there a little longer bothers nobody, and `up` can go on from it. */
export async function awaitGone(place: Place, signal: AbortSignal): Promise<void> {
  const limit = timeLimit(signal, goneMilliseconds);
  while (!limit.aborted && (await listPods(place, signal)).length > 0)
    await sleep(pauseMilliseconds, undefined, { signal });
}

/** What the API server says of a set of pods, as far as it is read here. */
export interface PodSet {
  readonly metadata: { readonly generation: number };
  readonly status: { readonly observedGeneration?: number; readonly updateRevision?: string };
}

/**
 * Names of a set's pods that were made of an older template and in which nothing runs, nor will: Kubernetes leaves them to us where we replace pods
 * (StatefulSet, updateStrategy OnDelete), and would keep them as they are for ever. Undefined as long as the set's controller has not seen its template. Pure.
 */
export function stalePods({ metadata, status }: PodSet, pods: readonly Pod[]): readonly string[] | undefined {
  const { observedGeneration = 0, updateRevision } = status;
  if (observedGeneration < metadata.generation || updateRevision === undefined) return undefined;
  return pods
    .filter((pod) => {
      const revision = pod.metadata.labels?.['controller-revision-hash'];
      const isIdle = troubleOf(pod) !== undefined || pod.status.phase === 'Pending';
      return !isGoing(pod) && isIdle && revision !== undefined && revision !== updateRevision;
    })
    .map((pod) => pod.metadata.name);
}

/** Has Kubernetes make a set's stale pods anew. */
export async function renewStalePods(place: Place, set: string, signal: AbortSignal): Promise<void> {
  const limit = timeLimit(signal, seenMilliseconds);
  const args = ['statefulset', set, '--namespace', place.namespace];
  while (!limit.aborted) {
    const found = await place.kubectl.get<PodSet>(args, { signal });
    if (found === undefined) return;
    const pods = await listPods(place, signal);
    const own = pods.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/name'] === set);
    const stale = stalePods(found, own);
    if (stale !== undefined) return await deletePods(place, stale, signal);
    await sleep(pauseMilliseconds, undefined, { signal });
  }
}

/** Pods that are to run, and who is told of those that do not. */
export interface Wanted {
  /** Those that keep pods count. */
  readonly objects: readonly KubernetesObject[];
  /** Told once of each pod that takes long, and why. */
  readonly note?: ((text: string) => void) | undefined;
}

/** Looks at the cluster's pods again and again, and says when waiting for them has no sense any more. */
export class PodWatch {
  readonly #place: Place;
  readonly #spec: ClusterSpec;
  readonly #memory = new TroubleMemory();
  readonly #told = new Set<string>();
  readonly #now: () => number;

  constructor(place: Place, spec: ClusterSpec, now: () => number = () => performance.now()) {
    this.#place = place;
    this.#spec = spec;
    this.#now = now;
  }

  /** Whether all that is wanted has been started. HF_KUBERNETES_PODS_STUCK when Kubernetes has said for long enough why something cannot be. */
  async look({ objects, note }: Wanted, signal: AbortSignal): Promise<boolean> {
    const all = await listPods(this.#place, signal);
    const pods = all.filter((pod) => !isGoing(pod));
    const unmade = unmadePods(objects, all);
    const pending = pods.filter(({ status }) => status.phase === 'Pending');
    const troubles = pods.flatMap((pod) => troubleOf(pod) ?? (pending.includes(pod) ? slowStart(pod) : []));
    const { stuck, slow } = judgeTroubles(this.#memory.look([...troubles, ...unmade], this.#now()));
    if (stuck.length > 0) {
      const explained = await this.#explain(stuck, signal);
      throw podsStuck(describeTroubles(explained), adviceFor(explained, this.#spec));
    }
    const untold = slow.filter(({ uid, kind }) => !this.#told.has(`${uid} ${kind}`));
    if (note !== undefined && untold.length > 0) {
      for (const { uid, kind } of untold) this.#told.add(`${uid} ${kind}`);
      for (const line of describeTroubles(await this.#explain(untold, signal))) note(line);
    }
    return unmade.length === 0 && pending.length === 0;
  }

  /** For whoever waits for something else: a question that is not answered is no reason to end that. HF_KUBERNETES_PODS_STUCK as above. */
  async glance(wanted: Wanted, signal: AbortSignal): Promise<void> {
    try {
      await this.look(wanted, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isPodsStuck(error)) throw error;
    }
  }

  /** With what events tell where the pod itself says too little. */
  async #explain(troubles: readonly Trouble[], signal: AbortSignal): Promise<readonly Trouble[]> {
    const events = await listEvents(this.#place, signal);
    return troubles.map((trouble) => {
      const words = wordsOfEvents(events, trouble);
      return words === undefined ? trouble : { ...trouble, text: `${trouble.text}; ${words}` };
    });
  }
}

/** What keeps pods and has fewer than it should: a quota or a policy may forbid to make them, or the ones before must end first. Pure. */
export function unmadePods(objects: readonly KubernetesObject[], pods: readonly Pod[]): readonly Trouble[] {
  return objects.filter(isWorkload).flatMap(({ kind, metadata: { name }, spec }): readonly Trouble[] => {
    // Where an autoscaler says how many, at least one.
    const wanted = (spec as { readonly replicas?: number } | undefined)?.replicas ?? 1;
    const own = pods.filter(
      ({ metadata, status }) => metadata.labels?.['app.kubernetes.io/name'] === name && !isOver(status.phase),
    );
    const going = own.filter(isGoing);
    const there = own.length - going.length;
    if (there >= wanted) return [];
    const known = { pod: `${kind} ${name}`, uid: `${kind} ${name}`, restarts: 0 };
    if (own.length >= wanted) {
      const text = `waits for the end of ${going.map(({ metadata }) => metadata.name).join(', ')}`;
      return [{ ...known, kind: 'slow', text }];
    }
    return [{ ...known, kind: 'unmade', text: `${there} of ${wanted} pods are made` }];
  });
}

function isOver(phase: string): boolean {
  return phase === 'Failed' || phase === 'Succeeded';
}

/** Until every pod that is wanted runs, or Kubernetes says why one cannot: HF_KUBERNETES_PODS_STUCK. */
export async function awaitPods(watch: PodWatch, wanted: Wanted, signal: AbortSignal): Promise<void> {
  const limit = timeLimit(signal, appearMilliseconds);
  // What still does not run then is noticed by whoever waits for the database.
  while (!(await watch.look(wanted, signal)) && !limit.aborted) await sleep(pauseMilliseconds, undefined, { signal });
}

/** Until Kubernetes has replaced the pods that it replaces by itself, or says why it cannot: HF_KUBERNETES_PODS_STUCK. */
export async function awaitRollout(place: Place, watch: PodWatch, wanted: Wanted, signal: AbortSignal): Promise<void> {
  const targets = wanted.objects.flatMap(({ kind, metadata: { name } }) => {
    if (kind === 'StatefulSet' && name === 'etcd') return ['statefulset/etcd'];
    return kind === 'Deployment' ? [`deployment/${name}`] : [];
  });
  for (const target of targets) await awaitReplaced(place, watch, { ...wanted, target }, signal);
}

/** `target`: `deployment/haproxy`. kubectl waits, and would do so in silence for a pod that cannot start. */
export async function awaitReplaced(
  { kubectl, namespace }: Place,
  watch: PodWatch,
  { target, ...wanted }: Wanted & { readonly target: string },
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const limit = AbortSignal.any([signal, over.signal]);
  const watching = (async (): Promise<never> => {
    for (;;) {
      await watch.glance(wanted, limit);
      await sleep(pauseMilliseconds, undefined, { signal: limit });
    }
  })();
  const args = ['rollout', 'status', '--namespace', namespace, target, '--timeout=280s'];
  const replaced = kubectl.run(args, { signal: limit, timeoutMilliseconds: orderMilliseconds });
  try {
    await Promise.race([replaced, watching]);
  } finally {
    over.abort();
    await Promise.allSettled([replaced, watching]);
  }
}
