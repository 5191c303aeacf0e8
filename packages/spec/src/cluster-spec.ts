/**
 * The resolved description of a cluster: every default filled in, every name and port derived.
 * It is what all other packages read; `holdfast.yaml` (see schema.ts) is only what a person writes.
 * Plain data: JSON-serialisable, frozen, the same for the same input.
 */

import type { ApiSpec } from './api-spec.js';
import type { KubernetesSpec } from './kubernetes-spec.js';

export type RuntimeKind = 'process' | 'docker' | 'kubernetes';

/**
 * - `off`: asynchronous; a failover may lose acknowledged writes.
 * - `on`: Patroni's synchronous_mode; commits go on alone when no standby is left.
 * - `strict`: commits wait when no standby is left; nothing acknowledged is lost, not even by two failures in a row.
 * - `quorum`: Patroni 4's quorum commit (ANY k).
 */
export type SynchronousMode = 'off' | 'on' | 'strict' | 'quorum';

/** A PostgreSQL parameter as Patroni takes it. */
export type ParameterValue = string | number | boolean;

export interface MemberSpec {
  /** `pg1` … `pg15`; Patroni's member name. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly patroniPort: number;
  readonly agentPort: number;
  /** Network namespace that it runs in; undefined: that of the supervisor. */
  readonly namespace: string | undefined;
  /** The machine that it is on, where `host` does not tell: containers have addresses of their own. */
  readonly machine?: string;
}

export interface EtcdMemberSpec {
  /** `etcd1` … `etcd7`. */
  readonly name: string;
  readonly host: string;
  readonly clientPort: number;
  readonly peerPort: number;
  readonly namespace: string | undefined;
  /** As a member's. */
  readonly machine?: string;
}

export interface PostgresSpec {
  /** Major version, 13–18; undefined: the newest supported one that the system has, 15 first. */
  readonly version: number | undefined;
  /** Defaults and the user's, merged. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** Complete pg_hba.conf lines, ours first where order matters. */
  readonly hba: readonly string[];
}

export interface PatroniSpec {
  /** Seconds; Patroni's own limits hold: ttl ≥ 20, loopWait ≥ 1, retryTimeout ≥ 3, loopWait + 2·retryTimeout ≤ ttl. */
  readonly ttl: number;
  readonly loopWait: number;
  readonly retryTimeout: number;
  /** Bytes. */
  readonly maximumLagOnFailover: number;
  /** Patroni's failsafe_mode: the primary stays when etcd is lost but all members answer. */
  readonly failsafe: boolean;
}

/** The agents beside each Patroni. All times in milliseconds of running time. */
export interface FailoverSpec {
  /** False: no agents; Patroni alone decides, after its ttl. */
  readonly enabled: boolean;
  /** Without any answer from a member's agent, Patroni and PostgreSQL for so long, it counts as silent. */
  readonly silenceMilliseconds: number;
  /** A primary that cannot prove its lock for so long is stopped; undefined: never. */
  readonly fenceMilliseconds: number | undefined;
}

export interface EtcdSpec {
  readonly members: readonly EtcdMemberSpec[];
  readonly heartbeatMilliseconds: number;
  readonly electionMilliseconds: number;
  readonly quotaBytes: number;
}

export interface HaproxySpec {
  readonly host: string;
  /** Name of all of them, where there are several behind `host`; it has one address for each. */
  readonly everyHost?: string;
  readonly readWritePort: number;
  readonly readOnlyPort: number;
  readonly statsPort: number;
  readonly maxConnections: number;
  readonly checkMilliseconds: number;
  /** How long a client that connects while there is no primary waits before it gets an error. */
  readonly queueMilliseconds: number;
  /** Idle client and server connections are cut after this; 0: never. */
  readonly idleSeconds: number;
}

export interface SupabaseSpec {
  /** The database is prepared for Supabase's services. */
  readonly enabled: boolean;
  /** The worker that makes the requests of net.http_get and its like; never enabled without the database for Supabase. */
  readonly net: { readonly enabled: boolean; readonly answersKeptSeconds: number };
}

export interface PoolerSpec {
  readonly enabled: boolean;
  readonly host: string;
  readonly port: number;
  readonly mode: 'transaction' | 'session';
  /** Server connections a database and user. */
  readonly poolSize: number;
  readonly maxClientConnections: number;
}

/** Containers of the runtime `docker`. */
export interface DockerSpec {
  /** IPv4 network of the containers, where all are on one host: `10.213.7.0/24`. */
  readonly subnet: string;
  /** What the images are built from. */
  readonly baseImage: string;
  /** Docker hosts in the order of the file; empty: all on the engine that the docker command talks to. */
  readonly hosts: readonly DockerHostSpec[];
}

export interface DockerHostSpec {
  readonly address: string;
  /** DOCKER_HOST of its engine, for example `ssh://root@10.77.0.1`; undefined: whoever brings it up does so there. */
  readonly engine: string | undefined;
}

export interface ResourcesSpec {
  /** What the whole cluster on this machine may plan with. */
  readonly memoryBytes: number;
  readonly cores: number;
}

export interface ClusterSpec {
  /** The same cluster as its own parts see it, where this one is how it is reached from another place. */
  readonly inside?: ClusterSpec;
  /** Its members as Docker runs them, where the rest is in Kubernetes (`kubernetes.members: docker`). */
  readonly outside?: ClusterSpec;
  readonly name: string;
  readonly runtime: RuntimeKind;
  /** Address that everything listens on; loopback unless the file says otherwise. */
  readonly listen: string;
  readonly members: readonly MemberSpec[];
  readonly synchronous: { readonly mode: SynchronousMode; readonly standbys: number };
  readonly postgres: PostgresSpec;
  readonly patroni: PatroniSpec;
  readonly failover: FailoverSpec;
  readonly etcd: EtcdSpec;
  readonly haproxy: HaproxySpec;
  readonly pooler: PoolerSpec;
  readonly supabase: SupabaseSpec;
  readonly api: ApiSpec;
  readonly docker: DockerSpec;
  readonly kubernetes: KubernetesSpec;
  readonly resources: ResourcesSpec;
  /** Where state goes, absolute; undefined: `.holdfast/<name>` beside the spec file. */
  readonly dataDirectory: string | undefined;
  /** What is legal but deserves a word, for example an even number of members. */
  readonly warnings: readonly string[];
}

/** What the defaults are sized from. */
export interface Machine {
  readonly memoryBytes: number;
  readonly cores: number;
}

/** Ports by purpose, as the file or an earlier `ports: auto` chose them; index i belongs to member i. */
export interface PortAssignment {
  readonly postgres: readonly number[];
  readonly patroni: readonly number[];
  readonly agent: readonly number[];
  readonly etcdClient: readonly number[];
  readonly etcdPeer: readonly number[];
  readonly readWrite: number;
  readonly readOnly: number;
  readonly haproxyStats: number;
  readonly pooler: number;
  readonly api: number;
}
