import type { ClusterSpec } from '@holdfast/spec';
import type { ImageTags } from '../container-layout.js';
import type { Unit } from '../unit.js';
import { renderConfiguration } from './configuration.js';
import { accountIds } from './layout.js';
import { type KubernetesObject, namespaced, selectorLabels } from './objects.js';
import { podTemplate } from './pod.js';

const part = 'net';

/** The worker for requests from SQL. Pure. */
export function renderNet(spec: ClusterSpec, unit: Unit, images: ImageTags): readonly KubernetesObject[] {
  const running = [{ unit }];
  const configuration = renderConfiguration(spec, part, running);
  return [
    configuration.object,
    namespaced(spec, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: part,
      body: {
        spec: {
          // What it has claimed is known by its name: never two of them.
          replicas: 1,
          strategy: { type: 'Recreate' },
          selector: { matchLabels: selectorLabels(spec, part) },
          template: podTemplate(spec, {
            part,
            size: 'net',
            image: images.proxy,
            account: accountIds.proxy,
            running,
            configuration,
            unit: unit.id,
            ports: [],
            probes: {},
            graceSeconds: 10,
            priority: 'proxy',
            keepsData: false,
          }),
        },
      },
    }),
  ];
}
