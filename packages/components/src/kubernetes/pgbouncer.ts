import type { ClusterSpec } from '@holdfast/spec';
import type { ImageTags } from '../container-layout.js';
import type { Unit } from '../unit.js';
import { renderConfiguration } from './configuration.js';
import { accountIds } from './layout.js';
import { disruptionBudget, type KubernetesObject, namespaced, selectorLabels, service } from './objects.js';
import { drain, podTemplate, tcpProbe } from './pod.js';

const part = 'pgbouncer';
const drainSeconds = 30;

/** PgBouncer: its pods and its service. Pure. */
export function renderPgbouncer(spec: ClusterSpec, unit: Unit, images: ImageTags): readonly KubernetesObject[] {
  const { replicas } = spec.kubernetes;
  const running = [{ unit }];
  const configuration = renderConfiguration(spec, part, running);
  const ports = [{ name: 'pooler', port: spec.pooler.port }];
  return [
    configuration.object,
    service(spec, { name: part, part, ports }),
    disruptionBudget(spec, part),
    namespaced(spec, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: part,
      body: {
        spec: {
          replicas: replicas.pooler,
          selector: { matchLabels: selectorLabels(spec, part) },
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
          template: podTemplate(spec, {
            part,
            size: 'pooler',
            image: images.proxy,
            account: accountIds.proxy,
            running,
            configuration,
            unit: unit.id,
            reload: 'HUP',
            ports,
            probes: { readinessProbe: tcpProbe('pooler', 2, 2), livenessProbe: tcpProbe('pooler', 10, 3) },
            graceSeconds: drainSeconds + 15,
            priority: 'proxy',
            keepsData: false,
            preStop: drain('INT', drainSeconds),
          }),
        },
      },
    }),
  ];
}
