import type { ClusterSpec } from '@holdfast/spec';
import type { TlsFiles } from './tls.js';
import type { Unit } from './unit.js';

/** Patroni's dynamic configuration (the DCS key /config), as JSON. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

/** Every unit and file of a cluster, computed from the spec with no I/O. */
export interface Plan {
  readonly cluster: string;
  readonly units: readonly Unit[];
  /** What Patroni's dynamic configuration must contain; it may contain more. */
  readonly dynamicConfiguration: JsonObject;
}

/** How Patroni is started here: Debian's package, or one unpacked into a private folder. */
export interface PatroniTool {
  /** Absolute python interpreter, then the script. */
  readonly argv: readonly [string, ...string[]];
  /** patronictl, likewise. */
  readonly ctlArgv: readonly [string, ...string[]];
  /** For example PYTHONPATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
  /** Where it comes from, for people: `Debian package, unpacked in …`. */
  readonly origin: string;
}

/** Programs of the place where the plan will run, absolute paths. */
export interface Tools {
  readonly etcd: string;
  readonly patroni: PatroniTool;
  /** Folder with postgres, initdb, pg_rewind, psql … of one major version. */
  readonly postgresBin: string;
  readonly postgresMajor: number;
  readonly haproxy: string;
  readonly pgbouncer: string;
  /** Node.js, its options and the agent's one-file program, readable by the account that the agent runs as. */
  readonly agent: readonly [string, ...string[]];
  /** The same for the worker that makes the requests from SQL. */
  readonly net: readonly [string, ...string[]];
  /** The same for Supabase's API. */
  readonly api: readonly [string, ...string[]];
}

/** Accounts to run units as, by component. Ignored by a runtime that is not root. */
export interface Accounts {
  readonly etcd: string;
  readonly patroni: string;
  readonly haproxy: string;
  readonly pgbouncer: string;
  /** Owns nothing of the cluster: what it runs talks to whom the database's users say. */
  readonly net: string;
  readonly api: string;
}

/** Everything about the place that a plan depends on. */
export interface Layout {
  /** Absolute, real path of the state folder. */
  readonly stateDirectory: string;
  readonly tools: Tools;
  readonly accounts: Accounts;
  /** Address that everything listens on, where that is not the one it is reached at: a pod has a name and an address. Undefined: its host. */
  readonly listen?: string;
  /** Folder where copies of files that are not a unit's own lie, such as the keys, which may change while it runs. Undefined: each unit's own folder. */
  readonly copies?: string;
  /** Certificates of etcd, whose clients need one too; undefined: no TLS. */
  readonly etcdTls?: EtcdTls;
}

export interface EtcdTls {
  /** For its clients and among its members; good for both sides of a connection. */
  readonly server: TlsFiles;
  readonly client: TlsFiles;
  /** Answers /health and /metrics without a certificate, and nothing else. */
  readonly healthPort: number;
}

export interface PlanInput {
  readonly spec: ClusterSpec;
  readonly layout: Layout;
}
