import { isIPv4 } from 'node:net';
import type { ClusterSpec } from '@holdfast/spec';
import { healthPort } from './layout.js';
import { clusterLabels, type KubernetesObject, namespaced, type PodName, selectorLabels } from './objects.js';

type Fields = Readonly<Record<string, unknown>>;

/** Connections that are allowed: who, to which ports. */
interface Allowed {
  readonly peers: readonly Fields[];
  readonly ports: readonly number[];
}

const dnsPort = 53;
const linkLocal = '169.254.0.0/16';

/**
 * Everything to and from the cluster's pods is denied but what follows from its picture (ARCHITECTURE.md). Ports are the pods', since policies are
 * applied behind services. Pure.
 */
export function renderNetworkPolicies(spec: ClusterSpec): readonly KubernetesObject[] {
  const { kubernetes, haproxy, pooler, supabase, api } = spec;
  const pods = (name: PodName): Fields => ({ podSelector: { matchLabels: selectorLabels(spec, name) } });
  const namespace = (name: string): Fields => ({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
  });
  const clients = [{ podSelector: {} }, ...kubernetes.clients.map(namespace)];
  const monitors = kubernetes.monitoring === undefined ? [] : [namespace(kubernetes.monitoring.namespace)];
  const outside =
    kubernetes.etcdNodePort === undefined ? [] : kubernetes.networks.map((cidr) => ({ ipBlock: { cidr } }));
  const isSplit = kubernetes.members === 'docker';
  const { postgres, patroni, agent, etcdClient, etcdPeer } = podPorts(spec);
  const members = isSplit ? [] : [pods('postgres')];
  const proxied = [haproxy.readWritePort, haproxy.readOnlyPort];
  // Nothing that is reached by a private address or hands out a machine's credentials.
  const world = {
    peers: [{ ipBlock: { cidr: '0.0.0.0/0', except: [...new Set([...kubernetes.networks, linkLocal])] } }],
    ports: [],
  };
  const stats = [
    ...members,
    ...monitors,
    // An ingress controller is in whatever namespace; the page asks for a password.
    ...(kubernetes.ingress?.statistics === undefined ? [] : [{ namespaceSelector: {} }]),
  ];
  return [
    denyAll(spec),
    names(spec),
    policy(spec, 'etcd', {
      from: [
        { peers: [...members, pods('etcd-defragmentation'), ...outside], ports: [etcdClient] },
        { peers: [pods('etcd')], ports: [etcdClient, etcdPeer] },
        ...([...members, ...monitors].length === 0 ? [] : [{ peers: [...members, ...monitors], ports: [healthPort] }]),
      ],
      to: [{ peers: [pods('etcd')], ports: [etcdClient, etcdPeer] }],
    }),
    policy(spec, 'etcd-defragmentation', { from: [], to: [{ peers: [pods('etcd')], ports: [etcdClient] }] }),
    ...(isSplit
      ? []
      : [
          policy(spec, 'postgres', {
            from: [
              { peers: [pods('postgres'), pods('haproxy')], ports: [postgres, patroni, agent] },
              ...(monitors.length === 0 ? [] : [{ peers: monitors, ports: [patroni, agent] }]),
            ],
            to: [
              { peers: [pods('postgres')], ports: [postgres, patroni, agent] },
              { peers: [pods('etcd')], ports: [etcdClient, healthPort] },
              { peers: [pods('haproxy')], ports: [haproxy.statsPort] },
            ],
          }),
        ]),
    policy(spec, 'haproxy', {
      from: [
        { peers: clients, ports: proxied },
        ...(stats.length === 0 ? [] : [{ peers: stats, ports: [haproxy.statsPort] }]),
      ],
      to: [isSplit ? outsideMembers(spec) : { peers: members, ports: [postgres, patroni, agent] }],
    }),
    ...(pooler.enabled
      ? [
          policy(spec, 'pgbouncer', {
            from: [{ peers: clients, ports: [pooler.port] }],
            to: [{ peers: [pods('haproxy')], ports: [haproxy.readWritePort] }],
          }),
        ]
      : []),
    ...(supabase.net.enabled
      ? [
          policy(spec, 'net', {
            from: [],
            to: [{ peers: [pods('haproxy')], ports: [haproxy.readWritePort] }, world],
          }),
        ]
      : []),
    ...(api.enabled
      ? [
          policy(spec, 'api', {
            from: [
              {
                // An ingress controller is in whatever namespace; who comes in needs a key.
                peers: kubernetes.ingress?.api === undefined ? clients : [{ namespaceSelector: {} }],
                ports: [api.port],
              },
            ],
            // Mail servers, and those who sign people in.
            to: [{ peers: [pods('haproxy')], ports: proxied }, world],
          }),
        ]
      : []),
  ];
}

/** Members on Docker hosts: by address where that is how they are found, else anywhere in the networks that may log in. */
function outsideMembers({ kubernetes, members }: ClusterSpec): Allowed {
  const known = kubernetes.hosts.every((host) => isIPv4(host));
  const networks = known ? kubernetes.hosts.map((host) => `${host}/32`) : kubernetes.networks;
  const ports = members.flatMap(({ port, patroniPort, agentPort }) => [port, patroniPort, agentPort]);
  return { peers: networks.map((cidr) => ({ ipBlock: { cidr } })), ports: [...new Set(ports)].sort((a, b) => a - b) };
}

function podPorts({ members, etcd }: ClusterSpec) {
  const [member] = members;
  const [etcdMember] = etcd.members;
  return {
    postgres: member?.port ?? 0,
    patroni: member?.patroniPort ?? 0,
    agent: member?.agentPort ?? 0,
    etcdClient: etcdMember?.clientPort ?? 0,
    etcdPeer: etcdMember?.peerPort ?? 0,
  };
}

function denyAll(spec: ClusterSpec): KubernetesObject {
  return object(spec, 'deny-all', clusterLabels(spec), {
    policyTypes: ['Ingress', 'Egress'],
  });
}

/** Names are looked up by everybody; where the service for that runs differs. */
function names(spec: ClusterSpec): KubernetesObject {
  const ports = ['UDP', 'TCP'].map((protocol) => ({ protocol, port: dnsPort }));
  return object(spec, 'names', clusterLabels(spec), { policyTypes: ['Egress'], egress: [{ ports }] });
}

function policy(
  spec: ClusterSpec,
  part: PodName,
  { from, to }: { readonly from: readonly Allowed[]; readonly to: readonly Allowed[] },
): KubernetesObject {
  const rules = (allowed: readonly Allowed[], side: (peers: readonly Fields[]) => Fields) =>
    allowed.map(({ peers, ports }) => ({
      ...side(peers),
      ...(ports.length === 0 ? {} : { ports: ports.map((port) => ({ protocol: 'TCP', port })) }),
    }));
  return object(spec, part, selectorLabels(spec, part), {
    policyTypes: ['Ingress', 'Egress'],
    ingress: rules(from, (peers) => ({ from: peers })),
    egress: rules(to, (peers) => ({ to: peers })),
  });
}

function object(
  spec: ClusterSpec,
  name: string,
  matchLabels: Readonly<Record<string, string>>,
  rules: Fields,
): KubernetesObject {
  return namespaced(spec, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    name,
    body: { spec: { podSelector: { matchLabels }, ...rules } },
  });
}
