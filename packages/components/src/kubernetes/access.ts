import type { ClusterSpec } from '@holdfast/spec';
import { apiSecret, secretObjects } from './layout.js';
import { clusterWide, type KubernetesObject, namespaced, type PodName } from './objects.js';

/** The namespace, which holds its pods to the strictest of the Pod Security Standards. */
export function renderNamespace(spec: ClusterSpec): readonly KubernetesObject[] {
  const { namespace } = spec.kubernetes;
  const object = clusterWide(spec, {
    apiVersion: 'v1',
    kind: 'Namespace',
    name: namespace,
    part: 'namespace',
    body: {},
  });
  const security = ['enforce', 'audit', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']);
  const labels = { ...object.metadata.labels, ...Object.fromEntries(security) };
  return [{ ...object, metadata: { ...object.metadata, labels } }];
}

/**
 * Who may do what. The pods themselves never talk to the Kubernetes API (Patroni keeps its state in etcd), so their accounts have no token and no
 * role. The roles are for people and programs that look after the cluster; who they are, a RoleBinding says. Pure.
 */
export function renderAccess(spec: ClusterSpec, parts: readonly PodName[]): readonly KubernetesObject[] {
  return [
    ...parts.map((name) =>
      namespaced(spec, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        name,
        body: { automountServiceAccountToken: false },
      }),
    ),
    priorityClass(spec, 'database', 1_000_000, 'PostgreSQL and etcd: the last that a full node gives up.'),
    priorityClass(spec, 'proxy', 900_000, 'What stands between clients and PostgreSQL.'),
    role(spec, 'holdfast-viewer', viewerRules),
    role(spec, 'holdfast-operator', operatorRules),
  ];
}

function priorityClass(
  spec: ClusterSpec,
  name: 'database' | 'proxy',
  value: number,
  description: string,
): KubernetesObject {
  return clusterWide(spec, {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    name: `${spec.kubernetes.namespace}-${name}`,
    part: name,
    body: { value, globalDefault: false, preemptionPolicy: 'PreemptLowerPriority', description },
  });
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const look = ['get', 'list', 'watch'];
/** Server-side apply is a patch; what the spec no longer has is deleted. Volumes and their claims are not among it. */
const keep = [...look, 'create', 'patch', 'delete'];

const viewerRules: readonly Rule[] = [
  {
    apiGroups: [''],
    resources: ['configmaps', 'endpoints', 'events', 'persistentvolumeclaims', 'pods', 'pods/log', 'services'],
    verbs: look,
  },
  { apiGroups: ['apps'], resources: ['deployments', 'replicasets', 'statefulsets'], verbs: look },
  { apiGroups: ['batch'], resources: ['cronjobs', 'jobs'], verbs: look },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: look },
  { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: look },
  { apiGroups: ['networking.k8s.io'], resources: ['ingresses', 'networkpolicies'], verbs: look },
];

const operatorRules: readonly Rule[] = [
  { apiGroups: [''], resources: ['configmaps', 'serviceaccounts', 'services'], verbs: keep },
  { apiGroups: [''], resources: ['pods'], verbs: [...look, 'delete'] },
  // exec: stopping, starting and killing a member.
  { apiGroups: [''], resources: ['pods/eviction', 'pods/exec', 'pods/portforward'], verbs: ['create'] },
  { apiGroups: [''], resources: ['endpoints', 'events', 'persistentvolumeclaims', 'pods/log'], verbs: look },
  // Making one cannot be limited to a name.
  { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
  {
    apiGroups: [''],
    resources: ['secrets'],
    resourceNames: [...Object.values(secretObjects), apiSecret],
    verbs: ['get', 'patch'],
  },
  { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: keep },
  // Deployments leave theirs behind when their pods shall go in an order of ours.
  { apiGroups: ['apps'], resources: ['replicasets'], verbs: [...look, 'delete'] },
  { apiGroups: ['batch'], resources: ['cronjobs'], verbs: keep },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: keep },
  { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: keep },
  { apiGroups: ['networking.k8s.io'], resources: ['ingresses', 'networkpolicies'], verbs: keep },
  { apiGroups: ['monitoring.coreos.com'], resources: ['prometheusrules', 'servicemonitors'], verbs: keep },
];

function role(spec: ClusterSpec, name: string, rules: readonly Rule[]): KubernetesObject {
  return namespaced(spec, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', name, body: { rules } });
}
