import { once } from 'node:events';
import { createServer } from 'node:net';
import type { ClusterSpec } from '@holdfast/spec';

/** Ports of 127.0.0.1 that nobody listens on at this moment, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('not a TCP server');
    return address.port;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** The same cluster on free ports. */
export async function onFreePorts(spec: ClusterSpec): Promise<ClusterSpec> {
  const ports = [...(await freePorts(3 * spec.members.length + 2 * spec.etcd.members.length + 4))];
  const next = () => ports.pop() ?? 0;
  return {
    ...spec,
    members: spec.members.map((member) => ({ ...member, port: next(), patroniPort: next(), agentPort: next() })),
    etcd: {
      ...spec.etcd,
      members: spec.etcd.members.map((member) => ({ ...member, clientPort: next(), peerPort: next() })),
    },
    haproxy: { ...spec.haproxy, readWritePort: next(), readOnlyPort: next(), statsPort: next() },
    pooler: { ...spec.pooler, port: next() },
  };
}
