import { containerLayout } from '../container-layout.js';
import type { EtcdTls, Layout } from '../plan.js';
import type { TlsFiles } from '../tls.js';

/** Folders of certificates in pods. */
export const tlsFolders = { server: '/run/tls/etcd-server', client: '/run/tls/etcd-client' } as const;

/** Where etcd's members say how they are, without a certificate. */
export const healthPort = 2381;

/** The place inside a pod: the images' own, reached at another address than it listens on, and etcd with certificates. */
export const kubernetesLayout: Layout = {
  ...containerLayout,
  listen: '0.0.0.0',
  etcdTls: etcdTls(),
};

/** The inside of a member's container that Docker runs while etcd is in Kubernetes: the certificate is mounted at the same place. */
export const layoutBesideKubernetes: Layout = { ...containerLayout, etcdTls: etcdTls() };

function etcdTls(): EtcdTls {
  return { server: tlsFiles(tlsFolders.server), client: tlsFiles(tlsFolders.client), healthPort };
}

/** By the names that cert-manager gives them, too. */
export function tlsFiles(folder: string): TlsFiles {
  return { ca: `${folder}/ca.crt`, certificate: `${folder}/tls.crt`, key: `${folder}/tls.key` };
}

/** Numbers of the images' accounts: a pod that must not be root needs a number. */
export const accountIds = { etcd: 998, postgres: 999, proxy: 997, api: 996 } as const;

/** Secret with the keys of Supabase's API as `keys.json`, and the mail server's password where there is one. `holdfast up` makes it. */
export const apiSecret = 'holdfast-api';

/** Secrets that the manifests name; their values come from somebody else (make-secrets, or cert-manager for certificates). */
export const secretObjects = {
  /** One key for each of the cluster's secrets. */
  cluster: 'holdfast-secrets',
  etcdServer: 'etcd-server-tls',
  etcdClient: 'etcd-client-tls',
  /** The authority's own key; no pod has it. */
  etcdAuthority: 'etcd-ca',
} as const;
