import type { ClusterSpec } from '@holdfast/spec';
import { type KubernetesObject, namespaced } from './objects.js';

/** HAProxy's statistics by HTTPS, where the spec names a host for them. The API's way in is the community chart's to make. Pure. */
export function renderIngress(spec: ClusterSpec): readonly KubernetesObject[] {
  const { ingress } = spec.kubernetes;
  if (ingress?.statistics === undefined) return [];
  const { statistics: host, className, tlsSecret, issuer } = ingress;
  return [
    namespaced(spec, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      name: 'haproxy-stats',
      part: 'haproxy',
      ...(issuer === undefined ? {} : { annotations: { 'cert-manager.io/cluster-issuer': issuer } }),
      body: {
        spec: {
          ...(className === undefined ? {} : { ingressClassName: className }),
          tls: [{ hosts: [host], secretName: tlsSecret }],
          rules: [
            {
              host,
              http: {
                paths: [
                  {
                    path: '/',
                    pathType: 'Prefix',
                    backend: { service: { name: 'haproxy-stats', port: { name: 'stats' } } },
                  },
                ],
              },
            },
          ],
        },
      },
    }),
  ];
}
