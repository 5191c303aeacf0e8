import { describe, expect, it } from 'vitest';
import { planInKubernetes } from '../../src/index.js';
import { type Pod, troubleOf, unitStatuses } from '../../src/kubernetes/pod-status.js';
import { images, kubernetesSpec } from './example.js';

const { plan } = planInKubernetes(kubernetesSpec(), images);

function pod(name: string, status: Partial<Pod['status']> = {}, part = name.replace(/-.*$/, '')): Pod {
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'app.kubernetes.io/name': part },
    },
    status: { phase: 'Running', startTime: '2026-01-01T00:00:01Z', ...status },
  };
}

const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
const waiting = (reason: string, message?: string) => ({
  phase: 'Pending',
  containerStatuses: [
    { restartCount: 0, ready: false, state: { waiting: { reason, ...(message === undefined ? {} : { message }) } } },
  ],
});
const stateOf = (unit: string, pods: readonly Pod[]) => unitStatuses(plan, pods).find(({ id }) => id === unit);

describe('what pods say of units', () => {
  it('a member and its agent share one', () => {
    const pods = [pod('postgres-1', ready)];
    expect(stateOf('pg2', pods)?.state).toBe('ready');
    expect(stateOf('pg2-agent', pods)?.state).toBe('ready');
    expect(stateOf('pg1', pods)?.state).toBe('stopped');
  });

  it('a proxy is ready as soon as one of its pods is', () => {
    const pods = [pod('haproxy-a'), pod('haproxy-b', ready)];
    expect(stateOf('haproxy', pods)?.state).toBe('ready');
    expect(stateOf('haproxy', [pod('haproxy-a')])?.state).toBe('starting');
  });

  it('an image that is missing is named', () => {
    const found = stateOf('etcd1', [
      pod('etcd-0', waiting('ErrImageNeverPull', 'image "holdfast/etcd:1" is not present')),
    ]);
    expect(found).toMatchObject({ state: 'backoff' });
    expect(found?.lastOutput?.[0]).toContain('holdfast/etcd:1');
  });

  it('counts restarts and says how it ended', () => {
    const terminated = { exitCode: 137, reason: 'OOMKilled' };
    const status = { containerStatuses: [{ restartCount: 3, ready: false, lastState: { terminated } }] };
    expect(stateOf('pg1', [pod('postgres-0', status)])).toMatchObject({ restarts: 3, lastEnd: 'out of memory' });
  });

  it('a pod that goes is stopping', () => {
    const going = pod('etcd-2', ready);
    const gone = { ...going, metadata: { ...going.metadata, deletionTimestamp: '2026-01-01T00:00:09Z' } };
    expect(stateOf('etcd3', [gone])?.state).toBe('stopping');
  });
});

describe('why a pod does not start', () => {
  it.each([
    ['schedule', { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes' }] }],
    ['image', waiting('ImagePullBackOff')],
    ['image', waiting('ErrImagePull')],
    ['image', waiting('ErrImageNeverPull')],
    ['image', waiting('InvalidImageName')],
    ['image', waiting('RegistryUnavailable')],
    ['container', waiting('CreateContainerConfigError')],
    ['container', waiting('CreateContainerError')],
    ['container', waiting('RunContainerError')],
    ['crash', waiting('CrashLoopBackOff')],
  ] as const)('%s', (kind, status) => expect(troubleOf(pod('etcd-0', status))?.kind).toBe(kind));

  it('is said of the init container, when it is that one', () => {
    const { phase, containerStatuses } = waiting('PodInitializing');
    const failed = waiting('ErrImagePull', 'no such host').containerStatuses;
    const initContainerStatuses = failed.map((each) => ({ ...each, name: 'find-hosts' }));
    expect(troubleOf(pod('haproxy-a', { phase, initContainerStatuses, containerStatuses }))).toMatchObject({
      kind: 'image',
      pod: 'haproxy-a',
      text: 'init container find-hosts: ErrImagePull: no such host',
    });
  });

  it('is said of a container behind one that only waits', () => {
    const containerStatuses = ['ContainerCreating', 'CreateContainerConfigError'].flatMap(
      (reason) => waiting(reason).containerStatuses,
    );
    expect(troubleOf(pod('etcd-0', { phase: 'Pending', containerStatuses }))?.kind).toBe('container');
  });

  it.each([waiting('ContainerCreating'), waiting('PodInitializing'), ready])(
    'is not said of one on its way',
    (status) => {
      expect(troubleOf(pod('etcd-0', status))).toBeUndefined();
    },
  );
});
