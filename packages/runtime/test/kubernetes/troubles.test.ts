import { describe, expect, it } from 'vitest';
import type { Trouble, TroubleKind } from '../../src/kubernetes/pod-status.js';
import { adviceFor, describeTroubles } from '../../src/kubernetes/troubles.js';
import { kubernetesSpec } from './example.js';

const trouble = (kind: TroubleKind, text = '', pod = 'etcd-0'): Trouble => ({ kind, pod, uid: pod, restarts: 0, text });

describe('what is said of pods that cannot start', () => {
  it('once for all that suffer from the same', () =>
    expect(
      describeTroubles([
        trouble('image', 'ErrImagePull: no such host'),
        trouble('image', 'ErrImagePull: other', 'haproxy-a'),
        trouble('image', 'ErrImagePull: no such host', 'etcd-1'),
      ]),
    ).toEqual(['etcd-0, etcd-1: ErrImagePull: no such host', 'haproxy-a: ErrImagePull: other']));

  it.each([
    ['image', 'ErrImagePull: no such host', 'Bring the images to the nodes'],
    ['image', 'ErrImagePull: pull access denied, repository does not exist', 'kubernetes.images.pullSecrets'],
    ['image', 'InvalidImageName: couldn\'t parse image reference "A B"', 'Mend the name in `kubernetes.images`'],
    ['crash', 'CrashLoopBackOff after 3 restarts', '`holdfast logs`'],
    ['schedule', '0/3 nodes are available: 3 Insufficient memory.', 'kubernetes.resources'],
    ['schedule', 'pod has unbound immediate PersistentVolumeClaims', 'kubernetes.storageClass'],
    ['container', 'CreateContainerConfigError: secret "x" not found', 'Mend what it says'],
    ['unmade', '0 of 3 pods are made; FailedCreate: exceeded quota', 'Mend what it says'],
  ] as const)('%s, %s: what to do', (kind, text, words) =>
    expect(adviceFor([trouble(kind, text)], kubernetesSpec())).toContain(words),
  );
});
