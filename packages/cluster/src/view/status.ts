import { agentUnitId, haproxyStatsUrl, patroniUrl } from '@holdfast/components';
import { type ClusterSpec, connectionUrl, type RuntimeKind, type SynchronousMode } from '@holdfast/spec';
import { dataDirectoryOf } from '../state/data-directory-of.js';
import { readWriteBackend } from './build-view.js';
import { type ClusterView, hasQuorum, type MemberRole } from './view.js';

/** What `status --json` prints: stable, documented in docs/reference. What is not known is null, and said in `unknown`. */
export interface StatusReport {
  readonly cluster: string;
  readonly runtime: RuntimeKind;
  readonly health: Health['level'];
  /** Why it is not healthy. */
  readonly reasons: readonly string[];
  readonly leader: string | null;
  readonly timeline: number | null;
  readonly synchronous: { readonly mode: SynchronousMode; readonly standbys: readonly string[] };
  readonly paused: boolean | null;
  readonly members: readonly StatusMember[];
  readonly etcd: readonly StatusEtcd[];
  readonly proxies: readonly StatusProxy[];
  /** The Supabase services; none yet. */
  readonly services: readonly StatusService[];
  /** Connection URIs without passwords. */
  readonly endpoints: {
    readonly readWrite: string;
    readonly readOnly: string;
    readonly pooler: string | null;
    readonly api: string | null;
    readonly haproxyStats: string;
  };
  readonly patroni: { readonly version: string | null; readonly origin: string | null };
  readonly postgres: { readonly version: string | null };
  /** What keeps the processes running. */
  readonly supervisor: { readonly pid: number | null; readonly alive: boolean | null };
  readonly warnings: readonly string[];
  readonly unknown: readonly string[];
}

export interface StatusMember {
  readonly name: string;
  readonly role: MemberRole;
  readonly state: string;
  readonly timeline: number | null;
  readonly lagBytes: number | null;
  readonly pendingRestart: boolean | null;
  readonly host: string;
  readonly port: number;
  readonly patroniUrl: string;
  readonly dataDir: string;
  /** `agent` is null where there is none, too. */
  readonly pids: { readonly patroni: number | null; readonly postgres: number | null; readonly agent: number | null };
}

export interface StatusEtcd {
  readonly name: string;
  readonly healthy: boolean;
  readonly isLeader: boolean | null;
  readonly clientUrl: string;
  readonly pid: number | null;
}

export interface StatusProxy {
  readonly name: string;
  readonly healthy: boolean;
  readonly host: string;
  readonly port: number;
  readonly pid: number | null;
  readonly servers: readonly { readonly backend: string; readonly server: string; readonly status: string }[];
}

export interface StatusService {
  readonly name: string;
  readonly healthy: boolean;
  readonly url: string;
}

/** What a report says beyond the view. */
export interface StatusFacts {
  readonly stateDirectory: string;
  /** Pid of each member's postmaster, where it was found alive. */
  readonly postmasters: ReadonlyMap<string, number>;
  readonly supervisor: { readonly pid: number | undefined; readonly alive: boolean | undefined };
  /** The script that Patroni is started from. */
  readonly patroniOrigin: string | undefined;
  /** PgBouncer holds all its clients; undefined: not known, or there is no pooler. */
  readonly poolerPaused?: boolean | undefined;
}

/** The stable JSON shape of a view. Pure. */
export function statusReport(view: ClusterView, facts: StatusFacts): StatusReport {
  const { spec } = view;
  const pid = (unit: string) => view.units.find(({ id }) => id === unit)?.pid ?? null;
  const { level, reasons } = judgeHealth(view, facts.poolerPaused);
  return {
    cluster: spec.name,
    runtime: spec.runtime,
    health: level,
    reasons,
    leader: view.leader ?? null,
    timeline: view.timeline ?? null,
    synchronous: { mode: spec.synchronous.mode, standbys: view.synchronousStandbys },
    paused: view.paused ?? null,
    members: view.members.map((member) => ({
      name: member.name,
      role: member.role,
      state: member.state,
      timeline: member.timeline ?? null,
      lagBytes: member.lagBytes ?? null,
      pendingRestart: member.pendingRestart ?? null,
      ...placeOf(spec, member),
      dataDir: dataDirectoryOf(spec, facts.stateDirectory, member.name),
      pids: {
        patroni: pid(member.name),
        postgres: facts.postmasters.get(member.name) ?? null,
        agent: pid(agentUnitId(member.name)),
      },
    })),
    etcd: view.etcd.map(({ name, healthy, isLeader, clientUrl: url }, index) => ({
      name,
      healthy,
      isLeader: isLeader ?? null,
      clientUrl: etcdPlace(spec, index) ?? url,
      pid: pid(name),
    })),
    proxies: view.proxies.map(({ name, healthy, host, port, servers }) => ({
      name,
      healthy,
      host,
      port,
      pid: pid(name),
      servers: servers.map(({ backend, server, status }) => ({ backend, server, status })),
    })),
    services: [],
    endpoints: endpoints(spec.inside ?? spec),
    patroni: { version: versions(view, 'patroniVersion'), origin: facts.patroniOrigin ?? null },
    postgres: { version: versions(view, 'postgresVersion') },
    supervisor: { pid: facts.supervisor.pid ?? null, alive: facts.supervisor.alive ?? null },
    warnings: spec.warnings,
    unknown: facts.supervisor.alive === undefined ? [...view.unknown, 'supervisor: no answer'] : view.unknown,
  };
}

