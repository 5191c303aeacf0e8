import { describe, expect, it } from 'vitest';
import { planInKubernetes } from '../../src/index.js';
import type { KubernetesEvent } from '../../src/kubernetes/events.js';
import type { Kubectl } from '../../src/kubernetes/kubectl.js';
import type { Place } from '../../src/kubernetes/objects.js';
import type { Pod } from '../../src/kubernetes/pod-status.js';
import { awaitReplaced, endPods, PodWatch, stalePods, unmadePods, type Wanted } from '../../src/kubernetes/pods.js';
import { images, kubernetesSpec } from './example.js';

const signal = new AbortController().signal;

interface StandInOptions {
  readonly events?: readonly KubernetesEvent[];
  /** An order that takes until its signal aborts. */
  readonly endless?: string;
}

/** A cluster whose pods are, look after look, as given; the last state stays. Keeps what kubectl was told. */
function standIn(
  looks: readonly (readonly Pod[])[],
  { events = [], endless }: StandInOptions = {},
): { readonly place: Place; readonly orders: readonly string[] } {
  const orders: string[] = [];
  let look = 0;
  const kubectl: Kubectl = {
    run: async (args, options) => {
      orders.push(args.join(' '));
      if (args[0] === endless)
        await new Promise((_, reject) => options.signal.addEventListener('abort', () => reject(new Error('ended'))));
      return '';
    },
    async get<Value>(args: readonly string[]) {
      const items = args[0] === 'events' ? events : looks[Math.min(look++, looks.length - 1)];
      const answer: unknown = { items };
      return answer as Value;
    },
  };
  return { place: { kubectl, namespace: 'here', cluster: 'small' }, orders };
}

function pod(name: string, state: object, going = true): Pod {
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(going ? { deletionTimestamp: '2026-01-01T01:00:00Z' } : {}),
      labels: { 'app.kubernetes.io/name': name.replace(/-.*$/, '') },
    },
    status: {
      phase: 'waiting' in state ? 'Pending' : 'Running',
      containerStatuses: [{ restartCount: 0, ready: false, state }],
    },
  };
}

const running = { running: { startedAt: '2026-01-01T00:00:02Z' } };
const terminated = { terminated: { exitCode: 0 } };

describe('pods that are to end', () => {
  it('are waited for until their containers have ended, not until nothing is left of them', async () => {
    const { place, orders } = standIn([
      [pod('postgres-0', running, false), pod('postgres-1', running)],
      [pod('postgres-0', running), pod('postgres-1', terminated)],
      // The next one of that name is no business of this order.
      [pod('postgres-0', terminated), pod('postgres-2', running, false)],
    ]);
    await endPods(place, ['postgres-0', 'postgres-1'], signal, ['--grace-period=5']);
    expect(orders).toEqual([
      'delete --namespace here --ignore-not-found --wait=false --grace-period=5 pod/postgres-0 pod/postgres-1',
    ]);
  });

  it('never started, so nothing of them has to end', async () => {
    const { place } = standIn([[pod('etcd-0', { waiting: { reason: 'ErrImageNeverPull' } })]]);
    await endPods(place, ['etcd-0'], signal);
  });

  it('are not asked for when there are none', async () => {
    const { place, orders } = standIn([[]]);
    await endPods(place, [], signal);
    expect(orders).toEqual([]);
  });

  it('are no longer waited for by somebody who gives up', async () => {
    const { place } = standIn([[pod('etcd-0', running)]]);
    await expect(endPods(place, ['etcd-0'], AbortSignal.timeout(700))).rejects.toThrow();
  });
});

