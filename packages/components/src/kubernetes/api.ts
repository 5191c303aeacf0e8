import type { ClusterSpec } from '@holdfast/spec';
import { containerLayout, type ImageTags } from '../container-layout.js';
import type { Unit } from '../unit.js';
import { renderConfiguration } from './configuration.js';
import { accountIds, apiSecret } from './layout.js';
import { disruptionBudget, type KubernetesObject, namespaced, selectorLabels, service } from './objects.js';
import { httpProbe, podTemplate } from './pod.js';

const part = 'api';
/** How many times the least number of pods there may be. */
const growth = 4;
/** Of the processor that a pod asks for, before another one is started. */
const busyPercent = 70;

/** Supabase's API: its pods, which keep no state, its service, and what makes more of them. Pure. */
export function renderApi(spec: ClusterSpec, unit: Unit, images: ImageTags): readonly KubernetesObject[] {
  const running = [{ unit }];
  const configuration = renderConfiguration(spec, part, running);
  const { port } = spec.api;
  const ports = [{ name: part, port }];
  const isAlive = ['/usr/local/bin/holdfast-health', `http://127.0.0.1:${port}/health`, '200,503'];
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
          // No number of replicas: it is the autoscaler's, and an apply must not take it back in the middle of a rush.
          selector: { matchLabels: selectorLabels(spec, part) },
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
          template: podTemplate(spec, {
            part,
            size: 'api',
            image: images.api,
            account: accountIds.api,
            running,
            configuration,
            unit: unit.id,
            ports,
            keys: { secret: apiSecret, folder: containerLayout.copies ?? '' },
            probes: {
              readinessProbe: httpProbe({ path: '/health', port: part }, 2, 3),
              // 503: it runs, and waits for its database; a restart would not help.
              livenessProbe: { exec: { command: isAlive }, periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3 },
            },
            // New clients go elsewhere first; SIGTERM then lets requests end.
            preStop: 'sleep 5',
            graceSeconds: unit.stop.graceSeconds + 10,
            priority: 'proxy',
            keepsData: false,
          }),
        },
      },
    }),
    renderAutoscaler(spec),
  ];
}

function renderAutoscaler(spec: ClusterSpec): KubernetesObject {
  const { api: least } = spec.kubernetes.replicas;
  return namespaced(spec, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    name: part,
    body: {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: part },
        minReplicas: least,
        maxReplicas: growth * least,
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: busyPercent } },
          },
        ],
        behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
      },
    },
  });
}