/** Where processes are on another machine, as in Kubernetes, their state has to do. */
function runs({ pid, state }: ClusterView['units'][number]): boolean {
  return pid !== undefined || state === 'ready';
}

/** A member's own address; how it is reached from here may be another one, for the moment only. */
function placeOf(
  { inside }: ClusterSpec,
  { name, host, port, patroniUrl: url }: ClusterView['members'][number],
): { readonly host: string; readonly port: number; readonly patroniUrl: string } {
  const own = inside?.members.find((each) => each.name === name);
  return own === undefined
    ? { host, port, patroniUrl: url }
    : { host: own.host, port: own.port, patroniUrl: patroniUrl(own) };
}

function etcdPlace({ inside }: ClusterSpec, index: number): string | undefined {
  const own = inside?.etcd.members[index];
  // Only the runtime kubernetes has an inside, and etcd has certificates there.
  return own === undefined ? undefined : `https://${own.host}:${own.clientPort}`;
}

/** Where clients connect; without passwords. */
export function endpoints(spec: ClusterSpec): StatusReport['endpoints'] {
  return {
    readWrite: connectionUrl(spec, 'rw'),
    readOnly: connectionUrl(spec, 'ro'),
    pooler: spec.pooler.enabled ? connectionUrl(spec, 'pooler') : null,
    api: spec.api.enabled ? spec.api.externalUrl : null,
    haproxyStats: `${haproxyStatsUrl(spec.haproxy)}/`,
  };
}

/** The one version in use, or each with a slash between during a change of versions. */
function versions(view: ClusterView, key: 'patroniVersion' | 'postgresVersion'): string | null {
  const found = new Set(view.members.flatMap((member) => member[key] ?? []));
  return found.size === 0 ? null : [...found].sort().join(' / ');
}

/** HAProxy says `UP`, or `UP 1/2` while a server is about to be taken for dead. */
export function isUp(status: string): boolean {
  return /^UP\b/.test(status);
}

export interface Health {
  /** `down`: nothing can be written through the read-write address. */
  readonly level: 'healthy' | 'degraded' | 'down';
  readonly reasons: readonly string[];
}

/** Pure. `healthy` has no reasons. */
export function judgeHealth(view: ClusterView, poolerPaused?: boolean): Health {
  const down: string[] = [];
  const degraded: string[] = [];
  const primary = view.members.find(({ role }) => role === 'primary');
  if (!primary) down.push('no member is the primary');
  else if (primary.state === 'unreachable') degraded.push(`the primary ${primary.name} does not answer`);
  else if (primary.state !== 'running') down.push(`the primary ${primary.name} is ${primary.state}`);
  for (const member of view.members) {
    if (member === primary) continue;
    if (member.state !== 'streaming') degraded.push(`${member.name} is ${member.state}`);
  }
  for (const { name } of view.members) {
    const agent = view.units.find(({ id }) => id === agentUnitId(name));
    if (agent !== undefined && !runs(agent)) {
      degraded.push(`the agent of ${name} is ${agent.state}: its failover waits for Patroni`);
    }
  }
  for (const { id, state } of view.units.filter((unit) => unit.component === 'net' && !runs(unit)))
    degraded.push(`${id} is ${state}: requests from SQL wait in their queue`);
  if (!hasQuorum(view)) {
    const healthyEtcd = view.etcd.filter(({ healthy }) => healthy).length;
    degraded.push(`etcd has no quorum (${healthyEtcd} of ${view.etcd.length} healthy): nothing can fail over`);
  } else {
    degraded.push(...view.etcd.filter(({ healthy }) => !healthy).map(({ name }) => `${name} is not healthy`));
  }
  for (const proxy of view.proxies.filter(({ healthy }) => !healthy)) {
    (proxy.component === 'haproxy' ? down : degraded).push(`${proxy.name} does not answer`);
  }
  const servers = view.proxies.flatMap((proxy) => proxy.servers.filter(({ backend }) => backend === readWriteBackend));
  if (servers.length > 0 && !servers.some(({ status }) => isUp(status))) {
    down.push('HAProxy has no primary to send clients to');
  }
  if (view.spec.synchronous.mode !== 'off' && view.members.length > 1 && view.synchronousStandbys.length === 0) {
    degraded.push('there is no synchronous standby');
  }
  if (view.paused) degraded.push('automatic failover is paused');
  if (poolerPaused) degraded.push('the pooler is paused, its clients wait');
  const level = down.length > 0 ? 'down' : degraded.length > 0 ? 'degraded' : 'healthy';
  return { level, reasons: [...down, ...degraded] };
}