describe('pods that are to run', () => {
  const spec = kubernetesSpec('members: 1\netcd: {size: 1}\npooler: {enabled: false}\nsupabase: {enabled: false}\n');
  const { objects } = planInKubernetes(spec, images);
  const started = ['postgres-0', 'haproxy-a', 'haproxy-b'].map((name) => pod(name, running, false));
  const refusal = 'Container image "holdfast/etcd:1" is not present with pull policy of Never';
  const etcd = (reason: string, message?: string) =>
    pod('etcd-0', { waiting: { reason, ...(message === undefined ? {} : { message }) } }, false);

  /** Looks at these seconds; what is said of it, or what the last one threw. */
  async function watched(
    looks: readonly (readonly [seconds: number, pods: readonly Pod[]])[],
    options?: StandInOptions,
  ) {
    const { place } = standIn(
      looks.map(([, pods]) => pods),
      options,
    );
    let now = 0;
    const notes: string[] = [];
    const watch = new PodWatch(place, spec, () => now);
    const wanted: Wanted = { objects, note: (text) => notes.push(text) };
    let done = false;
    let error: unknown;
    for (const [seconds] of looks) {
      now = seconds * 1000;
      try {
        done = await watch.look(wanted, signal);
      } catch (thrown) {
        error = thrown;
      }
    }
    return { done, notes, error };
  }

  it('do', async () => {
    expect(await watched([[0, [...started, pod('etcd-0', running, false)]]])).toEqual({
      done: true,
      notes: [],
      error: undefined,
    });
  });

  it('are waited for until each workload has made its own', async () => {
    expect((await watched([[0, started]])).done).toBe(false);
    expect((await watched([[0, []]])).done).toBe(false);
  });

  it('are not those that go, nor those that are over', async () => {
    const over = pod('etcd-0', terminated, false);
    const failed = { ...over, status: { ...over.status, phase: 'Failed' } };
    expect((await watched([[0, [...started, pod('etcd-0', running, true)]]])).done).toBe(false);
    expect((await watched([[0, [...started, failed]]])).done).toBe(false);
  });

  it('cannot, for want of an image: named after 20 s, with every pod that lacks one', async () => {
    const lacking = pod('haproxy-a', { waiting: { reason: 'ErrImageNeverPull', message: 'another one' } }, false);
    const { error, notes } = await watched([
      [0, [...started, etcd('ErrImageNeverPull', refusal)]],
      [1, [...started, etcd('ErrImageNeverPull', refusal)]],
      [5, [...started, etcd('ErrImageNeverPull', refusal)]],
      [10, [...started, etcd('ErrImageNeverPull', refusal)]],
      [15, [...started, etcd('ErrImageNeverPull', refusal)]],
      [20, [...started.slice(0, 1), lacking, etcd('ErrImageNeverPull', refusal)]],
    ]);
    expect(notes).toEqual([]);
    expect(error).toMatchObject({
      code: 'HF_KUBERNETES_PODS_STUCK',
      detail: `haproxy-a: ErrImageNeverPull: another one\netcd-0: ErrImageNeverPull: ${refusal}`,
      suggestion: expect.stringContaining('kubernetes.images'),
    });
  });

  it('cannot, although the kubelet says it in other words each time', async () => {
    const looks = [...Array(11).keys()].map((index) => {
      const reason = index % 2 === 0 ? 'ErrImagePull' : 'ImagePullBackOff';
      return [index * 2, [...started, etcd(reason, `read udp 10.0.0.1:${40_000 + index}`)]] as const;
    });
    expect((await watched(looks)).error).toMatchObject({ code: 'HF_KUBERNETES_PODS_STUCK' });
    expect((await watched(looks.slice(0, 10))).error).toBeUndefined();
  });

  it('could again, so that waiting begins anew', async () => {
    const { error } = await watched([
      [0, [...started, etcd('ErrImagePull')]],
      [12, [...started, etcd('ContainerCreating')]],
      [24, [...started, etcd('ErrImagePull')]],
    ]);
    expect(error).toBeUndefined();
  });

  it('end again and again: told of, and hopeless after three times', async () => {
    const crashed = (restartCount: number) => {
      const state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container' } };
      const lastState = { terminated: { exitCode: 1 } };
      const found = pod('etcd-0', state, false);
      return {
        ...found,
        status: { phase: 'Running', containerStatuses: [{ restartCount, ready: false, state, lastState }] },
      };
    };
    const at = (seconds: number, times: number) => [seconds, [...started, crashed(times)]] as const;
    const early = await watched([at(0, 1), at(4, 1), at(8, 1), at(12, 2), at(16, 2), at(20, 2)]);
    expect(early.error).toBeUndefined();
    expect(early.notes).toEqual(['etcd-0: CrashLoopBackOff after 2 restarts, last end: exit 1']);
    const late = await watched([at(0, 1), at(4, 1), at(8, 1), at(12, 2), at(16, 2), at(20, 3)]);
    expect(late.error).toMatchObject({ detail: 'etcd-0: CrashLoopBackOff after 3 restarts, last end: exit 1' });
  });

  it('find no room: told of after 20 s, given up after 90, with what their claim says', async () => {
    const message = '0/1 nodes are available: 1 pod has unbound immediate PersistentVolumeClaims.';
    const waiting: Pod = {
      ...pod('etcd-0', running, false),
      status: {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
      },
    };
    const events: readonly KubernetesEvent[] = [
      {
        involvedObject: { kind: 'PersistentVolumeClaim', name: 'data-etcd-0' },
        type: 'Warning',
        reason: 'ProvisioningFailed',
        message: 'storageclass.storage.k8s.io "fast" not found',
        lastTimestamp: '2026-01-01T00:00:09Z',
      },
    ];
    const looks = [...Array(31).keys()].map((index) => [index * 3, [...started, waiting]] as const);
    const claim = 'claim data-etcd-0: ProvisioningFailed: storageclass.storage.k8s.io "fast" not found';
    const line = `etcd-0: Unschedulable: ${message}; ${claim}`;
    const { notes, error } = await watched(looks, { events });
    expect(notes).toEqual([line]);
    expect(error).toMatchObject({ detail: line, suggestion: expect.stringContaining('kubernetes.storageClass') });
  });

  it('are not made at all: what forbids it is named', async () => {
    const message = 'pods "etcd-0" is forbidden: exceeded quota: small';
    const events = [
      { involvedObject: { kind: 'StatefulSet', name: 'etcd' }, type: 'Warning', reason: 'FailedCreate', message },
      { involvedObject: { kind: 'StatefulSet', name: 'postgres' }, type: 'Warning', reason: 'Other', message: 'no' },
    ];
    const looks = [...Array(31).keys()].map((index) => [index * 3, started] as const);
    const { error } = await watched(looks, { events });
    expect(error).toMatchObject({ detail: `StatefulSet etcd: 0 of 1 pods are made; FailedCreate: ${message}` });
  });

  it('take long for a reason that only events tell: told of, and waited for', async () => {
    const events = [
      {
        involvedObject: { kind: 'Pod', name: 'etcd-0' },
        type: 'Warning',
        reason: 'FailedMount',
        message: 'secret "etcd-server-tls" not found',
      },
    ];
    const looks = [...Array(50).keys()].map((index) => [index * 4, [...started, etcd('ContainerCreating')]] as const);
    const { notes, error } = await watched(looks, { events });
    expect(error).toBeUndefined();
    expect(notes).toEqual(['etcd-0: ContainerCreating; FailedMount: secret "etcd-server-tls" not found']);
  });

  it('an autoscaler counts: one is enough', () => {
    const api = planInKubernetes(kubernetesSpec('api: {enabled: true}\n'), images).objects.filter(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'api',
    );
    expect(unmadePods(api, []).map(({ pod: name }) => name)).toEqual(['Deployment api']);
    expect(unmadePods(api, [pod('api-x', running, false)])).toEqual([]);
  });

  it('the one before has not ended yet: told of, and waited for', () => {
    const net = planInKubernetes(kubernetesSpec(''), images).objects.filter(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'net',
    );
    const [found] = unmadePods(net, [pod('net-x', running)]);
    expect(found).toMatchObject({ kind: 'slow', pod: 'Deployment net', text: 'waits for the end of net-x' });
  });

  it('replace others: kubectl is not waited for when they cannot', async () => {
    const { place, orders } = standIn([[...started, etcd('ErrImageNeverPull', refusal)]], { endless: 'rollout' });
    let now = 0;
    const watch = new PodWatch(place, spec, () => {
      now += 4900;
      return now;
    });
    const replaced = awaitReplaced(place, watch, { objects, target: 'statefulset/etcd' }, signal);
    await expect(replaced).rejects.toMatchObject({ code: 'HF_KUBERNETES_PODS_STUCK' });
    expect(orders).toEqual(['rollout status --namespace here statefulset/etcd --timeout=280s']);
  });

  it('replace others: done when kubectl says so', async () => {
    const { place } = standIn([[...started, pod('etcd-0', running, false)]]);
    await awaitReplaced(place, new PodWatch(place, spec), { objects, target: 'statefulset/etcd' }, signal);
  });
});

