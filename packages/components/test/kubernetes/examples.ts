import { type ClusterSpec, parseSpecFile, resolveSpec } from '@holdfast/spec';
import type { ImageTags } from '../../src/index.js';

const here = { memoryBytes: 2 ** 34, cores: 8 };

/** The cluster of a holdfast.yaml, in Kubernetes. */
export function kubernetesSpec(text: string): ClusterSpec {
  return resolveSpec(parseSpecFile(`runtime: kubernetes\n${text}`, 'holdfast.yaml'), here, undefined);
}

/** Stands for what the runtime docker builds. */
export const builtImages: ImageTags = {
  patroni: 'holdfast/patroni:0123456789ab',
  proxy: 'holdfast/proxy:0123456789ab',
  etcd: 'holdfast/etcd:0123456789ab',
  api: 'holdfast/api:0123456789ab',
};

/** The clusters that golden files are kept of. */
export const examples: Readonly<Record<string, string>> = {
  default: '',
  'one-of-each': 'name: small\nmembers: 1\netcd: {size: 1}\npooler: {enabled: false}\nsupabase: {enabled: false}',
  everything: `name: shop
members: 5
synchronous: {mode: quorum, standbys: 2}
kubernetes:
  preset: eks
  namespace: shop-db
  images: {etcd: 'registry.example.com/etcd:1', pull: Always, pullSecrets: [registry]}
  resources: {postgres: {memory: 8GiB, cores: 2.5}}
  networks: [10.244.0.0/16]
  clients: [shop, supabase]
  ingress: {api: api.example.com, statistics: haproxy.example.com, className: nginx, issuer: letsencrypt}
  monitoring: {enabled: true, labels: {release: prometheus}}
`,
  api: `name: api
members: 1
etcd: {size: 1}
pooler: {enabled: false}
supabase: {net: {enabled: false}}
api: {enabled: true}
kubernetes: {ingress: {api: api.example.com, className: nginx, tlsSecret: api-tls}, replicas: {api: 3}}
`,
  split: `name: split
hosts: [{address: 192.168.49.1, name: host.minikube.internal}]
kubernetes: {namespace: split-db, preset: minikube, members: docker, nodes: [192.168.49.2], monitoring: {enabled: true}}
`,
};
