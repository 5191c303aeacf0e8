/** Where Kubernetes runs; each one's storage class and spread are its defaults. */
export type KubernetesPreset = 'minikube' | 'kind' | 'eks' | 'gke' | 'aks';

/** What the runtime `kubernetes` adds to a cluster. Sizes in bytes, cores may be fractions. */
export interface KubernetesSpec {
  /** `docker`: members of PostgreSQL run in Docker on `hosts`, and come to etcd by the port of `nodes`; the rest runs in Kubernetes. */
  readonly members: 'kubernetes' | 'docker';
  /** With members in Docker: where pods find each Docker host, in the order of the file. */
  readonly hosts: readonly string[];
  /** With members in Docker: addresses of nodes. */
  readonly nodes: readonly string[];
  readonly preset: KubernetesPreset | undefined;
  readonly namespace: string;
  /** The suffix of the names of services: `cluster.local`. */
  readonly domain: string;
  /** Undefined: the default one of the Kubernetes cluster. */
  readonly storageClass: string | undefined;
  readonly storage: { readonly postgresBytes: number; readonly etcdBytes: number };
  readonly images: KubernetesImages;
  readonly resources: Readonly<Record<KubernetesPart, PodResources>>;
  readonly replicas: { readonly haproxy: number; readonly pooler: number; readonly api: number };
  /** `required`: never two of a kind on one node; `preferred`: where it can be. */
  readonly spread: 'required' | 'preferred';
  /** Port of every node at which etcd can be reached from outside; undefined: nowhere. */
  readonly etcdNodePort: number | undefined;
  /** Networks that pods and nodes have their addresses from. */
  readonly networks: readonly string[];
  /** Namespaces whose pods may connect, besides the cluster's own. */
  readonly clients: readonly string[];
  readonly ingress: IngressSpec | undefined;
  readonly monitoring: MonitoringSpec | undefined;
}

export type KubernetesPart = 'postgres' | 'etcd' | 'haproxy' | 'pooler' | 'net' | 'api';

export interface PodResources {
  readonly memoryBytes: number;
  readonly cores: number;
}

/** An image that is undefined is the one that the runtime docker builds, whose tag depends on what it is built from. */
export interface KubernetesImages {
  readonly patroni: string | undefined;
  readonly proxy: string | undefined;
  readonly etcd: string | undefined;
  readonly api: string | undefined;
  readonly pull: 'IfNotPresent' | 'Always' | 'Never';
  /** Names of Secrets with credentials of a registry. */
  readonly pullSecrets: readonly string[];
}

/** At least one of the hosts is there. */
export interface IngressSpec {
  /** Host name of Supabase's API. */
  readonly api: string | undefined;
  /** Host name of HAProxy's statistics. */
  readonly statistics: string | undefined;
  readonly className: string | undefined;
  /** Secret with the certificate. */
  readonly tlsSecret: string;
  /** cert-manager's ClusterIssuer that fills the Secret; undefined: somebody else does. */
  readonly issuer: string | undefined;
}

export interface MonitoringSpec {
  /** Namespace that Prometheus runs in. */
  readonly namespace: string;
  /** Labels that its selectors look for. */
  readonly labels: Readonly<Record<string, string>>;
}
