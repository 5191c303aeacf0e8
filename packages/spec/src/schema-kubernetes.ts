import { isIPv4 } from 'node:net';
import { z } from 'zod';
import { choice, field, group, integer, problems, section, size } from './field-types.js';
import { formatSize, GiB, MiB, TiB } from './quantity.js';
import { specDefaults } from './spec-defaults.js';

const defaults = specDefaults.kubernetes;

const text = z.string({ error: 'must be text' });

/** RFC 1123, as Kubernetes wants the names of most things. */
const label = text.regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
  error:
    'must be a DNS label: at most 63 lower-case letters, digits and hyphens, not beginning or ending with a hyphen',
});

const subdomain = text
  .max(253, { error: 'must have at most 253 characters' })
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, {
    error: 'must be a DNS name of lower-case letters, digits, hyphens and dots',
  });

const host = subdomain.regex(/\./, { error: 'must be a whole host name, such as api.example.com' });

const image = text.max(255, { error: 'must have at most 255 characters' }).regex(/^[a-z0-9][A-Za-z0-9._/:@-]*$/, {
  error: 'must be the name of an image, such as registry.example.com/holdfast/etcd:1.0.0',
});

const network = text.check(
  problems((value) => {
    const [address = '', bits = '', ...rest] = value.split('/');
    const valid = isIPv4(address) && /^([89]|[12]\d|3[0-2])$/.test(bits) && rest.length === 0;
    if (valid) return [];
    const problem = 'must be an IPv4 network with 8 to 32 bits';
    return [{ path: [], problem, suggestion: 'Write for example 10.244.0.0/16.' }];
  }),
);

const labelValue = z.string({ error: 'must be text' }).regex(/^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, {
  error: 'must be the value of a label: at most 63 letters, digits, dots, hyphens and underscores',
});

const cores = z
  .number({ error: 'must be a number from 0.05 to 256' })
  .min(0.05, { error: 'must be a number from 0.05 to 256' })
  .max(256, { error: 'must be a number from 0.05 to 256' });

const pod = (part: keyof typeof defaults.resources, name: string) =>
  section(
    group({
      memory: field(
        size(32 * MiB, 16 * TiB),
        `Memory of a pod of ${name}, requested and its limit; a bare number is in bytes.`,
        {
          default: formatSize(defaults.resources[part].memoryBytes),
        },
      ),
      cores: field(cores, `Cores requested for a pod of ${name}; it may use more when nobody else does.`, {
        default: defaults.resources[part].cores,
      }),
    }),
    `A pod of ${name}.`,
  );

