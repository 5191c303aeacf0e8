import {
  dcsPrefix,
  isOn,
  type PatroniCluster,
  type PatroniKeys,
  type PatroniState,
  readPatroniKeys,
} from '@holdfast/components';
import type { ClusterSpec, MemberSpec } from '@holdfast/spec';
import { type Observation, valueIn } from './observation.js';
import type { ClusterView, EtcdView, MemberRole, MemberView, ProxyView } from './view.js';

/**
 * Concludes what can be known from the raw answers. Pure.
 *
 * Invariant: at most one member is `primary`, and it is the view's leader. The leader is whoever holds the leader key in
 * etcd; only when etcd cannot be read do Patroni's own words count, and then only when exactly one claims it.
 */
export function buildView(spec: ClusterSpec, observed: Observation): ClusterView {
  const notes: string[] = [];
  const lives = new Map<string, PatroniState>();
  for (const member of spec.members) {
    const live = ownState(spec, member, observed, notes);
    if (live) lives.set(member.name, live);
  }
  const keys = freshestKeys(spec, observed);
  const cluster = keys ? undefined : clusterAnswer(observed);
  const leader = findLeader(keys, cluster, lives, notes);
  const quorum = keys?.config ? keys.config.synchronous_mode === 'quorum' : spec.synchronous.mode === 'quorum';
  const synchronousStandbys = findSynchronous(spec, keys, cluster, leader);
  const facts: Facts = { observed, lives, keys, cluster, leader, quorum, synchronousStandbys };
  const members = spec.members.map((member) => buildMember(spec, member, facts, notes));
  const etcd = observed.etcd.map((entry): EtcdView => buildEtcd(entry, notes));
  if (!keys && observed.etcd.length > 0) {
    notes.push(`etcd: Patroni's keys could not be read (${firstReason(observed.etcd.map((entry) => entry.keys))})`);
  }
  if (keys?.initializing) notes.push('the first member is being initialised');
  for (const [name, live] of lives) {
    const identifier = keys?.systemIdentifier;
    if (identifier && live.systemIdentifier && live.systemIdentifier !== identifier) {
      notes.push(`${name}: its data has system identifier ${live.systemIdentifier}, the cluster's is ${identifier}`);
    }
  }
  if (!observed.units.ok) notes.push(`processes: ${observed.units.reason}`);
  return {
    spec,
    at: observed.at,
    leader,
    timeline:
      leader === undefined ? undefined : (members.find((member) => member.name === leader)?.timeline ?? undefined),
    synchronousStandbys,
    paused: findPaused(keys, cluster, lives),
    systemIdentifier: keys ? keys.systemIdentifier : onlyOne([...lives.values()].map((live) => live.systemIdentifier)),
    members,
    etcd,
    proxies: buildProxies(spec, observed, notes),
    units: valueIn(observed.units) ?? [],
    unknown: notes,
  };
}

/** Names of HAProxy's backends behind the read-write and the read-only port; the others are plumbing. */
export const readWriteBackend = 'primary';
export const readOnlyBackend = 'replicas';

interface Facts {
  readonly observed: Observation;
  readonly lives: ReadonlyMap<string, PatroniState>;
  readonly keys: PatroniKeys | undefined;
  readonly cluster: PatroniCluster | undefined;
  readonly leader: string | undefined;
  readonly quorum: boolean;
  readonly synchronousStandbys: readonly string[];
}

/** A Patroni's answer, unless something else answered at its address. */
function ownState(
  spec: ClusterSpec,
  member: MemberSpec,
  observed: Observation,
  notes: string[],
): PatroniState | undefined {
  const entry = observed.patroni.find((candidate) => candidate.member === member.name);
  if (!entry) return undefined;
  if (!entry.state.ok) {
    notes.push(`${member.name}: Patroni: ${entry.state.reason}`);
    return undefined;
  }
  const { scope, name } = entry.state.value;
  if (scope !== spec.name || (name !== undefined && name !== member.name)) {
    notes.push(`${member.name}: ${entry.url} is answered by member ${name ?? '?'} of cluster ${scope}`);
    return undefined;
  }
  return entry.state.value;
}

function freshestKeys(spec: ClusterSpec, observed: Observation): PatroniKeys | undefined {
  let best: { revision: bigint; keys: PatroniKeys } | undefined;
  for (const { keys } of observed.etcd) {
    if (!keys.ok) continue;
    const revision = keys.value.reduce((highest, { modRevision }) => {
      const own = BigInt(modRevision);
      return own > highest ? own : highest;
    }, 0n);
    if (!best || revision > best.revision) best = { revision, keys: readPatroniKeys(dcsPrefix(spec), keys.value) };
  }
  return best?.keys;
}

