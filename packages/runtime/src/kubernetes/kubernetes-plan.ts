import { createHash } from 'node:crypto';
import {
  type ImageTags,
  type KubernetesObject,
  kubernetesLayout,
  type Plan,
  planCluster,
  planPods,
  renderKubernetesObjects,
  type Unit,
} from '@holdfast/components';
import type { ClusterSpec } from '@holdfast/spec';
import { builtImages } from '../docker/docker-folders.js';

/** What the runtime kubernetes makes of a spec, as the cluster's own parts see it. */
export interface KubernetesPlan {
  readonly plan: Plan;
  readonly objects: readonly KubernetesObject[];
}

/** Reads what images are built from, since their tags depend on it; the rest is pure. Throws HF_RUNTIME_PROGRAM_NOT_BUILT. */
export function planKubernetes(spec: ClusterSpec): KubernetesPlan {
  return planInKubernetes(spec, imagesFor(spec));
}

/** Pure. Every unit with the pod that it runs in. */
export function planInKubernetes(spec: ClusterSpec, images: ImageTags): KubernetesPlan {
  const objects = [...renderKubernetesObjects(spec, images).values()].flat();
  const { cluster, dynamicConfiguration } = planCluster({ spec, layout: kubernetesLayout });
  const units = planPods(spec).map((unit) => {
    const { workload, name } = podOf(unit);
    const template = templateOf(objects.find((each) => isWorkload(each) && each.metadata.name === workload));
    // Whatever makes Kubernetes want another pod is a change of the unit as well.
    const digest = createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 12);
    return { ...unit, container: { name, image: `${workload}@${digest}` } };
  });
  return { plan: { cluster, units, dynamicConfiguration }, objects };
}

/** Where a unit runs: the workload that keeps its pods, and one pod's name where it has a fixed one. Pure. */
export function podOf({ id, component }: Pick<Unit, 'id' | 'component'>): {
  readonly workload: string;
  /** The pod, or the workload where its pods have names of Kubernetes' choice. */
  readonly name: string;
  readonly isFixed: boolean;
} {
  const number = Number(/\d+/.exec(id)?.[0] ?? 1) - 1;
  if (component === 'etcd') return { workload: 'etcd', name: `etcd-${number}`, isFixed: true };
  if (component === 'patroni' || component === 'agent')
    return { workload: 'postgres', name: `postgres-${number}`, isFixed: true };
  return { workload: component, name: component, isFixed: false };
}

export function isWorkload({ kind }: { readonly kind: string }): boolean {
  return kind === 'StatefulSet' || kind === 'Deployment';
}

function templateOf(object: KubernetesObject | undefined): unknown {
  const spec = object?.spec as { readonly template?: unknown } | undefined;
  return spec?.template ?? null;
}

function imagesFor(spec: ClusterSpec): ImageTags {
  const { patroni, proxy, etcd, api } = spec.kubernetes.images;
  if (patroni !== undefined && proxy !== undefined && etcd !== undefined && (api !== undefined || !spec.api.enabled))
    return { patroni, proxy, etcd, api: api ?? '' };
  return builtImages(spec);
}
