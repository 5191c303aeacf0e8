import type { ClusterSpec } from '@holdfast/spec';
import { etcdClientUrl } from '../addresses.js';
import type { ImageTags } from '../container-layout.js';
import type { Unit } from '../unit.js';
import { renderConfiguration } from './configuration.js';
import { accountIds, healthPort, kubernetesLayout, secretObjects, tlsFiles, tlsFolders } from './layout.js';
import { disruptionBudget, type KubernetesObject, namespaced, selectorLabels, service } from './objects.js';
import { containerSecurity, dataClaim, httpProbe, podBasics, podTemplate, resources, tcpProbe } from './pod.js';

const part = 'etcd';

/** etcd: a set with a volume for each member, its names, the port of the nodes, its budget, and its defragmentation. Pure. */
export function renderEtcd(spec: ClusterSpec, units: readonly Unit[], images: ImageTags): readonly KubernetesObject[] {
  const { etcdNodePort, storage } = spec.kubernetes;
  const running = units.map((unit) => ({ unit }));
  const configuration = renderConfiguration(spec, part, running);
  const [member] = spec.etcd.members;
  const clientPort = member?.clientPort ?? 0;
  const peerPort = member?.peerPort ?? 0;
  const ports = [
    { name: 'client', port: clientPort },
    { name: 'peer', port: peerPort },
    { name: 'health', port: healthPort },
  ];
  return [
    configuration.object,
    // Members find each other before they are ready: that is how they become ready.
    service(spec, { name: part, part, type: 'headless', evenUnready: true, ports }),
    ...(etcdNodePort === undefined
      ? []
      : [
          service(spec, {
            name: 'etcd-nodeport',
            part,
            type: 'NodePort',
            ports: [{ name: 'client', port: clientPort, nodePort: etcdNodePort }],
          }),
        ]),
    disruptionBudget(spec, part),
    namespaced(spec, {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      name: part,
      body: {
        spec: {
          replicas: units.length,
          serviceName: part,
          selector: { matchLabels: selectorLabels(spec, part) },
          // The first member is not ready before a second one is there.
          podManagementPolicy: 'Parallel',
          updateStrategy: { type: 'RollingUpdate' },
          template: podTemplate(spec, {
            part,
            size: 'etcd',
            image: images.etcd,
            account: accountIds.etcd,
            running,
            configuration,
            unit: 'etcd#',
            ports,
            probes: {
              startupProbe: tcpProbe('health', 2, 60),
              // Only a member that sees a leader counts, so that an update waits for the quorum after each one.
              readinessProbe: httpProbe({ path: '/health', port: 'health' }, 3, 3),
              // A member without a quorum is not helped by a restart.
              livenessProbe: tcpProbe('health', 10, 6),
            },
            graceSeconds: 30,
            priority: 'database',
            keepsData: true,
            certificates: { secret: secretObjects.etcdServer, folder: tlsFolders.server },
            data: true,
          }),
          volumeClaimTemplates: [dataClaim(spec, storage.etcdBytes)],
        },
      },
    }),
    ...renderDefragmentation(spec, images.etcd),
  ];
}

/**
 * Compaction (etcd's own, every 15 minutes) frees space inside the database; only this gives it back to the volume. A member answers nothing
 * meanwhile: so one after the other, the leader last and after it has handed over.
 * https://etcd.io/docs/v3.5/op-guide/maintenance/#defragmentation
 */
export const defragmentScript = `#!/bin/bash
set -euo pipefail
etcdctl --endpoints "$ENDPOINTS" endpoint health
leader='' successor='' followers=()
while IFS=', ' read -r url id version size unit leads rest; do
  # The size is a number and its unit.
  if [[ $leads == true ]]; then leader=$url; else followers+=("$url") successor=$id; fi
done < <(etcdctl --endpoints "$ENDPOINTS" --write-out simple endpoint status)
for url in "\${followers[@]}"; do
  etcdctl --endpoints "$url" --command-timeout 60s defrag
  etcdctl --endpoints "$ENDPOINTS" endpoint health
done
if [[ -n $leader ]]; then
  if [[ -n $successor ]]; then etcdctl --endpoints "$leader" move-leader "$successor"; fi
  etcdctl --endpoints "$leader" --command-timeout 60s defrag
  etcdctl --endpoints "$ENDPOINTS" endpoint health
fi
`;

function renderDefragmentation(spec: ClusterSpec, image: string): readonly KubernetesObject[] {
  const name = 'etcd-defragmentation';
  const { ca, certificate, key } = tlsFiles(tlsFolders.client);
  const environment = {
    ETCDCTL_API: '3',
    ENDPOINTS: spec.etcd.members.map((each) => etcdClientUrl(each, kubernetesLayout)).join(','),
    ETCDCTL_CACERT: ca,
    ETCDCTL_CERT: certificate,
    ETCDCTL_KEY: key,
  };
  const pod = {
    serviceAccountName: name,
    ...podBasics(spec, accountIds.etcd),
    restartPolicy: 'Never',
    containers: [
      {
        name,
        image,
        imagePullPolicy: spec.kubernetes.images.pull,
        command: ['/bin/bash', '/etc/holdfast/defragment'],
        env: Object.entries(environment).map(([variable, value]) => ({ name: variable, value })),
        resources: resources(spec, 'net'),
        securityContext: containerSecurity,
        volumeMounts: [
          { name: 'configuration', mountPath: '/etc/holdfast', readOnly: true },
          { name: 'certificates', mountPath: tlsFolders.client, readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: 'configuration', configMap: { name, defaultMode: 0o444 } },
      { name: 'certificates', secret: { secretName: secretObjects.etcdClient, defaultMode: 0o440 } },
    ],
  };
  return [
    namespaced(spec, { apiVersion: 'v1', kind: 'ConfigMap', name, body: { data: { defragment: defragmentScript } } }),
    namespaced(spec, {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      name,
      body: {
        spec: {
          schedule: '17 3 * * 0',
          concurrencyPolicy: 'Forbid',
          startingDeadlineSeconds: 3600,
          successfulJobsHistoryLimit: 1,
          failedJobsHistoryLimit: 3,
          jobTemplate: {
            spec: {
              backoffLimit: 0,
              activeDeadlineSeconds: 900,
              ttlSecondsAfterFinished: 604_800,
              template: {
                metadata: { labels: { ...selectorLabels(spec, name), 'app.kubernetes.io/part-of': 'holdfast' } },
                spec: pod,
              },
            },
          },
        },
      },
    }),
  ];
}
