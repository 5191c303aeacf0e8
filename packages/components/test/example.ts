import type { ClusterSpec } from '@holdfast/spec';
import type { Layout, PlanInput } from '../src/index.js';

export interface ExampleOptions {
  readonly members?: number;
  readonly etcdMembers?: number;
  readonly listen?: string;
  /** The ports of the default cluster, each plus this. */
  readonly portOffset?: number;
  readonly change?: (spec: ClusterSpec) => ClusterSpec;
  readonly stateDirectory?: string;
}

const indices = (count: number) => Array.from({ length: count }, (_, index) => index);

/** A spec as the default cluster's is, without the package that resolves one. */
export function exampleSpec(options: ExampleOptions = {}): ClusterSpec {
  const { members = 3, etcdMembers = 3, listen = '127.0.0.1', portOffset = 0, change = (spec) => spec } = options;
  return change({
    name: 'main',
    runtime: 'process',
    listen,
    members: indices(members).map((index) => ({
      name: `pg${index + 1}`,
      host: listen,
      port: 5432 + index + portOffset,
      patroniPort: 8008 + index + portOffset,
      agentPort: 8108 + index + portOffset,
      namespace: undefined,
    })),
    synchronous: { mode: 'on', standbys: 1 },
    postgres: {
      version: undefined,
      parameters: { max_connections: 100, shared_buffers: '128MB', wal_level: 'logical', jit: false },
      hba: [
        'local all all scram-sha-256',
        'host replication replicator 127.0.0.1/32 scram-sha-256',
        'host all all 127.0.0.1/32 scram-sha-256',
      ],
    },
    patroni: { ttl: 20, loopWait: 1, retryTimeout: 5, maximumLagOnFailover: 1_048_576, failsafe: true },
    failover: { enabled: members > 1, silenceMilliseconds: 450, fenceMilliseconds: 5000 },
    etcd: {
      members: indices(etcdMembers).map((index) => ({
        name: `etcd${index + 1}`,
        host: listen,
        clientPort: 2379 + 100 * index + portOffset,
        peerPort: 2380 + 100 * index + portOffset,
        namespace: undefined,
      })),
      heartbeatMilliseconds: 100,
      electionMilliseconds: 1000,
      quotaBytes: 268_435_456,
    },
    haproxy: {
      host: listen,
      readWritePort: 5000 + portOffset,
      readOnlyPort: 5001 + portOffset,
      statsPort: 7000 + portOffset,
      maxConnections: 1000,
      checkMilliseconds: 100,
      queueMilliseconds: 30_000,
      idleSeconds: 0,
    },
    supabase: { enabled: true, net: { enabled: true, answersKeptSeconds: 21_600 } },
    pooler: {
      enabled: true,
      host: listen,
      port: 6543 + portOffset,
      mode: 'transaction',
      poolSize: 20,
      maxClientConnections: 500,
    },
    api: {
      enabled: true,
      host: listen,
      port: 8000 + portOffset,
      profile: 'development',
      siteUrl: 'http://127.0.0.1:3000',
      externalUrl: `http://127.0.0.1:${8000 + portOffset}`,
      redirectUrls: [],
      workers: 1,
      connections: 10,
      rideMilliseconds: 30_000,
      rateLimit: undefined,
      allowedOrigins: undefined,
      trustForwarded: false,
      accessLog: 'errors',
      auth: {
        confirmEmail: false,
        anonymous: false,
        signUp: true,
        passwordLength: 6,
        jwtExpirySeconds: 3600,
        mail: undefined,
        settings: {},
      },
      rest: {
        schemas: ['public', 'graphql_public'],
        extraSearchPath: ['public', 'extensions'],
        maxRows: 1000,
        readReplica: false,
        settings: {},
      },
    },
    docker: { subnet: '10.213.7.0/24', baseImage: 'debian:bookworm-slim', hosts: [] },
    kubernetes: {
      preset: undefined,
      members: 'kubernetes',
      hosts: [],
      nodes: [],
      namespace: 'main',
      domain: 'cluster.local',
      storageClass: undefined,
      storage: { postgresBytes: 10 * 2 ** 30, etcdBytes: 4 * 2 ** 30 },
      images: {
        patroni: undefined,
        proxy: undefined,
        etcd: undefined,
        api: undefined,
        pull: 'IfNotPresent',
        pullSecrets: [],
      },
      resources: {
        postgres: { memoryBytes: 2 * 2 ** 30, cores: 1 },
        etcd: { memoryBytes: 512 * 2 ** 20, cores: 0.25 },
        haproxy: { memoryBytes: 256 * 2 ** 20, cores: 0.25 },
        pooler: { memoryBytes: 128 * 2 ** 20, cores: 0.25 },
        net: { memoryBytes: 256 * 2 ** 20, cores: 0.1 },
        api: { memoryBytes: 512 * 2 ** 20, cores: 0.5 },
      },
      replicas: { haproxy: 2, pooler: 2, api: 2 },
      spread: 'preferred',
      etcdNodePort: 32_379,
      networks: ['10.0.0.0/8'],
      clients: [],
      ingress: undefined,
      monitoring: undefined,
    },
    resources: { memoryBytes: 2 ** 31, cores: 2 },
    dataDirectory: undefined,
    warnings: [],
  });
}

export function exampleLayout(stateDirectory = '/srv/holdfast/main'): Layout {
  return {
    stateDirectory,
    tools: {
      etcd: '/usr/bin/etcd',
      patroni: {
        argv: ['/usr/bin/python3', '/opt/patroni/usr/bin/patroni'],
        ctlArgv: ['/usr/bin/python3', '/opt/patroni/usr/bin/patronictl'],
        env: { PYTHONPATH: '/opt/patroni/usr/lib/python3/dist-packages' },
        version: '4.0.7',
        origin: 'for tests',
      },
      postgresBin: '/usr/lib/postgresql/15/bin',
      postgresMajor: 15,
      haproxy: '/usr/sbin/haproxy',
      pgbouncer: '/usr/sbin/pgbouncer',
      agent: ['/usr/bin/node', '/opt/holdfast/agent.mjs'],
      net: ['/usr/bin/node', '/opt/holdfast/net.mjs'],
      api: ['/usr/bin/node', '/opt/holdfast/api.mjs'],
    },
    accounts: {
      etcd: 'etcd',
      patroni: 'postgres',
      haproxy: 'haproxy',
      pgbouncer: 'postgres',
      net: 'nobody',
      api: 'nobody',
    },
  };
}

export function exampleInput(options: ExampleOptions = {}): PlanInput {
  return { spec: exampleSpec(options), layout: exampleLayout(options.stateDirectory) };
}

/** The five clusters that golden files are kept of. */
export const examples: Readonly<Record<string, ExampleOptions>> = {
  default: {},
  'one-member': {
    members: 1,
    etcdMembers: 1,
    change: (spec) => ({ ...spec, synchronous: { mode: 'off', standbys: 1 } }),
  },
  'five-members-quorum': {
    members: 5,
    etcdMembers: 5,
    change: (spec) => ({
      ...spec,
      synchronous: { mode: 'quorum', standbys: 2 },
      haproxy: { ...spec.haproxy, idleSeconds: 3600 },
    }),
  },
  'listen-everywhere': { listen: '0.0.0.0' },
  'no-pooler': {
    change: (spec) => ({
      ...spec,
      synchronous: { mode: 'strict', standbys: 1 },
      pooler: { ...spec.pooler, enabled: false },
    }),
  },
};
