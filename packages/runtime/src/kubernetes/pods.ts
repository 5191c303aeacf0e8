import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterSpec, timeLimit } from '@holdfast/spec';
import { podsDoNotEnd, podsStuck } from './errors.js';
import { orderMilliseconds } from './kubectl.js';
import { type Place, selector } from './objects.js';
import { hasEnded, type Pod, type Trouble, troubleOf } from './pod-status.js';

/** What keeps a pod from starting for so long has a lasting reason. A volume or a node may still be on its way for longer. */
const troubleMilliseconds: Readonly<Record<Trouble['kind'], number>> = {
  image: 20_000,
  container: 20_000,
  schedule: 90_000,
};
const appearMilliseconds = 120_000;
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

/** Until every pod runs, or Kubernetes says why one cannot: HF_KUBERNETES_PODS_STUCK. */
export async function awaitPods(place: Place, spec: ClusterSpec, signal: AbortSignal): Promise<void> {
  const limit = timeLimit(signal, appearMilliseconds);
  const since = new Map<string, number>();
  for (;;) {
    const all = await listPods(place, signal);
    const waiting = all.filter(({ status }) => status.phase === 'Pending');
    const troubles = waiting.flatMap((pod) => troubleOf(pod) ?? []);
    for (const { text } of troubles) if (!since.has(text)) since.set(text, performance.now());
    const lasting = troubles.filter(
      ({ kind, text }) => performance.now() - (since.get(text) ?? 0) > troubleMilliseconds[kind],
    );
    if (lasting.length > 0) throw podsStuck([...new Set(lasting.map(({ text }) => text))], adviceFor(lasting, spec));
    // A pod that waits for its turn appears later; whoever waits for the database sees to that.
    if (all.length > 0 && waiting.length === 0) return;
    if (limit.aborted) return;
    await sleep(pauseMilliseconds, undefined, { signal });
  }
}

/** Until Kubernetes has replaced the pods that it replaces by itself. */
export async function awaitRollout(
  place: Place,
  objects: readonly { readonly kind: string; readonly metadata: { readonly name: string } }[],
  signal: AbortSignal,
): Promise<void> {
  if (objects.some(({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === 'etcd'))
    await awaitReplaced(place, 'statefulset/etcd', signal);
  for (const { kind, metadata } of objects)
    if (kind === 'Deployment') await awaitReplaced(place, `deployment/${metadata.name}`, signal);
}

/** `deployment/haproxy` */
export async function awaitReplaced({ kubectl, namespace }: Place, target: string, signal: AbortSignal): Promise<void> {
  await kubectl.run(['rollout', 'status', '--namespace', namespace, target, '--timeout=280s'], {
    signal,
    timeoutMilliseconds: orderMilliseconds,
  });
}

function adviceFor(troubles: readonly Trouble[], { kubernetes }: ClusterSpec): string {
  if (troubles.some(({ kind }) => kind === 'image'))
    return `Bring the images to the nodes, or name others in \`kubernetes.images\` (pull: ${kubernetes.images.pull}); docs/guides/kubernetes.md#images says how. Then run \`holdfast up\` again.`;
  if (troubles.some(({ text }) => /PersistentVolumeClaim|volume/i.test(text)))
    return 'No volume is made for a claim: check `kubernetes.storageClass` and `kubernetes.storage`, then run `holdfast up` again.';
  if (troubles.some(({ kind }) => kind === 'schedule'))
    return 'Give the nodes room, or ask for less: `kubernetes.resources`, `kubernetes.spread`. Then run `holdfast up` again.';
  return 'Mend what it says, then run `holdfast up` again: it goes on where this one stopped.';
}
