import type { ClusterSpec, EtcdMemberSpec, HaproxySpec, MemberSpec } from '@holdfast/spec';

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

export function etcdClientUrl(member: EtcdMemberSpec): string {
  return httpUrl(member.host, member.clientPort);
}

export function etcdPeerUrl(member: EtcdMemberSpec): string {
  return httpUrl(member.host, member.peerPort);
}

export function patroniUrl(member: MemberSpec): string {
  return httpUrl(member.host, member.patroniPort);
}

export function haproxyStatsUrl(haproxy: HaproxySpec): string {
  return httpUrl(haproxy.host, haproxy.statsPort);
}

/** Patroni's `namespace`; its keys in etcd begin with it. */
export const patroniNamespace = '/service/';

/** All of one cluster's keys in etcd begin with this, and nothing else does. */
export function dcsPrefix(spec: ClusterSpec): string {
  return `${patroniNamespace}${spec.name}/`;
}
