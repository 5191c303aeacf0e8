import type { Place } from './objects.js';
import type { Trouble, TroubleKind } from './pod-status.js';

/** What `kubectl get events -o json` says of one, as far as it is read here. */
export interface KubernetesEvent {
  readonly involvedObject: { readonly kind?: string; readonly name?: string };
  /** Normal, Warning */
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

const claimKind = 'PersistentVolumeClaim';

/** Of the last hour, which is how long Kubernetes keeps them; none where this account may not look. */
export async function listEvents(
  { kubectl, namespace }: Place,
  signal: AbortSignal,
): Promise<readonly KubernetesEvent[]> {
  try {
    const args = ['events', '--namespace', namespace];
    return (await kubectl.get<{ items: readonly KubernetesEvent[] }>(args, { signal }))?.items ?? [];
  } catch {
    signal.throwIfAborted();
    return [];
  }
}

/** What happened last to what is in trouble, where that says more than the pod itself; undefined: nothing is said. Pure. */
export function wordsOfEvents(events: readonly KubernetesEvent[], { kind, pod }: Trouble): string | undefined {
  const newest = (accept: (event: KubernetesEvent) => boolean) =>
    events.filter(accept).sort((one, other) => timeOf(other).localeCompare(timeOf(one)))[0];
  const ofPod = ({ involvedObject: about, type }: KubernetesEvent) =>
    type === 'Warning' && about.kind === 'Pod' && about.name === pod;
  // That no volume fits is said of the claim, and is no warning.
  const ofClaim = ({ involvedObject: about, type, reason }: KubernetesEvent) =>
    about.kind === claimKind && about.name === `data-${pod}` && (type === 'Warning' || reason === 'FailedBinding');
  // A Deployment's pods are made by its ReplicaSet, whose name begins with its own.
  const [workload, name = ''] = pod.split(' ');
  const ofWorkload = ({ involvedObject: about, type }: KubernetesEvent) =>
    type === 'Warning' &&
    (workload === 'Deployment'
      ? about.kind === 'ReplicaSet' && about.name?.startsWith(`${name}-`) === true
      : about.kind === workload && about.name === name);
  const telling: Readonly<Record<TroubleKind, readonly ((event: KubernetesEvent) => boolean)[]>> = {
    schedule: [ofClaim],
    slow: [ofPod, ofClaim],
    unmade: [ofWorkload],
    image: [],
    container: [],
    crash: [],
  };
  const found = telling[kind].flatMap((accept) => newest(accept) ?? []);
  return found.length === 0 ? undefined : found.map(describe).join('; ');
}

function timeOf({ lastTimestamp, eventTime }: KubernetesEvent): string {
  return lastTimestamp ?? eventTime ?? '';
}

function describe({ involvedObject, reason, message }: KubernetesEvent): string {
  const about = involvedObject.kind === claimKind ? [`claim ${involvedObject.name ?? ''}`] : [];
  return [...about, reason, message].filter((each) => each !== undefined && each !== '').join(': ');
}