/** The leader's own answer when there is one, else anybody's. Patroni answers from its watch of etcd, so it may be a little old. */
function clusterAnswer(observed: Observation): PatroniCluster | undefined {
  const answers = observed.patroni.flatMap(({ member, cluster }) =>
    cluster.ok ? [{ member, cluster: cluster.value }] : [],
  );
  const ofLeader = answers.find((entry) => leaderOf(entry.cluster) === entry.member);
  return (ofLeader ?? answers[0])?.cluster;
}

function leaderOf(cluster: PatroniCluster): string | undefined {
  return cluster.members.find(({ role }) => role === 'leader' || role === 'standby_leader')?.name;
}

function findLeader(
  keys: PatroniKeys | undefined,
  cluster: PatroniCluster | undefined,
  lives: ReadonlyMap<string, PatroniState>,
  notes: string[],
): string | undefined {
  const claims = [...lives].filter(([, live]) => live.role === 'primary').map(([name]) => name);
  const known = keys !== undefined || cluster !== undefined;
  const leader = keys ? keys.leader : cluster ? leaderOf(cluster) : claims.length === 1 ? claims[0] : undefined;
  if (!known && claims.length > 1) notes.push(`leader: ${claims.join(' and ')} both say they are the primary`);
  if (!known && claims.length === 1) notes.push(`leader: only ${claims[0]}'s own word, etcd could not be asked`);
  if (known) {
    for (const name of claims) {
      if (name === leader) continue;
      notes.push(`${name}: says it is the primary, but ${leader ? `${leader} holds` : 'nobody holds'} the leader key`);
    }
    const live = leader === undefined ? undefined : lives.get(leader);
    if (live && live.role !== 'primary') notes.push(`${leader}: holds the leader key but is not a primary (yet)`);
  }
  return leader;
}

function findSynchronous(
  spec: ClusterSpec,
  keys: PatroniKeys | undefined,
  cluster: PatroniCluster | undefined,
  leader: string | undefined,
): readonly string[] {
  if (keys) {
    const mode = keys.config?.synchronous_mode;
    const enabled = keys.config ? isOn(mode) || mode === 'quorum' : spec.synchronous.mode !== 'off';
    return enabled ? keys.sync.standbys.filter((name) => name !== leader) : [];
  }
  const roles = ['sync_standby', 'quorum_standby'];
  return (cluster?.members ?? []).filter(({ role }) => roles.includes(role)).map(({ name }) => name);
}

function findPaused(
  keys: PatroniKeys | undefined,
  cluster: PatroniCluster | undefined,
  lives: ReadonlyMap<string, PatroniState>,
): boolean | undefined {
  if (keys?.config) return isOn(keys.config.pause);
  return cluster ? cluster.paused : onlyOne([...lives.values()].map((live) => live.paused));
}

/** The value on which all agree that know one. */
function onlyOne<T>(values: readonly (T | undefined)[]): T | undefined {
  const distinct = new Set(values.filter((value) => value !== undefined));
  return distinct.size === 1 ? [...distinct][0] : undefined;
}

function buildMember(spec: ClusterSpec, member: MemberSpec, facts: Facts, notes: string[]): MemberView {
  const live = facts.lives.get(member.name);
  const inDcs = facts.keys?.members.get(member.name);
  const role = memberRole(member.name, live, facts);
  const stored = typeof inDcs?.timeline === 'number' ? inDcs.timeline : undefined;
  const tags = inDcs?.tags ?? facts.cluster?.members.find(({ name }) => name === member.name)?.tags;
  const dcsReachable =
    live?.dcsLastSeen === undefined
      ? undefined
      : facts.observed.at / 1000 - live.dcsLastSeen <= spec.patroni.loopWait + spec.patroni.retryTimeout;
  if (dcsReachable === false) notes.push(`${member.name}: its Patroni does not reach etcd, what it says may be old`);
  return {
    name: member.name,
    host: member.host,
    port: member.port,
    patroniUrl: facts.observed.patroni.find((entry) => entry.member === member.name)?.url ?? '',
    role,
    state: memberState(member.name, live, facts),
    timeline: live?.timeline ?? (member.name === facts.leader ? stored : undefined),
    lagBytes: memberLag(role, live, facts),
    pendingRestart: live?.pendingRestart,
    tags: flatTags(tags),
    postgresVersion: formatServerVersion(live?.serverVersion),
    patroniVersion: live?.patroniVersion,
    dcsReachable,
  };
}

