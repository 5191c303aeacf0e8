import type { EtcdClient, HaproxyClient, PatroniClient } from '@holdfast/components';
import type { Runtime } from '@holdfast/runtime';
import type { ClusterSpec, Secrets } from '@holdfast/spec';

/** Everything an operation on one cluster needs; made by openCluster. */
export interface ClusterContext {
  readonly spec: ClusterSpec;
  readonly specFile: string | undefined;
  /** Folder of the spec file, or the one it would be in. */
  readonly specDirectory: string;
  /** Absolute, real path. */
  readonly stateDirectory: string;
  readonly runtime: Runtime;
  readonly clients: Clients;
  /** Only what has been generated already: undefined before the first `up`. */
  readonly secrets: Secrets | undefined;
}

export interface Clients {
  /** In the spec's order. */
  readonly patroni: readonly { readonly member: string; readonly client: PatroniClient }[];
  readonly etcd: readonly { readonly member: string; readonly client: EtcdClient }[];
  readonly haproxy: HaproxyClient;
}

/** Told while something takes time; the CLI shows it. */
export interface Progress {
  /** A step begins; the earlier one is done. */
  step(text: string): void;
  /** Something worth knowing within a step. */
  note(text: string): void;
}
