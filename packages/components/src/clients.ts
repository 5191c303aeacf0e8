/**
 * How to talk to the running parts. Each call takes an AbortSignal (combine it with AbortSignal.timeout), has a timeout of
 * its own (`timeoutMilliseconds` of the client, default 2000), and throws a HoldfastError: code `HF_<PART>_UNREACHABLE` when
 * there was no answer, `HF_<PART>_REFUSED` when the answer was an error (its text in `detail`).
 */
import type { JsonObject } from './plan.js';

/** One etcd member over its JSON gateway (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/). Keys and values are UTF-8. */
export interface EtcdClient {
  readonly url: string;
  status(signal: AbortSignal): Promise<EtcdStatus>;
  alarms(signal: AbortSignal): Promise<readonly string[]>;
  get(key: string, signal: AbortSignal): Promise<EtcdKeyValue | undefined>;
  getPrefix(prefix: string, signal: AbortSignal): Promise<readonly EtcdKeyValue[]>;
  /** What is below the prefix, and the revision of the whole store that it was read at. */
  snapshot(
    prefix: string,
    signal: AbortSignal,
  ): Promise<{ readonly revision: string; readonly entries: readonly EtcdKeyValue[] }>;
  /**
   * Every change below the prefix from that revision on, as etcd commits it: one batch a revision or more. Ends by throwing: the
   * signal's reason, HF_ETCD_UNREACHABLE when the stream breaks, HF_ETCD_REFUSED when etcd cancels it (the revision was compacted).
   */
  watch(
    prefix: string,
    options: { readonly fromRevision: string; readonly signal: AbortSignal },
  ): AsyncIterable<EtcdWatchBatch>;
  /** All of `success` in one revision if every comparison holds, else nothing. */
  transact(
    transaction: EtcdTransaction,
    signal: AbortSignal,
  ): Promise<{ readonly succeeded: boolean; readonly revision: string }>;
  /** Ends a lease and deletes its keys; one that is gone already is HF_ETCD_REFUSED. */
  revokeLease(id: string, signal: AbortSignal): Promise<void>;
  put(key: string, value: string, signal: AbortSignal): Promise<void>;
  /** Deletes what begins with prefix; answers how many keys. Destructive: callers name exactly one cluster's prefix. */
  deletePrefix(prefix: string, signal: AbortSignal): Promise<number>;
  members(signal: AbortSignal): Promise<readonly EtcdMember[]>;
  addMember(peerUrl: string, signal: AbortSignal): Promise<void>;
  removeMember(id: string, signal: AbortSignal): Promise<void>;
  /** Asked of the leader only. */
  moveLeader(targetId: string, signal: AbortSignal): Promise<void>;
}

export interface EtcdStatus {
  /** Decimal uint64 as text. */
  readonly memberId: string;
  /** '0': there is no leader. */
  readonly leaderId: string;
  readonly version: string;
  readonly databaseBytes: number;
}

export interface EtcdMember {
  readonly id: string;
  /** Empty while it was added but has never started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
}

export interface EtcdKeyValue {
  readonly key: string;
  readonly value: string;
  /** Decimal int64 as text, as all of etcd's revisions and leases here. */
  readonly modRevision: string;
  /** '0': none. */
  readonly lease: string;
}

export interface EtcdWatchBatch {
  readonly revision: string;
  /** `value` and `lease` of a deleted key are empty and '0'. */
  readonly events: readonly (EtcdKeyValue & { readonly deleted: boolean })[];
}

/** https://etcd.io/docs/v3.4/learning/api/#transaction */
export interface EtcdTransaction {
  readonly compare: readonly (
    | { readonly key: string; readonly modRevision: string }
    | { readonly key: string; readonly value: string }
    | { readonly key: string; readonly lease: string }
  )[];
  readonly success: readonly (
    | { readonly put: string; readonly value: string; readonly lease?: string }
    | { readonly delete: string }
  )[];
}

/** One Patroni's REST API (https://patroni.readthedocs.io/en/latest/rest_api.html). */
export interface PatroniClient {
  readonly url: string;
  /** GET /patroni, whatever its status code. */
  state(signal: AbortSignal): Promise<PatroniState>;
  /** GET /cluster */
  cluster(signal: AbortSignal): Promise<PatroniCluster>;
  /** GET /config */
  config(signal: AbortSignal): Promise<JsonObject>;
  /** PATCH /config: merges; null removes a key. Answers the new configuration. */
  patchConfig(patch: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  /** POST /switchover; resolves with Patroni's words when it is done. */
  switchover(request: { readonly leader: string; readonly candidate?: string }, signal: AbortSignal): Promise<string>;
  /** POST /failover; a candidate is required by Patroni. */
  failover(request: { readonly candidate: string }, signal: AbortSignal): Promise<string>;
  /** POST /restart; resolves when PostgreSQL was restarted. */
  restart(signal: AbortSignal): Promise<string>;
  /** POST /reinitialize; resolves when it was begun. Destroys that member's data. */
  reinitialize(options: { readonly force: boolean }, signal: AbortSignal): Promise<string>;
  /** POST /reload: read patroni.yml again. */
  reload(signal: AbortSignal): Promise<void>;
}

export interface PatroniState {
  /** `running`, `starting`, `stopped`, `creating replica` … */
  readonly state: string;
  /** `primary`, `replica` …; undefined before PostgreSQL is known. Patroni 3 says `master`: answered as `primary`. */
  readonly role: string | undefined;
  /** For example 150020. */
  readonly serverVersion: number | undefined;
  readonly timeline: number | undefined;
  readonly patroniVersion: string;
  readonly scope: string;
  readonly name: string | undefined;
  readonly systemIdentifier: string | undefined;
  readonly pendingRestart: boolean;
  readonly paused: boolean;
  /** Seconds since the epoch of the last successful look at the DCS. */
  readonly dcsLastSeen: number | undefined;
  /** WAL positions in bytes. */
  readonly walBytes: number | undefined;
  readonly replicationState: string | undefined;
}

export interface PatroniClusterMember {
  readonly name: string;
  /** `leader`, `sync_standby`, `quorum_standby`, `replica` … */
  readonly role: string;
  readonly state: string;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly timeline: number | undefined;
  /** Bytes; undefined: unknown. */
  readonly lagBytes: number | undefined;
  readonly pendingRestart: boolean;
  readonly tags: Readonly<Record<string, string | number | boolean>>;
}

export interface PatroniCluster {
  readonly scope: string;
  readonly paused: boolean;
  readonly members: readonly PatroniClusterMember[];
}

/** HAProxy's statistics as CSV over HTTP (management guide, 9.1). */
export interface HaproxyClient {
  readonly url: string;
  statistics(signal: AbortSignal): Promise<readonly HaproxyRow[]>;
  /**
   * Marks a server, through the statistics page (management guide, 9.3 `set server`): `agent-down` until its own agent says up,
   * sessions are ended; `agent-up`; `health-up` until the next check says otherwise. Needs the user `agent`.
   */
  mark(
    backend: string,
    server: string,
    state: 'agent-down' | 'agent-up' | 'health-up',
    signal: AbortSignal,
  ): Promise<void>;
}

export interface HaproxyRow {
  /** Backend or frontend name. */
  readonly proxy: string;
  /** Server name, `FRONTEND` or `BACKEND`. */
  readonly server: string;
  /** `UP`, `DOWN`, `OPEN`, `no check`, `UP 1/2` … */
  readonly status: string;
  readonly currentSessions: number;
  readonly queued: number;
}
