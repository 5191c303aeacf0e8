import type { ClusterSpec } from '@holdfast/spec';
import { agentUnitId } from '../agent/unit.js';
import { containerConfiguration, type ImageTags } from '../container-layout.js';
import type { Unit } from '../unit.js';
import { renderConfiguration } from './configuration.js';
import { accountIds, healthPort, secretObjects, tlsFolders } from './layout.js';
import { disruptionBudget, type KubernetesObject, namespaced, selectorLabels, service } from './objects.js';
import { dataClaim, httpProbe, podTemplate } from './pod.js';

const part = 'postgres';

/** The members: a set of pods with Patroni, PostgreSQL and the agent in each, and a service of its own for each member. Pure. */
export function renderPostgres(
  spec: ClusterSpec,
  units: readonly Unit[],
  images: ImageTags,
): readonly KubernetesObject[] {
  const { resources, storage } = spec.kubernetes;
  const running = spec.members.flatMap(({ name }) => {
    const unit = units.find(({ id }) => id === name);
    return unit === undefined ? [] : [{ unit, beside: units.find(({ id }) => id === agentUnitId(name)) }];
  });
  const configuration = renderConfiguration(spec, part, running);
  const [member] = spec.members;
  const ports = [
    { name: 'postgres', port: member?.port ?? 0 },
    { name: 'patroni', port: member?.patroniPort ?? 0 },
    ...(spec.failover.enabled ? [{ name: 'agent', port: member?.agentPort ?? 0 }] : []),
  ];
  return [
    configuration.object,
    service(spec, { name: part, part, type: 'headless', evenUnready: true, ports }),
    // Its address stays when its pod is replaced, so nobody has to look it up again. While the pod is gone it refuses connections at once,
    // which is what agents take for the end of a member; a pod that only is not ready is still reached.
    ...spec.members.map(({ name }, index) =>
      service(spec, {
        name,
        part,
        evenUnready: true,
        ports,
        selector: { 'statefulset.kubernetes.io/pod-name': `${part}-${index}` },
      }),
    ),
    disruptionBudget(spec, part),
    namespaced(spec, {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      name: part,
      body: {
        spec: {
          replicas: running.length,
          serviceName: part,
          selector: { matchLabels: selectorLabels(spec, part) },
          podManagementPolicy: 'Parallel',
          // Kubernetes does not know who is primary: a member restarts when somebody who does deletes its pod, replicas first.
          updateStrategy: { type: 'OnDelete' },
          template: podTemplate(spec, {
            part,
            size: 'postgres',
            image: images.patroni,
            account: accountIds.postgres,
            running,
            configuration,
            unit: 'pg#',
            reload: 'HUP',
            ports,
            probes: {
              startupProbe: httpProbe({ path: '/liveness', port: 'patroni' }, 5, 60),
              readinessProbe: httpProbe({ path: '/readiness', port: 'patroni' }, 3, 2),
              // For a Patroni that hangs. One that ends is started again in the pod, and PostgreSQL goes on meanwhile.
              livenessProbe: httpProbe({ path: '/liveness', port: 'patroni' }, 10, 12),
            },
            graceSeconds: 120,
            priority: 'database',
            keepsData: true,
            env: {
              HOLDFAST_ETCD: spec.etcd.members.map(({ host }) => `${host}:${healthPort}`).join(' '),
              HOLDFAST_AFTER: etcdHealth(spec),
              // For `kubectl exec … patronictl`: any member's will do.
              PATRONICTL_CONFIG_FILE: `${containerConfiguration}/${member?.name ?? ''}/patroni.yml`,
            },
            certificates: { secret: secretObjects.etcdClient, folder: tlsFolders.client },
            // PostgreSQL's parallel queries share memory there, and a container's own has 64 MiB.
            memoryFolders: [{ name: 'shared-memory', path: '/dev/shm', bytes: resources.postgres.memoryBytes / 4 }],
            data: true,
          }),
          volumeClaimTemplates: [dataClaim(spec, storage.postgresBytes)],
        },
      },
    }),
  ];
}

/** A member starts when etcd has a quorum; else Patroni would sleep 5 s between its attempts. */
function etcdHealth({ etcd }: ClusterSpec): string {
  return etcd.members.map(({ host }) => `http://${host}:${healthPort}/health`).join(' ');
}
