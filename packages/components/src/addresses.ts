import type { ClusterSpec, EtcdMemberSpec, HaproxySpec, MemberSpec } from '@holdfast/spec';
import type { Layout } from './plan.js';
import type { Yielding } from './unit.js';

/** Where to connect to what listens on `host`: a wildcard address is reached over loopback. */
export function connectHost(host: string): string {
  if (host === '0.0.0.0' || host === '*') return '127.0.0.1';
  if (host === '::') return '::1';
  return host;
}

/** `host:port`, IPv6 addresses in brackets. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Base URL to connect to, without a slash at its end. */
export function httpUrl(host: string, port: number): string {
  return `http://${hostPort(connectHost(host), port)}`;
}

/** The address that something of this host listens on. */
export function listenHost(layout: Layout, host: string): string {
  return layout.listen ?? host;
}

export function etcdClientUrl(member: EtcdMemberSpec, layout?: Layout): string {
  return etcdUrl(member.host, member.clientPort, layout);
}

/** The members of PostgreSQL on the machine of an etcd member. Where all are on one machine they are counted off: etcd2 belongs to pg2. */
export function membersBeside({ members, etcd }: ClusterSpec, member: EtcdMemberSpec): readonly string[] {
  const oneMachine = new Set([...members, ...etcd.members].map(machineOf)).size === 1;
  const place = etcd.members.indexOf(member);
  return members
    .filter((each, index) => (oneMachine ? index === place : machineOf(each) === machineOf(member)))
    .map(({ name }) => name);
}

function machineOf({ host, machine }: MemberSpec | EtcdMemberSpec): string {
  return machine ?? host;
}

/** etcd's members in the order in which a member should ask them: the one beside it first, another one may be on the host that is lost. */
export function etcdFrom(spec: ClusterSpec, name: string): readonly EtcdMemberSpec[] {
  const all = spec.etcd.members;
  const beside = all.findIndex((member) => membersBeside(spec, member).includes(name));
  const first = beside < 0 ? 0 : beside;
  return [...all.slice(first), ...all.slice(0, first)];
}

export function etcdPeerUrl(member: EtcdMemberSpec, layout?: Layout): string {
  return etcdUrl(member.host, member.peerPort, layout);
}

/** etcd's scheme. */
export function etcdProtocol(layout?: Layout): 'http' | 'https' {
  return layout?.etcdTls === undefined ? 'http' : 'https';
}

function etcdUrl(host: string, port: number, layout?: Layout): string {
  return `${etcdProtocol(layout)}://${hostPort(connectHost(host), port)}`;
}

export function patroniUrl(member: MemberSpec): string {
  return httpUrl(member.host, member.patroniPort);
}

export function haproxyStatsUrl(haproxy: HaproxySpec): string {
  return httpUrl(haproxy.host, haproxy.statsPort);
}

/** On HAProxy's statistics port, without a password: can the cluster be written to? */
export const writablePath = '/writable';

/** A start goes on by then in any case, whatever became of what it waited for. */
export const yieldingMilliseconds = 10_000;

/** What is not needed for the first write leaves the processor to what is, for a while: a start asks for all there is. */
export function yieldToFirstWrite({ haproxy }: ClusterSpec, unlessExists?: string): Yielding {
  return {
    until: {
      kind: 'http',
      url: `${haproxyStatsUrl(haproxy)}${writablePath}`,
      statuses: [200],
      timeoutMilliseconds: 1000,
    },
    atMostMilliseconds: yieldingMilliseconds,
    ...(unlessExists === undefined ? {} : { unlessExists }),
  };
}

/** Patroni's `namespace`; its keys in etcd begin with it. */
export const patroniNamespace = '/service/';

/** All of one cluster's keys in etcd begin with this, and nothing else does. */
export function dcsPrefix(spec: ClusterSpec): string {
  return `${patroniNamespace}${spec.name}/`;
}
