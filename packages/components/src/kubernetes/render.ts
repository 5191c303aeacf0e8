import type { ClusterSpec } from '@holdfast/spec';
import { stringify } from 'yaml';
import type { ImageTags } from '../container-layout.js';
import { planCluster } from '../plan-cluster.js';
import type { Unit } from '../unit.js';
import { renderAccess, renderNamespace } from './access.js';
import { renderApi } from './api.js';
import { renderEtcd } from './etcd.js';
import { withFoundHosts } from './find-hosts.js';
import { renderHaproxy } from './haproxy.js';
import { renderIngress } from './ingress.js';
import { kubernetesLayout } from './layout.js';
import { renderMakeSecrets } from './make-secrets.js';
import { renderMonitoring } from './monitoring.js';
import { renderNet } from './net.js';
import { renderNetworkPolicies } from './network-policies.js';
import type { KubernetesObject, PodName } from './objects.js';
import { renderPgbouncer } from './pgbouncer.js';
import { renderPostgres } from './postgres.js';
import { renderSupabaseValues } from './supabase-values.js';

export interface RenderedFile {
  /** Below the folder that is rendered to. */
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/** Objects by the file that they are in, in the order in which they are applied. */
export type KubernetesFiles = ReadonlyMap<string, readonly KubernetesObject[]>;

/**
 * Every object of a cluster in Kubernetes, from a spec with `runtime: kubernetes`. The units are planCluster's, so the configuration that pods run is
 * the process runtime's but for addresses and paths. `built`: the images to take where the spec names none. No secret is in it. Pure: the same input
 * gives the same bytes.
 */
export function renderKubernetesObjects(spec: ClusterSpec, built: ImageTags): KubernetesFiles {
  const images = imagesOf(spec, built);
  const isSplit = spec.kubernetes.members === 'docker';
  const units = planPods(spec);
  const of = (component: string) => units.filter((unit) => unit.component === component);
  const [haproxy, pooler, net, api] = [of('haproxy')[0], of('pgbouncer')[0], of('net')[0], of('api')[0]];
  const parts: readonly PodName[] = [
    'etcd',
    'etcd-defragmentation',
    ...(isSplit ? [] : (['postgres'] as const)),
    ...(haproxy === undefined ? [] : (['haproxy'] as const)),
    ...(pooler === undefined ? [] : (['pgbouncer'] as const)),
    ...(net === undefined ? [] : (['net'] as const)),
    ...(api === undefined ? [] : (['api'] as const)),
  ];
  const files: readonly (readonly [string, readonly KubernetesObject[]])[] = [
    ['namespace.yaml', renderNamespace(spec)],
    ['rbac.yaml', renderAccess(spec, parts)],
    ['network-policies.yaml', renderNetworkPolicies(spec)],
    ['etcd-cluster.yaml', renderEtcd(spec, of('etcd'), images)],
    ['postgres.yaml', isSplit ? [] : renderPostgres(spec, units, images)],
    ['haproxy-deployment.yaml', haproxy === undefined ? [] : renderHaproxy(spec, haproxy, images)],
    ['pgbouncer.yaml', pooler === undefined ? [] : renderPgbouncer(spec, pooler, images)],
    ['net.yaml', net === undefined ? [] : renderNet(spec, net, images)],
    ['api.yaml', api === undefined ? [] : renderApi(spec, api, images)],
    ['ingress.yaml', renderIngress(spec)],
    ['monitoring.yaml', renderMonitoring(spec)],
  ];
  return new Map(files.filter(([, objects]) => objects.length > 0));
}

/** What pods run: all of a cluster, or what is not in Docker. Pure. */
export function planPods(spec: ClusterSpec): readonly Unit[] {
  const { units } = planCluster({ spec, layout: kubernetesLayout });
  if (spec.kubernetes.members !== 'docker') return units;
  const found = planCluster({ spec: withFoundHosts(spec), layout: kubernetesLayout }).units;
  return units
    .filter(({ component }) => component !== 'patroni' && component !== 'agent')
    .map((unit) => (unit.component === 'haproxy' ? (found.find(({ id }) => id === unit.id) ?? unit) : unit));
}

/** The folder that `holdfast render kubernetes` writes. Pure. */
export function renderKubernetes(spec: ClusterSpec, built: ImageTags): readonly RenderedFile[] {
  const objects = renderKubernetesObjects(spec, built);
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [...objects.keys()],
  };
  const plain = (path: string, content: string) => ({ path, content: `${head}${content}`, mode: 0o644 });
  return [
    plain('k8s/kustomization.yaml', yaml(kustomization)),
    ...[...objects].map(([name, all]) => plain(`k8s/${name}`, all.map(yaml).join('---\n'))),
    { path: 'k8s/make-secrets', content: renderMakeSecrets(spec), mode: 0o755 },
    ...(spec.supabase.enabled ? [plain('supabase-helm/values-patroni.yaml', yaml(renderSupabaseValues(spec)))] : []),
  ];
}

function imagesOf({ kubernetes }: ClusterSpec, built: ImageTags): ImageTags {
  const { patroni, proxy, etcd, api } = kubernetes.images;
  return {
    patroni: patroni ?? built.patroni,
    proxy: proxy ?? built.proxy,
    etcd: etcd ?? built.etcd,
    api: api ?? built.api,
  };
}

const head = '# Written by `holdfast render kubernetes`. Change holdfast.yaml and render again.\n';

/** kubectl and helm read YAML 1.1, where a plain `on` is a boolean: version 1.1 quotes what has to be quoted. */
function yaml(document: unknown): string {
  return stringify(document, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
}
