import { PrometheusRule, ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { CronJob } from 'kubernetes-models/batch/v1';
import { Ingress, NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { PriorityClass } from 'kubernetes-models/scheduling.k8s.io/v1';
import { ConfigMap, Namespace, Service, ServiceAccount } from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { renderKubernetesObjects } from '../../src/index.js';
import { builtImages, examples, kubernetesSpec } from './examples.js';

/**
 * Schemas of a current Kubernetes and of the Prometheus operator. They do not refuse unknown fields; a real API server does (api-server.integration.test.ts),
 * and golden files show them.
 */
const models: Readonly<Record<string, new (data: never) => { validate(): void }>> = {
  ConfigMap,
  CronJob,
  Deployment,
  HorizontalPodAutoscaler,
  Ingress,
  Namespace,
  NetworkPolicy,
  PodDisruptionBudget,
  PriorityClass,
  PrometheusRule,
  Role,
  Service,
  ServiceAccount,
  ServiceMonitor,
  StatefulSet,
};

describe.each(Object.entries(examples))('objects of %s', (_, text) => {
  const objects = [...renderKubernetesObjects(kubernetesSpec(text), builtImages).values()].flat();

  it.each(objects.map((object) => [object.kind, object.metadata.name, object] as const))(
    '%s %s',
    (kind, _name, object) => {
      const Model = models[kind];
      if (Model === undefined) throw new Error(`no schema of ${kind}`);
      const model = new Model(object as never);
      expect(() => model.validate()).not.toThrow();
      expect((model as unknown as { apiVersion: string }).apiVersion).toBe(object.apiVersion);
    },
  );
});

it('a schema refuses what is wrong', () => {
  const job = [...renderKubernetesObjects(kubernetesSpec(''), builtImages).values()]
    .flat()
    .find(({ kind }) => kind === 'CronJob');
  const wrong = { ...job, spec: { ...(job?.spec as object), schedule: 17 } };
  expect(() => new CronJob(wrong as never).validate()).toThrow(/schedule/);
});
