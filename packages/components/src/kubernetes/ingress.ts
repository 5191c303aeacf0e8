import type { ClusterSpec, IngressSpec } from '@holdfast/spec';
import { type KubernetesObject, namespaced, type PodName } from './objects.js';

/**
 * HTTPS from outside, where the spec names hosts for it: HAProxy's statistics, and our API. Without our API its way in is the community chart's to
 * make. Pure.
 */
export function renderIngress(spec: ClusterSpec): readonly KubernetesObject[] {
  const { ingress } = spec.kubernetes;
  if (ingress === undefined) return [];
  return [
    ...(ingress.statistics === undefined
      ? []
      : [entry(spec, ingress, { host: ingress.statistics, service: 'haproxy-stats', port: 'stats', part: 'haproxy' })]),
    ...(ingress.api === undefined || !spec.api.enabled
      ? []
      : [entry(spec, ingress, { host: ingress.api, service: 'api', port: 'api', part: 'api' })]),
  ];
}

interface Entry {
  readonly host: string;
  readonly service: string;
  /** Its name in the service. */
  readonly port: string;
  readonly part: PodName;
}

function entry(spec: ClusterSpec, ingress: IngressSpec, { host, service, port, part }: Entry): KubernetesObject {
  const { className, tlsSecret, issuer } = ingress;
  return namespaced(spec, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    name: service,
    part,
    ...(issuer === undefined ? {} : { annotations: { 'cert-manager.io/cluster-issuer': issuer } }),
    body: {
      spec: {
        ...(className === undefined ? {} : { ingressClassName: className }),
        tls: [{ hosts: [host], secretName: tlsSecret }],
        rules: [
          {
            host,
            http: {
              paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: service, port: { name: port } } } }],
            },
          },
        ],
      },
    },
  });
}
