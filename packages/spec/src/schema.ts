import { isIP } from 'node:net';
import { isAbsolute, normalize } from 'node:path';
import { z } from 'zod';
import { apiSection } from './api-schema.js';
import type { SynchronousMode } from './cluster-spec.js';
import { choice, duration, field, group, integer, problems, section, size } from './field-types.js';
import { readHbaLine } from './hba-line.js';
import { checkParameters } from './parameters.js';
import { formatDuration, formatSize, GiB, MiB, TiB } from './quantity.js';
import { kubernetesSchema } from './schema-kubernetes.js';
import { specDefaults as defaults } from './spec-defaults.js';

const clusterName = z
  .string({ error: 'must be text' })
  .max(30, { error: 'must have at most 30 characters' })
  .regex(/^[a-z]([a-z0-9-]*[a-z0-9])?$/, {
    error:
      'must be a DNS label: lower-case letters, digits and hyphens, beginning with a letter, not ending in a hyphen',
  });

const parameters = z
  .record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean()], { error: 'must be text, a number or a boolean' }),
    { error: 'must be parameters, one a line: `name: value`' },
  )
  .check(problems(checkParameters));

const hba = z.array(
  z.string({ error: 'must be one pg_hba.conf line as text' }).check(
    problems((line) => {
      const reading = readHbaLine(line);
      return reading.ok ? [] : [{ path: [], problem: reading.problem, suggestion: reading.suggestion }];
    }),
  ),
  { error: 'must be a list of pg_hba.conf lines' },
);

// YAML 1.1 reads `on` and `off` as booleans, and so do people: both spellings mean the same.
const modeError = 'must be off, on, strict or quorum';
const mode = z
  .union([z.enum(['off', 'on', 'strict', 'quorum']), z.boolean()], { error: modeError })
  .transform((value): SynchronousMode => (typeof value === 'string' ? value : value ? 'on' : 'off'));

const synchronous = z
  .union(
    [
      mode,
      group({
        mode: field(
          mode,
          'off: a failover may lose acknowledged writes. on: a standby has every acknowledged write, as long as one is there. strict: writes wait when no standby is there, so that two failures in a row lose nothing either. quorum: any of the standbys acknowledge.',
          { default: defaults.synchronous.mode },
        ),
        standbys: field(
          integer(1, 14),
          'How many standbys must have a write before it is acknowledged; fewer than members.',
          { default: defaults.synchronous.standbys },
        ),
      }),
    ],
    { error: `${modeError}, or a group with mode and standbys` },
  )
  .transform((value) => (typeof value === 'string' ? { mode: value } : value));

const port = integer(1, 65535);
const portRun = (count: number) =>
  z.union([port, z.array(port).min(1).max(count)], { error: 'must be the first port of a run, or a list of ports' });

const portsByName = group({
  postgres: field(portRun(15), 'PostgreSQL: the first port, counted up by 1 a member, or a list with one a member.', {
    default: defaults.ports.postgres,
  }),
  patroni: field(portRun(15), "Patroni's REST API: the first port, counted up by 1 a member, or a list.", {
    default: defaults.ports.patroni,
  }),
  agent: field(portRun(15), 'Agents: the first port, counted up by 1 a member, or a list.', {
    default: defaults.ports.agent,
  }),
  etcdClient: field(portRun(7), 'etcd, clients: the first port, counted up by 100 an etcd member, or a list.', {
    default: defaults.ports.etcdClient,
  }),
  etcdPeer: field(portRun(7), 'etcd, among themselves: the first port, counted up by 100 an etcd member, or a list.', {
    default: defaults.ports.etcdPeer,
  }),
  readWrite: field(port, 'HAProxy: always the primary.', { default: defaults.ports.readWrite }),
  readOnly: field(port, 'HAProxy: replicas, and the primary when there is none.', { default: defaults.ports.readOnly }),
  haproxyStats: field(port, 'HAProxy: statistics and metrics.', { default: defaults.ports.haproxyStats }),
  pooler: field(port, 'PgBouncer.', { default: defaults.ports.pooler }),
  api: field(port, "Supabase's API.", { default: defaults.ports.api }),
});

