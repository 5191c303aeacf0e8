import type { ClusterSpec } from '@holdfast/spec';
import { secretObjects } from './layout.js';
import { everyPod, type KubernetesObject, namespaced, type PodName, selectorLabels } from './objects.js';

/** Key of the Secret that holds the user of HAProxy's statistics: a monitor takes user and password from Secrets only. */
export const statisticsUserKey = 'haproxy-stats-user';

interface Endpoint {
  readonly port: string;
  readonly [field: string]: unknown;
}

/** Monitors and alerts for the Prometheus operator, where the spec asks for them. Pure. */
export function renderMonitoring(spec: ClusterSpec): readonly KubernetesObject[] {
  const { monitoring } = spec.kubernetes;
  if (monitoring === undefined) return [];
  const objects = [
    monitor(spec, 'etcd', [{ port: 'health' }]),
    // Members outside are for whoever watches their hosts.
    ...(spec.kubernetes.members === 'docker'
      ? []
      : [monitor(spec, 'postgres', [{ port: 'patroni' }, ...(spec.failover.enabled ? [{ port: 'agent' }] : [])])]),
    monitor(spec, 'haproxy', [
      {
        port: 'stats',
        basicAuth: {
          username: { name: secretObjects.cluster, key: statisticsUserKey },
          password: { name: secretObjects.cluster, key: 'haproxy-stats' },
        },
      },
    ]),
    rules(spec),
  ];
  return objects.map((each) => ({
    ...each,
    metadata: { ...each.metadata, labels: { ...each.metadata.labels, ...monitoring.labels } },
  }));
}

/** Scrapes the service that is named like the part and has every pod behind it, once. */
function monitor(spec: ClusterSpec, part: PodName, endpoints: readonly Endpoint[]): KubernetesObject {
  return namespaced(spec, {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    name: part,
    body: {
      spec: {
        selector: { matchLabels: { ...selectorLabels(spec, part), ...everyPod } },
        namespaceSelector: { matchNames: [spec.kubernetes.namespace] },
        endpoints: endpoints.map((each) => ({ path: '/metrics', interval: '15s', ...each })),
      },
    },
  });
}

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: 'critical' | 'warning';
  readonly summary: string;
}

function rules(spec: ClusterSpec): KubernetesObject {
  return namespaced(spec, {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    name: 'holdfast',
    body: {
      spec: {
        groups: [
          {
            name: 'holdfast',
            rules: alerts(spec).map(({ alert, expr, for: pending, severity, summary }) => ({
              alert,
              expr,
              for: pending,
              labels: { severity, cluster: spec.name },
              annotations: { summary },
            })),
          },
        ],
      },
    },
  });
}

/** Metrics of Patroni 4 (`GET /metrics`), etcd 3.4 and HAProxy 2.6. */
function alerts(spec: ClusterSpec): readonly Alert[] {
  const { namespace } = spec.kubernetes;
  const inNamespace = `namespace="${namespace}"`;
  const quorum = Math.floor(spec.etcd.members.length / 2) + 1;
  const nearQuota = Math.floor(spec.etcd.quotaBytes * 0.8);
  return [
    ...(spec.kubernetes.members === 'docker' ? [] : memberAlerts(spec)),
    {
      alert: 'HoldfastNoBackend',
      expr: `min(haproxy_backend_active_servers{${inNamespace}, proxy="primary"}) < 1`,
      for: '30s',
      severity: 'critical',
      summary: `A HAProxy of ${spec.name} sees no primary.`,
    },
    {
      alert: 'HoldfastEtcdQuorumAtRisk',
      expr: `(sum(etcd_server_has_leader{${inNamespace}}) or vector(0)) < ${Math.min(spec.etcd.members.length, quorum + 1)}`,
      for: '2m',
      severity: 'critical',
      summary: `etcd of ${spec.name} cannot lose another member.`,
    },
    {
      alert: 'HoldfastEtcdNearQuota',
      expr: `max(etcd_mvcc_db_total_size_in_bytes{${inNamespace}}) > ${nearQuota}`,
      for: '10m',
      severity: 'warning',
      summary: `etcd of ${spec.name} has used 80 % of its quota.`,
    },
    {
      alert: 'HoldfastVolumeFull',
      expr: `kubelet_volume_stats_available_bytes{${inNamespace}} / kubelet_volume_stats_capacity_bytes{${inNamespace}} < 0.15`,
      for: '5m',
      severity: 'warning',
      summary: `A volume of ${spec.name} is almost full.`,
    },
  ];
}

function memberAlerts(spec: ClusterSpec): readonly Alert[] {
  const scope = `scope="${spec.name}"`;
  return [
    {
      alert: 'HoldfastNoPrimary',
      expr: `(sum(patroni_primary{${scope}}) or vector(0)) == 0`,
      for: '30s',
      severity: 'critical',
      summary: `No member of ${spec.name} is primary: writes wait.`,
    },
    {
      alert: 'HoldfastTwoPrimaries',
      expr: `sum(patroni_primary{${scope}}) > 1`,
      for: '30s',
      severity: 'critical',
      summary: `More than one member of ${spec.name} says that it is primary.`,
    },
    {
      alert: 'HoldfastMemberDown',
      expr: `(sum(patroni_postgres_running{${scope}}) or vector(0)) < ${spec.members.length}`,
      for: '2m',
      severity: 'warning',
      summary: `A member of ${spec.name} does not run.`,
    },
    ...(spec.synchronous.mode === 'off'
      ? []
      : [
          {
            alert: 'HoldfastNoSynchronousStandby',
            expr: `(sum(patroni_sync_standby{${scope}} or patroni_quorum_standby{${scope}}) or vector(0)) < ${spec.synchronous.standbys}`,
            for: '1m',
            severity: 'critical' as const,
            summary: `${spec.name} has too few synchronous standbys: writes wait, or are on one member only.`,
          },
        ]),
  ];
}
