import type { ClusterSpec } from '@holdfast/spec';
import type { Destination } from './doors.js';

const haproxy = 'deployment/haproxy';
const pooler = 'deployment/pgbouncer';
const api = 'deployment/api';

/** What commands ask from outside, pod by pod. Members that are not in pods are asked where they are. Pure. */
export function destinations(spec: ClusterSpec): readonly Destination[] {
  const { readWritePort, readOnlyPort, statsPort } = spec.haproxy;
  const members = spec.outside === undefined ? spec.members : [];
  return [
    ...members.map(({ port, patroniPort, agentPort }, index) => ({
      target: memberTarget(index),
      ports: [port, patroniPort, ...(spec.failover.enabled ? [agentPort] : [])],
    })),
    ...spec.etcd.members.map(({ clientPort }, index) => ({ target: etcdTarget(index), ports: [clientPort] })),
    { target: haproxy, ports: [readWritePort, readOnlyPort, statsPort] },
    ...(spec.pooler.enabled ? [{ target: pooler, ports: [spec.pooler.port] }] : []),
    ...(spec.api.enabled ? [{ target: api, ports: [spec.api.port] }] : []),
  ];
}

/** The same cluster as it is reached from this machine through doors. `port`: the door of a target and its port. Pure. */
export function reachedSpec(spec: ClusterSpec, port: (target: string, remote: number) => number): ClusterSpec {
  const host = '127.0.0.1';
  const { readWritePort, readOnlyPort, statsPort, everyHost: _, ...proxy } = spec.haproxy;
  return {
    ...spec,
    inside: spec,
    members: spec.members.map((member, index) => {
      if (spec.outside !== undefined) return member;
      const target = memberTarget(index);
      return {
        ...member,
        host,
        port: port(target, member.port),
        patroniPort: port(target, member.patroniPort),
        agentPort: port(target, member.agentPort),
      };
    }),
    etcd: {
      ...spec.etcd,
      members: spec.etcd.members.map((member, index) => ({
        ...member,
        host,
        clientPort: port(etcdTarget(index), member.clientPort),
      })),
    },
    haproxy: {
      ...proxy,
      host,
      readWritePort: port(haproxy, readWritePort),
      readOnlyPort: port(haproxy, readOnlyPort),
      statsPort: port(haproxy, statsPort),
    },
    pooler: { ...spec.pooler, host, port: spec.pooler.enabled ? port(pooler, spec.pooler.port) : spec.pooler.port },
    api: { ...spec.api, host, port: spec.api.enabled ? port(api, spec.api.port) : spec.api.port },
  };
}

function memberTarget(index: number): string {
  return `pod/postgres-${index}`;
}

function etcdTarget(index: number): string {
  return `pod/etcd-${index}`;
}