const listen = z.string({ error: 'must be an IP address as text' }).check(
  problems((value) => {
    if (isIP(value) === 0 || value.includes('%')) {
      return [{ path: [], problem: 'must be an IP address', suggestion: "Write 127.0.0.1 or this machine's address." }];
    }
    if (!/^[0:.]+$/.test(value)) return [];
    const problem = 'must be an address that clients can connect to, not the wildcard';
    return [{ path: [], problem, suggestion: "Write this machine's own address in the network that clients use." }];
  }),
);

const subnet = z.string({ error: 'must be an IPv4 network as text' }).regex(/^(\d{1,3}\.){3}0\/(1[6-9]|2[0-4])$/, {
  error: 'must be an IPv4 network of at least 256 addresses that ends in 0, such as 10.213.7.0/24',
});

const image = z.string({ error: 'must be the name of an image as text' }).regex(/^[a-z0-9][a-zA-Z0-9._/:@-]{0,200}$/, {
  error: 'must be the name of an image, such as debian:bookworm-slim',
});

const dataDirectory = z
  .string({ error: 'must be a path as text' })
  .refine((value) => isAbsolute(value) && normalize(value) !== '/' && !/\p{Cc}/u.test(value), {
    error: 'must be an absolute path of a folder, and not /',
  });

