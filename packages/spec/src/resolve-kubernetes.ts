import type { ClusterSpec, Machine } from './cluster-spec.js';
import type { IngressSpec, KubernetesPart, KubernetesPreset, KubernetesSpec, PodResources } from './kubernetes-spec.js';
import type { SpecFile } from './schema.js';
import { specDefaults } from './spec-defaults.js';

const defaults = specDefaults.kubernetes;

/** The storage class that is made with such a cluster, or is the one to use for databases there; see docs/guides/kubernetes.md. */
const presets: Readonly<Record<KubernetesPreset, Pick<KubernetesSpec, 'storageClass' | 'spread'>>> = {
  minikube: { storageClass: 'standard', spread: 'preferred' },
  kind: { storageClass: 'standard', spread: 'preferred' },
  eks: { storageClass: 'gp3', spread: 'required' },
  gke: { storageClass: 'premium-rwo', spread: 'required' },
  aks: { storageClass: 'managed-csi-premium', spread: 'required' },
};

/** Every default filled in. */
export function resolveKubernetes(file: SpecFile): KubernetesSpec {
  const given = file.kubernetes ?? {};
  const preset = given.preset === undefined ? undefined : presets[given.preset];
  return {
    preset: given.preset,
    members: given.members ?? defaults.members,
    hosts: (file.hosts ?? []).map(({ address, name }) => name ?? address),
    nodes: given.nodes ?? [],
    namespace: given.namespace ?? file.name ?? specDefaults.name,
    domain: given.domain ?? defaults.domain,
    storageClass: given.storageClass ?? preset?.storageClass,
    storage: {
      postgresBytes: given.storage?.postgres ?? defaults.storage.postgresBytes,
      etcdBytes: given.storage?.etcd ?? defaults.storage.etcdBytes,
    },
    images: {
      patroni: given.images?.patroni,
      proxy: given.images?.proxy,
      etcd: given.images?.etcd,
      api: given.images?.api,
      pull: given.images?.pull ?? defaults.pull,
      pullSecrets: given.images?.pullSecrets ?? [],
    },
    resources: {
      postgres: podResources(file, 'postgres'),
      etcd: podResources(file, 'etcd'),
      haproxy: podResources(file, 'haproxy'),
      pooler: podResources(file, 'pooler'),
      net: podResources(file, 'net'),
      api: podResources(file, 'api'),
    },
    replicas: {
      haproxy: given.replicas?.haproxy ?? defaults.replicas.haproxy,
      pooler: given.replicas?.pooler ?? defaults.replicas.pooler,
      api: given.replicas?.api ?? defaults.replicas.api,
    },
    spread: given.spread ?? preset?.spread ?? defaults.spread,
    etcdNodePort: given.etcdNodePort === 'off' ? undefined : (given.etcdNodePort ?? defaults.etcdNodePort),
    networks: given.networks ?? defaults.networks,
    clients: given.clients ?? [],
    ingress: ingress(file),
    monitoring: monitoring(file),
  };
}

function podResources(file: SpecFile, part: KubernetesPart): PodResources {
  const given = file.kubernetes?.resources?.[part];
  const preset = defaults.resources[part];
  return { memoryBytes: given?.memory ?? preset.memoryBytes, cores: given?.cores ?? preset.cores };
}

function ingress({ kubernetes }: SpecFile): IngressSpec | undefined {
  const { api, statistics, className, tlsSecret, issuer } = kubernetes?.ingress ?? {};
  if (api === undefined && statistics === undefined) return undefined;
  return { api, statistics, className, tlsSecret: tlsSecret ?? defaults.tlsSecret, issuer };
}

function monitoring({ kubernetes }: SpecFile): KubernetesSpec['monitoring'] {
  const { enabled = defaults.monitoring.enabled, namespace, labels } = kubernetes?.monitoring ?? {};
  return enabled ? { namespace: namespace ?? defaults.monitoring.namespace, labels: labels ?? {} } : undefined;
}

/** What there is to size PostgreSQL from: the pods of all members together, whatever machine this is. */
export function kubernetesMachine(file: SpecFile, members: number): Machine {
  const { memoryBytes, cores } = podResources(file, 'postgres');
  return { memoryBytes: memoryBytes * members, cores: Math.ceil(cores * members) };
}

/**
 * The same cluster with the addresses that it has in Kubernetes. A member has a service of its own, `pg1`, so that its address outlives
 * its pods; etcd's members are known by their pods' names, since they check each other's certificates by address.
 */
export function placeInKubernetes(spec: ClusterSpec): ClusterSpec {
  const { namespace, domain } = spec.kubernetes;
  const service = (name: string) => `${name}.${namespace}.svc.${domain}`;
  const [etcd] = spec.etcd.members;
  return {
    ...placeMembers(spec, service),
    etcd: {
      ...spec.etcd,
      members: spec.etcd.members.map((each, index) => ({
        ...each,
        host: `etcd-${index}.${service('etcd')}`,
        clientPort: etcd?.clientPort ?? each.clientPort,
        peerPort: etcd?.peerPort ?? each.peerPort,
        namespace: undefined,
      })),
    },
    haproxy: { ...spec.haproxy, host: service('postgres-master'), everyHost: service('haproxy') },
    pooler: { ...spec.pooler, host: service('pgbouncer') },
    api: { ...spec.api, host: service('api') },
  };
}

function placeMembers(spec: ClusterSpec, service: (name: string) => string): ClusterSpec {
  const [member] = spec.members;
  if (spec.kubernetes.members === 'docker') return spec;
  return {
    ...spec,
    // Each pod has an address of its own, so all may have the first one's ports.
    members: spec.members.map((each) => ({
      ...each,
      host: service(each.name),
      port: member?.port ?? each.port,
      patroniPort: member?.patroniPort ?? each.patroniPort,
      agentPort: member?.agentPort ?? each.agentPort,
      namespace: undefined,
    })),
  };
}

/**
 * The members of a cluster whose etcd and proxies are in Kubernetes, as they run in Docker on hosts outside: etcd is one port of any node, behind
 * which Kubernetes chooses.
 */
export function placeOutside(spec: ClusterSpec): ClusterSpec {
  const { etcdNodePort, nodes } = spec.kubernetes;
  const members = nodes.map((host, index) => ({
    name: `etcd${index + 1}`,
    host,
    clientPort: etcdNodePort ?? 0,
    peerPort: etcdNodePort ?? 0,
    namespace: undefined,
  }));
  return { ...spec, etcd: { ...spec.etcd, members } };
}