/** The section `kubernetes` of holdfast.yaml. */
export const kubernetesSchema = group({
  preset: field(
    choice(['minikube', 'kind', 'eks', 'gke', 'aks']),
    'Where Kubernetes runs: sets storageClass and spread unless they are given.',
    { examples: ['minikube'] },
  ),
  members: field(
    choice(['kubernetes', 'docker']),
    'Where members of PostgreSQL run. docker: in Docker on `hosts`, with etcd and the proxies in Kubernetes.',
    { default: defaults.members },
  ),
  nodes: field(
    z
      .array(
        text.refine((value) => isIPv4(value), { error: 'must be an IPv4 address' }),
        { error: 'must be a list of addresses' },
      )
      .min(1, { error: 'must name at least one node' }),
    "With `members: docker`: addresses of nodes, at which members reach etcd's port `etcdNodePort`.",
    { examples: [['192.168.49.2']] },
  ),
  namespace: field(label, "Namespace of all objects. Left out: the cluster's name.", { examples: ['holdfast'] }),
  domain: field(subdomain, "The Kubernetes cluster's own domain.", { default: defaults.domain }),
  storageClass: field(
    subdomain,
    "Storage class of the volumes. Left out: the preset's, or else the default one of the Kubernetes cluster.",
    { examples: ['standard'] },
  ),
  storage: section(
    group({
      postgres: field(size(4 * GiB, 64 * TiB), 'Volume of a member; a bare number is in bytes.', {
        default: formatSize(defaults.storage.postgresBytes),
      }),
      etcd: field(size(GiB, TiB), "Volume of an etcd member, at least twice etcd's quota; a bare number is in bytes.", {
        default: formatSize(defaults.storage.etcdBytes),
      }),
    }),
    'Persistent volumes.',
  ),
  images: section(
    group({
      patroni: field(image, 'PostgreSQL, Patroni and the agent. Left out: what `runtime: docker` builds.', {
        examples: ['registry.example.com/patroni:1'],
      }),
      proxy: field(image, 'HAProxy, PgBouncer and the worker for requests from SQL. Likewise.', {
        examples: ['registry.example.com/proxy:1'],
      }),
      etcd: field(image, 'etcd. Likewise.', { examples: ['registry.example.com/etcd:1'] }),
      api: field(image, "Supabase's API. Likewise.", { examples: ['registry.example.com/api:1'] }),
      pull: field(choice(['IfNotPresent', 'Always', 'Never']), 'When a node fetches an image.', {
        default: defaults.pull,
      }),
      pullSecrets: field(
        z.array(subdomain, { error: 'must be a list of names of Secrets' }),
        'Secrets with credentials of a registry.',
        { default: [] },
      ),
    }),
    'Images.',
  ),
  resources: section(
    group({
      postgres: pod('postgres', 'PostgreSQL, whose defaults are sized from it'),
      etcd: pod('etcd', 'etcd'),
      haproxy: pod('haproxy', 'HAProxy'),
      pooler: pod('pooler', 'PgBouncer'),
      net: pod('net', 'the worker for requests from SQL'),
      api: pod('api', "Supabase's API"),
    }),
    'Memory and cores.',
  ),
  replicas: section(
    group({
      haproxy: field(integer(1, 10), 'Pods of HAProxy.', { default: defaults.replicas.haproxy }),
      pooler: field(integer(1, 10), 'Pods of PgBouncer.', { default: defaults.replicas.pooler }),
      api: field(integer(1, 100), "Pods of Supabase's API at least; as many as four times that when they are busy.", {
        default: defaults.replicas.api,
      }),
    }),
    'How many of what has no state.',
  ),
  spread: field(
    choice(['required', 'preferred']),
    "required: never two members of PostgreSQL or etcd on one node, a pod waits instead; preferred: only where there is another node. Left out: the preset's.",
    { default: defaults.spread },
  ),
  etcdNodePort: field(
    z.union([z.literal('off'), z.literal(false).transform(() => 'off' as const), integer(30_000, 32_767)], {
      error: 'must be off, or a whole number from 30000 to 32767',
    }),
    'Port of every node for members outside Kubernetes to reach etcd at, with a client certificate; off: none.',
    { default: defaults.etcdNodePort },
  ),
  networks: field(
    z.array(network, { error: 'must be a list of networks' }).min(1, { error: 'must name at least one network' }),
    'Networks of pods and nodes: who may log in at all (pg_hba.conf). The default: the private ones of RFC 1918 and RFC 6598.',
    { default: defaults.networks },
  ),
  clients: field(
    z.array(label, { error: 'must be a list of namespaces' }),
    "Namespaces whose pods may connect, besides the cluster's own.",
    { default: [] },
  ),
  ingress: section(
    group({
      api: field(host, "Host name of Supabase's API, of ours or the community chart's.", {
        examples: ['api.example.com'],
      }),
      statistics: field(host, "Host name of HAProxy's statistics.", { examples: ['haproxy.example.com'] }),
      className: field(subdomain, 'Ingress class. Left out: the default one.', { examples: ['nginx'] }),
      tlsSecret: field(subdomain, 'Secret with the certificate for these hosts.', { examples: ['holdfast-tls'] }),
      issuer: field(subdomain, "cert-manager's ClusterIssuer that makes the certificate.", {
        examples: ['letsencrypt'],
      }),
    }),
    'Ways in by HTTPS; none unless a host is named.',
  ),
  monitoring: section(
    group({
      enabled: field(
        z.boolean({ error: 'must be true or false' }),
        'Add ServiceMonitors and a PrometheusRule; needs the Prometheus operator.',
        { default: defaults.monitoring.enabled },
      ),
      namespace: field(label, 'Namespace that Prometheus runs in.', { default: defaults.monitoring.namespace }),
      labels: field(
        z.record(
          text.regex(/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,252}[A-Za-z0-9])?$/, { error: 'must be the name of a label' }),
          labelValue,
          {
            error: 'must be labels, one a line: `name: value`',
          },
        ),
        'Labels that Prometheus selects monitors and rules by.',
        { default: {} },
      ),
    }),
    'Prometheus.',
  ),
});
