import type { ClusterSpec } from '@holdfast/spec';
import type { ImageTags } from '../container-layout.js';
import type { Unit } from '../unit.js';
import { renderConfiguration } from './configuration.js';
import { findHostsArguments, findHostsScript, foundFolder } from './find-hosts.js';
import { accountIds } from './layout.js';
import { disruptionBudget, type KubernetesObject, namespaced, selectorLabels, service } from './objects.js';
import { drain, httpProbe, podTemplate } from './pod.js';

const part = 'haproxy';
const postgresPort = 5432;
const drainSeconds = 60;

/** HAProxy: its pods and the services that lead to the primary, to replicas and to its statistics. Pure. */
export function renderHaproxy(spec: ClusterSpec, unit: Unit, images: ImageTags): readonly KubernetesObject[] {
  const { readWritePort, readOnlyPort, statsPort } = spec.haproxy;
  const { replicas } = spec.kubernetes;
  const running = [{ unit }];
  const isSplit = spec.kubernetes.members === 'docker';
  const configuration = renderConfiguration(spec, part, running, isSplit ? { 'find-hosts': findHostsScript } : {});
  const stats = { name: 'stats', port: statsPort };
  const ports = [{ name: 'read-write', port: readWritePort }, { name: 'read-only', port: readOnlyPort }, stats];
  const database = (port: number) => ({ name: 'postgres', port: postgresPort, targetPort: port });
  return [
    configuration.object,
    service(spec, {
      name: 'postgres-master',
      part,
      ports: [database(readWritePort), { name: 'read-write', port: readWritePort }],
    }),
    service(spec, {
      name: 'postgres-replicas',
      part,
      ports: [database(readOnlyPort), { name: 'read-only', port: readOnlyPort }],
    }),
    service(spec, { name: 'haproxy-stats', part, ports: [stats] }),
    // Every HAProxy by its own address: agents tell all of them.
    service(spec, { name: part, part, type: 'headless', evenUnready: true, ports: [stats] }),
    disruptionBudget(spec, part),
    namespaced(spec, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: part,
      body: {
        spec: {
          replicas: replicas.haproxy,
          selector: { matchLabels: selectorLabels(spec, part) },
          minReadySeconds: 5,
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
          template: podTemplate(spec, {
            part,
            size: 'haproxy',
            image: images.proxy,
            account: accountIds.proxy,
            running,
            configuration,
            unit: unit.id,
            reload: 'USR2',
            ports,
            probes: {
              readinessProbe: httpProbe({ path: '/healthz', port: 'stats' }, 2, 2),
              livenessProbe: httpProbe({ path: '/healthz', port: 'stats' }, 10, 3),
            },
            graceSeconds: drainSeconds + 15,
            priority: 'proxy',
            keepsData: false,
            preStop: drain('USR1', drainSeconds),
            ...(isSplit
              ? { first: { name: 'find-hosts', arguments: findHostsArguments(spec), folder: foundFolder } }
              : {}),
          }),
        },
      },
    }),
  ];
}
