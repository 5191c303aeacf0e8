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
  readonly restartCount: number;
  readonly ready: boolean;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

interface ContainerState {
  readonly running?: { readonly startedAt?: string };
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly exitCode: number; readonly reason?: string; readonly finishedAt?: string };
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
      lastOutput: trouble === undefined ? undefined : [trouble.text],
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
  if (pod.metadata.deletionTimestamp !== undefined) return 'stopping';
  if (pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true) return 'ready';
  const waiting = waitingReason(pod);
  if (waiting !== undefined && failing.test(waiting)) return 'backoff';
  return pod.status.phase === 'Running' ? 'starting' : pod.status.phase === 'Pending' ? 'waiting' : 'stopped';
}

/** Reasons of a container that waits because something failed (kubelet's pkg/kubelet/images and container). */
const failing = /BackOff|ErrImage|ImageInspectError|InvalidImageName|CreateContainer.*Error|RunContainerError/;

function containers({ status }: Pod): readonly ContainerStatus[] {
  return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
}

function waitingReason(pod: Pod): string | undefined {
  return containers(pod).find(({ state }) => state?.waiting !== undefined)?.state?.waiting?.reason;
}

export interface Trouble {
  readonly kind: 'image' | 'schedule' | 'container';
  /** For people: the pod and what Kubernetes says. */
  readonly text: string;
}

/** Why a pod does not start, where Kubernetes says so; undefined: it is on its way. Pure. */
export function troubleOf(pod: Pod): Trouble | undefined {
  const { name } = pod.metadata;
  const scheduled = pod.status.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False')
    return { kind: 'schedule', text: `${name}: ${scheduled.message ?? scheduled.reason ?? 'no node takes it'}` };
  const waiting = containers(pod).find(({ state }) => state?.waiting !== undefined)?.state?.waiting;
  if (waiting?.reason === undefined || !failing.test(waiting.reason)) return undefined;
  const kind = /Image/.test(waiting.reason) ? 'image' : 'container';
  return {
    kind,
    text: `${name}: ${[waiting.reason, waiting.message].filter((each) => each !== undefined).join(': ')}`,
  };
}

/** Whether nothing of a pod that was told to end runs any more. Pure. */
export function hasEnded(pod: Pod): boolean {
  const isGoing = pod.metadata.deletionTimestamp !== undefined;
  return isGoing && containers(pod).every(({ state }) => state?.running === undefined);
}

function endOf({ status }: Pod): string | undefined {
  const end = status.containerStatuses?.[0]?.lastState?.terminated;
  if (end === undefined) return undefined;
  return end.reason === 'OOMKilled' ? 'out of memory' : `exit ${end.exitCode}`;
}
