import type { Plan } from '@holdfast/components';
import type { UnitState, UnitStatus } from '../runtime.js';
import { podOf } from './kubernetes-plan.js';

/** What `kubectl get pods -o json` says of one pod, as far as it is read here. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly status: {
    /** Pending, Running, Succeeded, Failed, Unknown */
    readonly phase: string;
    readonly startTime?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly name?: string;
  readonly restartCount: number;
  readonly ready: boolean;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

interface ContainerState {
  readonly running?: { readonly startedAt?: string };
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: Ended;
}

interface Ended {
  readonly exitCode: number;
  readonly reason?: string;
  readonly finishedAt?: string;
}

/** Of the plan's units, by their pods. Pure. A proxy counts as ready as soon as one of its pods is. */
export function unitStatuses(plan: Plan | undefined, pods: readonly Pod[]): readonly UnitStatus[] {
  return (plan?.units ?? []).map((unit) => {
    const { workload, name, isFixed } = podOf(unit);
    const own = pods.filter(({ metadata }) =>
      isFixed ? metadata.name === name : metadata.labels?.['app.kubernetes.io/name'] === workload,
    );
    const [best] = [...own].sort((one, other) => rank[stateOf(one)] - rank[stateOf(other)]);
    const restarts = own.reduce((sum, pod) => sum + (pod.status.containerStatuses?.[0]?.restartCount ?? 0), 0);
    const trouble = best === undefined ? undefined : troubleOf(best);
    return {
      id: unit.id,
      component: unit.component,
      state: best === undefined ? 'stopped' : stateOf(best),
      pid: undefined,
      pids: [],
      since: best?.status.startTime ?? best?.metadata.creationTimestamp ?? new Date(0).toISOString(),
      restarts,
      lastEnd: best === undefined ? undefined : endOf(best),
      lastOutput: trouble === undefined ? undefined : [`${trouble.pod}: ${trouble.text}`],
      nextStartAt: undefined,
    };
  });
}

const rank: Readonly<Record<UnitState, number>> = {
  ready: 0,
  starting: 1,
  waiting: 2,
  backoff: 3,
  stopping: 4,
  stopped: 5,
};

function stateOf(pod: Pod): UnitState {
  if (isGoing(pod)) return 'stopping';
  if (pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true) return 'ready';
  if (failingContainer(pod) !== undefined) return 'backoff';
  return pod.status.phase === 'Running' ? 'starting' : pod.status.phase === 'Pending' ? 'waiting' : 'stopped';
}

/** Told to end; what Kubernetes makes in its place has another uid. */
export function isGoing({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** Whether all of its containers run now, ready or not. */
export function isStarted({ status }: Pod): boolean {
  const all = status.containerStatuses ?? [];
  return status.phase === 'Running' && all.every(({ state }) => state?.running !== undefined);
}

/** Reasons of a container that waits because something failed (kubelet's pkg/kubelet/images/types.go and container/sync_result.go). */
const failing = /BackOff$|^Err|Error$|^InvalidImageName$|^RegistryUnavailable$|^SignatureValidationFailed$/;
const failingImage = /Image|Registry|Signature/;
const crashing = 'CrashLoopBackOff';

function containers({ status }: Pod): readonly ContainerStatus[] {
  return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
}

/** The first one, in the order in which they start; the others may wait for it. */
function failingContainer(pod: Pod): ContainerStatus | undefined {
  return containers(pod).find(({ state }) => failing.test(state?.waiting?.reason ?? ''));
}

/**
 * - `image`, `container`: it cannot be fetched, or not be started
 * - `crash`: it ends again and again
 * - `schedule`: no node takes the pod, or it has no volume
 * - `unmade`: what keeps pods has fewer than it should
 * - `slow`: it does not run yet, and nothing is said of a failure
 */
export type TroubleKind = 'image' | 'container' | 'crash' | 'schedule' | 'unmade' | 'slow';

export interface Trouble {
  readonly kind: TroubleKind;
  /** Its name; of `unmade`: kind and name of what should make it. */
  readonly pod: string;
  /** Of the pod: the next one of its name has another. */
  readonly uid: string;
  /** Times that the container was started again. */
  readonly restarts: number;
  /** For people: what Kubernetes says. */
  readonly text: string;
}

/** Why a pod does not start, where Kubernetes says so; undefined: it is on its way. Pure. */
export function troubleOf(pod: Pod): Trouble | undefined {
  const { name, uid } = pod.metadata;
  const scheduled = pod.status.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') {
    const text = words(scheduled.reason, scheduled.message) ?? 'no node takes it';
    return { kind: 'schedule', pod: name, uid, restarts: 0, text };
  }
  const container = failingContainer(pod);
  const { reason, message } = container?.state?.waiting ?? {};
  if (container === undefined || reason === undefined) return undefined;
  const { restartCount: restarts } = container;
  const isFirst = pod.status.initContainerStatuses?.includes(container) === true;
  const which = isFirst ? `init container ${container.name ?? ''}: ` : '';
  if (reason === crashing) {
    const end = container.lastState?.terminated;
    const ended = end === undefined ? '' : `, last end: ${describeEnd(end)}`;
    const times = `${reason} after ${restarts} restart${restarts === 1 ? '' : 's'}`;
    return { kind: 'crash', pod: name, uid, restarts, text: `${which}${times}${ended}` };
  }
  const kind = failingImage.test(reason) ? 'image' : 'container';
  return { kind, pod: name, uid, restarts, text: `${which}${words(reason, message) ?? reason}` };
}

/** A pod of which nothing is known but that it is on its way. Pure. */
export function slowStart(pod: Pod): Trouble {
  const { name, uid } = pod.metadata;
  const reason = containers(pod).find(({ state }) => state?.waiting !== undefined)?.state?.waiting?.reason;
  return { kind: 'slow', pod: name, uid, restarts: 0, text: reason ?? 'it has not started yet' };
}

function words(...parts: readonly (string | undefined)[]): string | undefined {
  const known = parts.filter((each) => each !== undefined && each !== '');
  return known.length === 0 ? undefined : known.join(': ');
}

/** Whether nothing of a pod that was told to end runs any more. Pure. */
export function hasEnded(pod: Pod): boolean {
  return isGoing(pod) && containers(pod).every(({ state }) => state?.running === undefined);
}

function endOf({ status }: Pod): string | undefined {
  const end = status.containerStatuses?.[0]?.lastState?.terminated;
  return end === undefined ? undefined : describeEnd(end);
}

function describeEnd({ exitCode, reason }: Ended): string {
  return reason === 'OOMKilled' ? 'out of memory' : `exit ${exitCode}`;
}