/** `holdfast.yaml` as a person writes it. Everything is optional. */
export const specSchema = group({
  name: field(clusterName, 'Name of the cluster: a DNS label of at most 30 characters.', { default: defaults.name }),
  runtime: field(choice(['process', 'docker', 'kubernetes']), 'What runs the parts.', { default: defaults.runtime }),
  members: field(integer(1, 15), 'PostgreSQL members: one primary, the others replicas. Best odd.', {
    default: defaults.members,
  }),
  etcd: section(
    group({
      size: field(
        z.literal([1, 3, 5, 7], { error: 'must be 1, 3, 5 or 7' }),
        'etcd members; a majority of them must run.',
        { default: defaults.etcd.size },
      ),
      heartbeat: field(duration('ms', 10, 10_000), "Between the etcd leader's heartbeats; a bare number is in ms.", {
        default: formatDuration(defaults.etcd.heartbeatMilliseconds),
      }),
      electionTimeout: field(
        duration('ms', 50, 50_000),
        'Silence after which etcd elects a new leader, at least 5 heartbeats; a bare number is in ms.',
        { default: formatDuration(defaults.etcd.electionMilliseconds) },
      ),
      quota: field(size(64 * MiB, 8 * GiB), "Limit of etcd's database; a bare number is in bytes.", {
        default: formatSize(defaults.etcd.quotaBytes),
      }),
    }),
    "etcd, which keeps the cluster's state.",
  ),
  postgres: section(
    group({
      version: field(integer(13, 18), 'Major version. Left out: 15, or else the newest that is installed.', {
        examples: [15],
      }),
      parameters: field(
        parameters,
        'PostgreSQL parameters, over the defaults, for example `log_min_duration_statement: 500ms`.',
        { default: {} },
      ),
      hba: field(
        hba,
        'More pg_hba.conf lines, after those of Holdfast, for example `host app app 10.0.0.0/8 scram-sha-256`.',
        { default: [] },
      ),
    }),
    'PostgreSQL.',
  ),
  synchronous: field(
    synchronous,
    'Synchronous replication: off, on, strict or quorum, or a group with mode and standbys.',
    { default: defaults.synchronous.mode },
  ),
  patroni: section(
    group({
      ttl: field(
        duration('s', 20_000, 3_600_000, 1000),
        "The leader's lease: without an answer for so long, it is replaced; at least loopWait + 2 × retryTimeout; a bare number is in s.",
        { default: `${defaults.patroni.ttl}s` },
      ),
      loopWait: field(duration('s', 1000, 600_000, 1000), "Between Patroni's looks at etcd; a bare number is in s.", {
        default: `${defaults.patroni.loopWait}s`,
      }),
      retryTimeout: field(
        duration('s', 3000, 600_000, 1000),
        'How long Patroni tries etcd and PostgreSQL again before it gives up; a bare number is in s.',
        { default: `${defaults.patroni.retryTimeout}s` },
      ),
      maximumLagOnFailover: field(
        size(0, TiB),
        'A replica that lags more is not promoted; a bare number is in bytes.',
        { default: formatSize(defaults.patroni.maximumLagOnFailover) },
      ),
      failsafe: field(
        z.boolean({ error: 'must be true or false' }),
        'Keep the primary while etcd is lost, as long as it reaches all members.',
        { default: defaults.patroni.failsafe },
      ),
    }),
    'Patroni, which decides who is primary.',
  ),
  failover: section(
    group({
      enabled: field(
        z.boolean({ error: 'must be true or false' }),
        'Run an agent beside each Patroni, which fails over in under a second. Without them Patroni does, after its ttl.',
        { default: defaults.failover.enabled },
      ),
      silence: field(
        duration('ms', 200, 60_000),
        'A member whose agent, Patroni and PostgreSQL all answer nobody for so long is failed over; a bare number is in ms.',
        { default: formatDuration(defaults.failover.silenceMilliseconds) },
      ),
      fence: field(
        z.union([z.literal('off'), z.literal(false).transform(() => 'off' as const), duration('ms', 1000, 600_000)], {
          error: 'must be off, or a duration from 1s',
        }),
        'A primary that cannot prove for so long that it holds the lock is stopped by its agent; off: never.',
        { default: formatDuration(defaults.failover.fenceMilliseconds) },
      ),
    }),
    'Failing over.',
  ),
  hosts: field(
    z
      .array(
        group({
          address: listen.meta({ description: 'IP address of the host.' }),
          namespace: field(
            z.string({ error: 'must be text' }).regex(/^[A-Za-z0-9_.-]{1,60}$/, {
              error: 'must be the name of a network namespace (ip netns)',
            }),
            'Network namespace on this machine that stands for the host; needs root.',
            { examples: ['host1'] },
          ),
          name: field(
            z.string({ error: 'must be text' }).regex(/^[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?$/, {
              error: 'must be a DNS name of lower-case letters, digits, hyphens and dots',
            }),
            'With `kubernetes.members: docker`: name by which pods find the host. Left out: its address.',
            { examples: ['host.minikube.internal'] },
          ),
          engine: field(
            z.string({ error: 'must be text' }).regex(/^(ssh|tcp|unix):\/\/[A-Za-z0-9@:._/[\]-]{1,200}$/, {
              error: 'must be what DOCKER_HOST takes: ssh://…, tcp://… or unix://…',
            }),
            'With the runtime docker: DOCKER_HOST of its engine.',
            { examples: ['ssh://root@10.77.0.1'] },
          ),
        }),
        { error: 'must be a list of hosts' },
      )
      .min(1, { error: 'must name at least one host' })
      .max(15, { error: 'must name at most 15 hosts' }),
    'Where members and etcd run, in turn: pg1 and etcd1 on the first, pg2 and etcd2 on the second. Left out: all on `listen`.',
    { examples: [[{ address: '10.77.0.1', namespace: 'host1' }]] },
  ),
  haproxy: section(
    group({
      maxConnections: field(integer(1, 1_000_000), 'Client connections at once.', {
        default: defaults.haproxy.maxConnections,
      }),
      checkInterval: field(duration('ms', 50, 60_000), 'Between health checks of a member; a bare number is in ms.', {
        default: formatDuration(defaults.haproxy.checkMilliseconds),
      }),
      queueTimeout: field(
        duration('ms', 100, 3_600_000),
        'How long a client that connects waits for a primary before it gets an error; a bare number is in ms.',
        { default: formatDuration(defaults.haproxy.queueMilliseconds) },
      ),
      idleTimeout: field(
        duration('s', 0, 7 * 86_400_000, 1000),
        'Connections idle for so long are cut; 0s: never; a bare number is in s.',
        { default: `${defaults.haproxy.idleSeconds}s` },
      ),
    }),
    'HAProxy, which clients connect to.',
  ),
  pooler: section(
    group({
      enabled: field(z.boolean({ error: 'must be true or false' }), 'Run PgBouncer.', {
        default: defaults.pooler.enabled,
      }),
      mode: field(choice(['transaction', 'session']), 'How long a client keeps a server connection.', {
        default: defaults.pooler.mode,
      }),
      poolSize: field(integer(1, 10_000), 'Server connections for each database and user.', {
        default: defaults.pooler.poolSize,
      }),
      maxClientConnections: field(integer(1, 100_000), 'Client connections at once.', {
        default: defaults.pooler.maxClientConnections,
      }),
    }),
    'PgBouncer, the connection pooler.',
  ),
  supabase: section(
    group({
      enabled: field(
        z.boolean({ error: 'must be true or false' }),
        'Prepare the database for Supabase: its roles, schemas, functions and tables.',
        { default: defaults.supabase.enabled },
      ),
      net: section(
        group({
          enabled: field(
            z.boolean({ error: 'must be true or false' }),
            'Run the worker that makes the requests which net.http_get, net.http_post and net.http_delete put into their queue.',
            { default: defaults.supabase.net.enabled },
          ),
          keepAnswers: field(
            duration('s', 60_000, 30 * 86_400_000, 1000),
            'Answers in net._http_response are deleted after so long; a bare number is in s.',
            { default: formatDuration(defaults.supabase.net.answersKeptSeconds * 1000) },
          ),
        }),
        'Requests from SQL.',
      ),
    }),
    'Supabase.',
  ),
  api: apiSection,
  ports: field(
    z.union([z.literal('auto'), portsByName], { error: 'must be auto, or a group of ports by name' }),
    '`auto` picks free ports once and keeps them; or a group of ports by name.',
    { examples: ['auto'] },
  ),
  listen: field(listen, 'IP address that everything listens on.', { default: defaults.listen }),
  dataDirectory: field(
    dataDirectory,
    'Absolute path of the folder for all state. Left out: .holdfast/<name> beside this file.',
    { examples: ['/var/lib/holdfast/holdfast'] },
  ),
  docker: section(
    group({
      subnet: field(
        subnet,
        'IPv4 network of the containers, where all are on one host. Left out: one in 10.213.0.0/16, by the name of the cluster.',
        { examples: ['10.213.209.0/24'] },
      ),
      baseImage: field(image, 'What the images are built from: Debian 12, or PostgreSQL 15 on it.', {
        default: defaults.docker.baseImage,
      }),
    }),
    'The runtime docker.',
  ),
  kubernetes: section(kubernetesSchema, 'The runtime kubernetes.'),
  resources: section(
    group({
      memory: field(
        size(128 * MiB, 64 * TiB),
        "Memory that the whole cluster on this machine may plan with. Left out: 80 % of the machine's. A bare number is in bytes.",
        { examples: ['8GiB'] },
      ),
      cores: field(integer(1, 4096), "Cores, likewise. Left out: the machine's.", { examples: [4] }),
    }),
    'What the defaults of PostgreSQL are sized from.',
  ),
});

/** A validated file: durations in milliseconds, sizes in bytes, nothing filled in. */
export type SpecFile = z.output<typeof specSchema>;

export type PortsFile = Exclude<SpecFile['ports'], 'auto' | undefined>;