describe('pods that Kubernetes would keep as they are', () => {
  const set = { metadata: { generation: 4 }, status: { observedGeneration: 4, updateRevision: 'postgres-new' } };
  const made = (name: string, revision: string, state: object, going = false): Pod => {
    const { metadata, ...rest } = pod(name, state, going);
    return { ...rest, metadata: { ...metadata, labels: { ...metadata.labels, 'controller-revision-hash': revision } } };
  };
  const missing = { waiting: { reason: 'ErrImageNeverPull' } };

  it('are those of an older template in which nothing runs', () => {
    const pods = [
      made('postgres-0', 'postgres-old', missing),
      made('postgres-1', 'postgres-old', running),
      made('postgres-2', 'postgres-new', missing),
      made('postgres-3', 'postgres-old', missing, true),
      made('postgres-4', 'postgres-old', { waiting: { reason: 'CrashLoopBackOff' } }),
    ];
    expect(stalePods(set, pods)).toEqual(['postgres-0', 'postgres-4']);
  });

  it('are not known before the controller has seen the new template', () => {
    const pods = [made('postgres-0', 'postgres-old', missing)];
    expect(stalePods({ ...set, metadata: { generation: 5 } }, pods)).toBeUndefined();
    expect(stalePods({ ...set, status: {} }, pods)).toBeUndefined();
  });
});
