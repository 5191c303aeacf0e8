import type { ClusterSpec } from '@holdfast/spec';

/**
 * The same cluster as its containers see it. Pure. On one host each container has an address of its own in the cluster's network, given by
 * us rather than found by name: names of containers that died are looked up elsewhere, for seconds, and just then time matters. Ports stay
 * as they are. With several Docker hosts containers use the host's network, and nothing changes.
 */
export function containerSpec(spec: ClusterSpec): ClusterSpec {
  if (spec.docker.hosts.length > 0) return spec;
  const { host: machine } = spec.haproxy;
  const address = (last: number) => addressIn(spec.docker.subnet, last);
  return {
    ...spec,
    members: spec.members.map((member, index) => ({ ...member, machine, host: address(firstAddress.members + index) })),
    etcd: {
      ...spec.etcd,
      members: spec.etcd.members.map((member, index) => ({
        ...member,
        machine,
        host: address(firstAddress.etcd + index),
      })),
    },
    haproxy: { ...spec.haproxy, host: address(firstAddress.haproxy) },
    pooler: { ...spec.pooler, host: address(firstAddress.pooler) },
    api: { ...spec.api, host: address(firstAddress.api) },
  };
}

/** Last part of the first container's address of each kind. The engine itself takes 1. */
const firstAddress = { haproxy: 2, pooler: 3, net: 4, prepare: 5, api: 6, etcd: 11, members: 21 };

/** Of a container that nobody connects to, but which must not take another one's address. */
export function netAddress(subnet: string): string {
  return addressIn(subnet, firstAddress.net);
}

/** The same of the one that prepares the database. */
export function prepareAddress(subnet: string): string {
  return addressIn(subnet, firstAddress.prepare);
}

function addressIn(subnet: string, last: number): string {
  return subnet.replace(/\d+\/\d+$/, String(last));
}
