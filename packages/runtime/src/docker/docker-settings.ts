import type { ImageTags } from '@holdfast/components';
import type { ClusterSpec } from '@holdfast/spec';
import { MiB } from '@holdfast/spec';

/** What Compose services need beyond the plan. Made from the spec; no I/O. */
export interface DockerSettings {
  readonly cluster: string;
  /** Tells the state folder's containers and volumes from those of another cluster of this name; undefined: rendered for use by hand. */
  readonly owner: string | undefined;
  /** Address of the host that ports are published on. */
  readonly publish: string;
  readonly network: { readonly kind: 'bridge'; readonly subnet: string } | { readonly kind: 'host' };
  readonly baseImage: string;
  /** etcd and the proxies are in Kubernetes, in this namespace; their Secrets hold the passwords and etcd's certificates. */
  readonly kubernetes: { readonly namespace: string } | undefined;
  readonly limits: Readonly<Record<'etcd' | 'patroni' | 'agent' | 'haproxy' | 'pgbouncer' | 'net' | 'api', Limits>>;
}

export interface Limits {
  readonly memoryBytes: number;
  /** Processes and threads. */
  readonly tasks: number;
  /** Of /dev/shm, where PostgreSQL's parallel workers meet. */
  readonly sharedMemoryBytes: number;
}

/** Tags: of the API's image, and of the others. */
export interface ImageVersions {
  readonly database: string;
  readonly api: string;
}

/** Name and tag of each image. Pure. */
export function imageTags({ database, api }: ImageVersions): ImageTags {
  return {
    etcd: `holdfast/etcd:${database}`,
    patroni: `holdfast/patroni:${database}`,
    proxy: `holdfast/proxy:${database}`,
    api: `holdfast/api:${api}`,
  };
}

/** Pure. */
export function dockerSettings(spec: ClusterSpec, owner?: string): DockerSettings {
  return {
    cluster: spec.name,
    owner,
    publish: spec.listen,
    network: spec.docker.hosts.length > 0 ? { kind: 'host' } : { kind: 'bridge', subnet: spec.docker.subnet },
    baseImage: spec.docker.baseImage,
    kubernetes: spec.kubernetes.members === 'docker' ? { namespace: spec.kubernetes.namespace } : undefined,
    limits: limits(spec),
  };
}

/**
 * A member may use its share of what the spec lets the cluster plan with. There is no limit of processor time: a container that is
 * throttled for a tenth of a second looks dead to others.
 */
function limits({ resources, members, postgres, etcd, haproxy, pooler, api }: ClusterSpec): DockerSettings['limits'] {
  const share = Math.max(512 * MiB, Math.floor(resources.memoryBytes / members.length));
  const sharedMemoryBytes = 64 * MiB;
  const member = {
    memoryBytes: share,
    tasks: 500 + 2 * Number(postgres.parameters.max_connections ?? 200),
    sharedMemoryBytes: Math.max(128 * MiB, Math.floor(share / 4)),
  };
  return {
    patroni: member,
    agent: member,
    etcd: { memoryBytes: etcd.quotaBytes + 512 * MiB, tasks: 500, sharedMemoryBytes },
    haproxy: { memoryBytes: 128 * MiB + haproxy.maxConnections * 100_000, tasks: 200, sharedMemoryBytes },
    pgbouncer: { memoryBytes: 64 * MiB + pooler.maxClientConnections * 50_000, tasks: 100, sharedMemoryBytes },
    net: { memoryBytes: 256 * MiB, tasks: 200, sharedMemoryBytes },
    // A worker's heap is 512 MiB at most; answers and connections are beside it.
    api: { memoryBytes: (256 + 512 * api.workers) * MiB, tasks: 100 + 50 * api.workers, sharedMemoryBytes },
  };
}
