import type { ClusterSpec } from '@holdfast/spec';
import { netRole } from '../accounts.js';
import { connectHost } from '../addresses.js';

/** What the worker is told; the file that it is started with. The password is in its environment. */
export interface NetConfiguration {
  /** What its claims are known by, together with the name of the machine: one worker a name. */
  readonly worker: string;
  readonly database: { readonly host: string; readonly port: number; readonly user: string; readonly name: string };
  /** A new connection may be held for so long while there is no primary. */
  readonly connectMilliseconds: number;
  readonly answersKeptSeconds: number;
  /** The cluster's own ports, which no request may reach on this machine or at these addresses. */
  readonly refused: { readonly addresses: readonly string[]; readonly ports: readonly number[] };
}

/** The environment variable that carries the password. */
export const netPasswordVariable = 'HOLDFAST_NET_PASSWORD';

/** Pure. */
export function renderNetConfiguration(spec: ClusterSpec): NetConfiguration {
  const { haproxy, members, etcd, pooler } = spec;
  const host = connectHost(haproxy.host);
  return {
    worker: host,
    database: { host, port: haproxy.readWritePort, user: netRole, name: 'postgres' },
    connectMilliseconds: haproxy.queueMilliseconds + 10_000,
    answersKeptSeconds: spec.supabase.net.answersKeptSeconds,
    refused: {
      // Ports of containers are on an address of their host as well.
      addresses: [
        ...new Set([...members, ...etcd.members, haproxy, { host: spec.listen }].map((each) => connectHost(each.host))),
      ],
      ports: [
        ...members.flatMap(({ port, patroniPort, agentPort }) => [port, patroniPort, agentPort]),
        ...etcd.members.flatMap(({ clientPort, peerPort }) => [clientPort, peerPort]),
        ...[haproxy.readWritePort, haproxy.readOnlyPort, haproxy.statsPort],
        ...(pooler.enabled ? [pooler.port] : []),
      ],
    },
  };
}
