import { describe, expect, it } from 'vitest';
import type { Kubectl } from '../../src/kubernetes/kubectl.js';
import type { Place } from '../../src/kubernetes/objects.js';
import type { Pod } from '../../src/kubernetes/pod-status.js';
import { endPods } from '../../src/kubernetes/pods.js';

const signal = new AbortController().signal;

/** A cluster whose pods are, look after look, as given; the last state stays. Keeps what kubectl was told. */
function standIn(looks: readonly (readonly Pod[])[]): { readonly place: Place; readonly orders: readonly string[] } {
  const orders: string[] = [];
  let look = 0;
  const kubectl: Kubectl = {
    run: async (args) => {
      orders.push(args.join(' '));
      return '';
    },
    async get<Value>() {
      const answer: unknown = { items: looks[Math.min(look++, looks.length - 1)] };
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
    },
    status: { phase: 'Running', containerStatuses: [{ restartCount: 0, ready: false, state }] },
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
