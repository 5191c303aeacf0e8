import { GiB, MiB } from './quantity.js';

/**
 * What holds when the file does not say. Why these Patroni timings: 20 s is the shortest ttl that Patroni takes, and
 * its rule loopWait + 2·retryTimeout ≤ ttl then leaves 9 s for retries. The queue timeout outlasts a failover that has
 * to wait for that ttl.
 */
export const specDefaults = {
  name: 'holdfast',
  runtime: 'process',
  members: 3,
  listen: '127.0.0.1',
  synchronous: { mode: 'strict', standbys: 1 },
  patroni: { ttl: 20, loopWait: 1, retryTimeout: 9, maximumLagOnFailover: MiB, failsafe: true },
  failover: { enabled: true, silenceMilliseconds: 450, fenceMilliseconds: 5000 },
  etcd: { size: 3, heartbeatMilliseconds: 100, electionMilliseconds: 1000, quotaBytes: GiB },
  haproxy: { maxConnections: 1000, checkMilliseconds: 100, queueMilliseconds: 30_000, idleSeconds: 0 },
  pooler: { enabled: true, mode: 'transaction', poolSize: 20, maxClientConnections: 1000 },
  docker: { baseImage: 'debian:bookworm-slim' },
  supabase: { enabled: true, net: { enabled: true, answersKeptSeconds: 21_600 } },
  api: {
    enabled: true,
    profile: 'development',
    siteUrl: 'http://127.0.0.1:3000',
    workersAtMost: 8,
    connections: 10,
    rideMilliseconds: 30_000,
    trustForwarded: false,
    accessLog: 'errors',
    // As the Supabase CLI's config.toml has them.
    auth: { confirmEmail: false, anonymous: false, signUp: true, passwordLength: 6, jwtExpirySeconds: 3600 },
    rest: {
      schemas: ['public', 'graphql_public'],
      extraSearchPath: ['public', 'extensions'],
      maxRows: 1000,
      readReplica: false,
    },
  },
  kubernetes: {
    members: 'kubernetes',
    domain: 'cluster.local',
    storage: { postgresBytes: 10 * GiB, etcdBytes: 4 * GiB },
    pull: 'IfNotPresent',
    resources: {
      postgres: { memoryBytes: 2 * GiB, cores: 1 },
      etcd: { memoryBytes: 512 * MiB, cores: 0.25 },
      haproxy: { memoryBytes: 256 * MiB, cores: 0.25 },
      pooler: { memoryBytes: 128 * MiB, cores: 0.25 },
      net: { memoryBytes: 256 * MiB, cores: 0.1 },
      api: { memoryBytes: 768 * MiB, cores: 0.5 },
    },
    replicas: { haproxy: 2, pooler: 2, api: 2 },
    spread: 'preferred',
    etcdNodePort: 32_379,
    networks: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'],
    tlsSecret: 'holdfast-tls',
    monitoring: { enabled: false, namespace: 'monitoring' },
  },
  ports: {
    postgres: 5432,
    patroni: 8008,
    agent: 8108,
    etcdClient: 2379,
    etcdPeer: 2380,
    readWrite: 5000,
    readOnly: 5001,
    haproxyStats: 7000,
    pooler: 6543,
    api: 8000,
  },
  /** Share of the machine's memory that the cluster may plan with; the rest is for the system and everything else. */
  memoryShare: 0.8,
  maxConnections: 200,
} as const;
