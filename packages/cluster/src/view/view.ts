import type { UnitStatus } from '@holdfast/runtime';
import type { ClusterSpec } from '@holdfast/spec';

/**
 * A view is an immutable snapshot of what was observed. Everything that could not be observed is `undefined`
 * and named in `unknown`; nothing is guessed.
 */
export type MemberRole = 'primary' | 'sync standby' | 'quorum standby' | 'replica' | 'unknown';

export interface MemberView {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly patroniUrl: string;
  readonly role: MemberRole;
  /** Patroni's word (`running`, `streaming`, `starting`, `stopped` …), or `unreachable`. */
  readonly state: string;
  readonly timeline: number | undefined;
  /** Bytes behind the primary's WAL position; 0 for the primary. */
  readonly lagBytes: number | undefined;
  readonly pendingRestart: boolean | undefined;
  readonly tags: Readonly<Record<string, string | number | boolean>>;
  readonly postgresVersion: string | undefined;
  readonly patroniVersion: string | undefined;
  /** Does Patroni itself reach etcd (its /liveness and last-seen)? */
  readonly dcsReachable: boolean | undefined;
}

export interface EtcdView {
  readonly name: string;
  readonly clientUrl: string;
  readonly healthy: boolean;
  readonly isLeader: boolean | undefined;
  readonly version: string | undefined;
  readonly databaseBytes: number | undefined;
  /** Round trip of a status call, milliseconds. */
  readonly latencyMilliseconds: number | undefined;
  readonly alarms: readonly string[];
}

export interface ProxyServerView {
  readonly backend: string;
  readonly server: string;
  readonly status: string;
  readonly sessions: number | undefined;
}

export interface ProxyView {
  readonly name: string;
  readonly component: 'haproxy' | 'pgbouncer';
  readonly host: string;
  readonly port: number;
  readonly healthy: boolean;
  readonly servers: readonly ProxyServerView[];
}

export interface ClusterView {
  readonly spec: ClusterSpec;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly leader: string | undefined;
  readonly timeline: number | undefined;
  /** Names of the synchronous standbys in the DCS. */
  readonly synchronousStandbys: readonly string[];
  readonly paused: boolean | undefined;
  /** PostgreSQL's system identifier, from the DCS /initialize key. */
  readonly systemIdentifier: string | undefined;
  readonly members: readonly MemberView[];
  readonly etcd: readonly EtcdView[];
  readonly proxies: readonly ProxyView[];
  readonly units: readonly UnitStatus[];
  /** What could not be found out, and why, for people. */
  readonly unknown: readonly string[];
}

/** Does most of etcd answer? Without that nothing can be written to it, nor Patroni's configuration be read. Pure. */
export function hasQuorum({ etcd }: ClusterView): boolean {
  return etcd.filter(({ healthy }) => healthy).length > Math.floor(etcd.length / 2);
}