function memberRole(name: string, live: PatroniState | undefined, facts: Facts): MemberRole {
  if (name === facts.leader && (live === undefined || live.role === 'primary')) return 'primary';
  if (live === undefined || live.role === 'primary') return 'unknown';
  const follows = live.role === 'replica' || live.role === 'standby_leader' || live.role === 'demoted';
  if (!follows && live.state !== 'creating replica') return 'unknown';
  if (!facts.synchronousStandbys.includes(name)) return 'replica';
  return facts.quorum ? 'quorum standby' : 'sync standby';
}

function memberState(name: string, live: PatroniState | undefined, facts: Facts): string {
  if (!live) return 'unreachable';
  if (live.role !== 'primary') return live.replicationState ?? live.state;
  return name === facts.leader ? live.state : `${live.state} as primary without the leader key`;
}

/** Distance to the primary's position, or, when that is silent, to the position that it reported last. */
function memberLag(role: MemberRole, live: PatroniState | undefined, facts: Facts): number | undefined {
  if (!live || role === 'unknown') return undefined;
  if (role === 'primary') return 0;
  const primary = facts.leader === undefined ? undefined : facts.lives.get(facts.leader);
  const reference = (primary?.role === 'primary' ? primary.walBytes : undefined) ?? facts.keys?.lastPosition;
  if (reference === undefined || live.walBytes === undefined) return undefined;
  return Math.max(0, reference - live.walBytes);
}

function flatTags(tags: unknown): MemberView['tags'] {
  if (typeof tags !== 'object' || tags === null) return {};
  return Object.fromEntries(
    Object.entries(tags).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)),
  ) as MemberView['tags'];
}

/** 150020 is 15.20: major · 10000 + minor since PostgreSQL 10. */
export function formatServerVersion(version: number | undefined): string | undefined {
  return version === undefined ? undefined : `${Math.floor(version / 10000)}.${version % 10000}`;
}

function buildEtcd(entry: Observation['etcd'][number], notes: string[]): EtcdView {
  const { member, url, status, alarms, keys } = entry;
  if (!status.ok) notes.push(`${member}: etcd: ${status.reason}`);
  else if (!alarms.ok && keys.ok) notes.push(`${member}: alarms: ${alarms.reason}`);
  const value = valueIn(status);
  const raised = valueIn(alarms) ?? [];
  return {
    name: member,
    clientUrl: url,
    healthy: value !== undefined && value.leaderId !== '0' && raised.length === 0,
    isLeader: value ? value.leaderId === value.memberId : undefined,
    version: value?.version,
    databaseBytes: value?.databaseBytes,
    latencyMilliseconds: status.ok ? status.milliseconds : undefined,
    alarms: raised,
  };
}

function firstReason(answers: readonly { readonly ok: boolean; readonly reason?: string }[]): string {
  return answers.find((entry) => !entry.ok)?.reason ?? 'no answer';
}

function buildProxies(spec: ClusterSpec, observed: Observation, notes: string[]): readonly ProxyView[] {
  const { haproxy, pooler } = observed;
  if (!haproxy.ok) notes.push(`haproxy: ${haproxy.reason}`);
  const members = new Set(spec.members.map(({ name }) => name));
  const servers = (valueIn(haproxy) ?? []).filter(
    ({ proxy, server }) => members.has(server) && (proxy === readWriteBackend || proxy === readOnlyBackend),
  );
  const proxies: ProxyView[] = [
    {
      name: 'haproxy',
      component: 'haproxy',
      host: (spec.inside ?? spec).haproxy.host,
      port: (spec.inside ?? spec).haproxy.readWritePort,
      healthy: haproxy.ok,
      servers: servers.map((row) => ({
        backend: row.proxy,
        server: row.server,
        status: row.status,
        sessions: row.currentSessions,
      })),
    },
  ];
  if (pooler) {
    if (!pooler.ok) notes.push(`pgbouncer: ${pooler.reason}`);
    const { host, port } = (spec.inside ?? spec).pooler;
    proxies.push({ name: 'pgbouncer', component: 'pgbouncer', host, port, healthy: pooler.ok, servers: [] });
  }
  return proxies;
}
