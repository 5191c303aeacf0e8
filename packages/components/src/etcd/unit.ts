import type { EtcdMemberSpec } from '@holdfast/spec';
import { connectHost, etcdClientUrl, etcdPeerUrl, etcdProtocol, hostPort, httpUrl, listenHost } from '../addresses.js';
import { unitData } from '../paths.js';
import type { Layout, PlanInput } from '../plan.js';
import type { Unit } from '../unit.js';

/** One unit an etcd member, `etcd1` … */
export function planEtcd(input: PlanInput): readonly Unit[] {
  return input.spec.etcd.members.map((member) => planMember(input, member));
}

function planMember(input: PlanInput, member: EtcdMemberSpec): Unit {
  const { layout } = input;
  const data = unitData(layout.stateDirectory, member.name);
  const host = listenHost(layout, member.host);
  return {
    id: member.name,
    component: 'etcd',
    host: connectHost(member.host),
    argv: [layout.tools.etcd, ...renderEtcdFlags(input, member)],
    // --initial-cluster-state is not among the flags: one would win over ETCD_INITIAL_CLUSTER_STATE, which a repair sets.
    env: {},
    files: [],
    volumes: [{ path: data, mode: 0o700, persistent: true }],
    ports: [
      { name: 'client', host, port: member.clientPort },
      { name: 'peer', host, port: member.peerPort },
      ...(layout.etcdTls === undefined ? [] : [{ name: 'health', host, port: layout.etcdTls.healthPort }]),
    ],
    user: layout.accounts.etcd,
    namespace: member.namespace,
    workingDirectory: data,
    readiness: { kind: 'http', url: etcdHealthUrl(member, layout), statuses: [200], timeoutMilliseconds: 2000 },
    stop: { signal: 'SIGTERM', graceSeconds: 2 },
    restart: { minMilliseconds: 200, maxMilliseconds: 10_000 },
    reloadSignal: undefined,
    after: undefined,
    territory: undefined,
  };
}

/** Answers 200 only while there is a leader that can commit. */
function etcdHealthUrl(member: EtcdMemberSpec, { etcdTls }: Layout): string {
  const base = etcdTls === undefined ? etcdClientUrl(member) : httpUrl(member.host, etcdTls.healthPort);
  return `${base}/health`;
}

/**
 * Flags that etcd 3.4, 3.5 and 3.6 all know (https://etcd.io/docs/v3.5/op-guide/configuration/). The v2 API is off in
 * 3.4 and 3.5 by default and gone in 3.6, which refuses the flag for it.
 */
export function renderEtcdFlags(input: PlanInput, member: EtcdMemberSpec): readonly string[] {
  const { members, heartbeatMilliseconds, electionMilliseconds, quotaBytes } = input.spec.etcd;
  const { layout } = input;
  const scheme = etcdProtocol(layout);
  const host = listenHost(layout, member.host);
  return [
    `--name=${member.name}`,
    `--data-dir=${unitData(layout.stateDirectory, member.name)}`,
    `--listen-client-urls=${scheme}://${hostPort(host, member.clientPort)}`,
    `--advertise-client-urls=${etcdClientUrl(member, layout)}`,
    `--listen-peer-urls=${scheme}://${hostPort(host, member.peerPort)}`,
    `--initial-advertise-peer-urls=${etcdPeerUrl(member, layout)}`,
    ...renderTlsFlags(layout, host),
    `--initial-cluster-token=holdfast-${input.spec.name}`,
    `--initial-cluster=${members.map((each) => `${each.name}=${etcdPeerUrl(each, layout)}`).join(',')}`,
    `--heartbeat-interval=${heartbeatMilliseconds}`,
    `--election-timeout=${electionMilliseconds}`,
    // A member that comes back does not end a healthy leader's term; the default since 3.5.
    '--pre-vote=true',
    `--quota-backend-bytes=${quotaBytes}`,
    // Patroni writes a few keys every loop and never looks at old revisions.
    '--auto-compaction-mode=periodic',
    '--auto-compaction-retention=15m',
    '--snapshot-count=10000',
    '--logger=zap',
    '--log-level=warn',
    '--log-outputs=stderr',
    '--metrics=basic',
  ];
}

/** https://etcd.io/docs/v3.5/op-guide/security/ */
function renderTlsFlags({ etcdTls }: Layout, host: string): readonly string[] {
  if (etcdTls === undefined) return [];
  const { ca, certificate, key } = etcdTls.server;
  return [
    ...['', 'peer-'].flatMap((side) => [
      `--${side}cert-file=${certificate}`,
      `--${side}key-file=${key}`,
      `--${side}trusted-ca-file=${ca}`,
      `--${side}client-cert-auth=true`,
    ]),
    `--listen-metrics-urls=http://${hostPort(host, etcdTls.healthPort)}`,
  ];
}
