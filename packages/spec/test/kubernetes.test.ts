import { describe, expect, it } from 'vitest';
import { SpecInvalidError } from '../src/errors.js';
import { parseSpecFile } from '../src/parse-spec-file.js';
import { resolveSpec } from '../src/resolve-spec.js';
import { specDefaults } from '../src/spec-defaults.js';

const GiB = 2 ** 30;
const here = { memoryBytes: 16 * GiB, cores: 8 };
const resolve = (text: string) => resolveSpec(parseSpecFile(text, 'holdfast.yaml'), here, undefined);

function issues(text: string): readonly string[] {
  try {
    parseSpecFile(text, 'holdfast.yaml');
    return [];
  } catch (error) {
    if (error instanceof SpecInvalidError) return error.issues.map(({ path, problem }) => `${path}: ${problem}`);
    throw error;
  }
}

describe('defaults', () => {
  it('are safe', () => {
    expect(resolve('').kubernetes).toMatchObject({
      namespace: 'holdfast',
      storageClass: undefined,
      spread: 'preferred',
      etcdNodePort: 32_379,
      clients: [],
      ingress: undefined,
      monitoring: undefined,
      replicas: { haproxy: 2, pooler: 2 },
    });
  });

  it.each([
    ['minikube', 'standard', 'preferred'],
    ['kind', 'standard', 'preferred'],
    ['eks', 'gp3', 'required'],
    ['gke', 'premium-rwo', 'required'],
    ['aks', 'managed-csi-premium', 'required'],
  ])('of %s', (preset, storageClass, spread) => {
    expect(resolve(`kubernetes: {preset: ${preset}}`).kubernetes).toMatchObject({ storageClass, spread });
    const own = resolve(`kubernetes: {preset: ${preset}, storageClass: own, spread: preferred}`).kubernetes;
    expect(own).toMatchObject({ storageClass: 'own', spread: 'preferred' });
  });

  it('take the namespace from the name', () => expect(resolve('name: shop').kubernetes.namespace).toBe('shop'));
});

describe('runtime: kubernetes', () => {
  const spec = resolve('runtime: kubernetes\nname: shop\nkubernetes: {domain: example.org}');

  it('gives every member and proxy its address there', () => {
    expect(spec.members.map(({ host, port, patroniPort, agentPort }) => [host, port, patroniPort, agentPort])).toEqual([
      ['pg1.shop.svc.example.org', 5432, 8008, 8108],
      ['pg2.shop.svc.example.org', 5432, 8008, 8108],
      ['pg3.shop.svc.example.org', 5432, 8008, 8108],
    ]);
    expect(spec.etcd.members.map(({ host, clientPort, peerPort }) => [host, clientPort, peerPort])).toEqual([
      ['etcd-0.etcd.shop.svc.example.org', 2379, 2380],
      ['etcd-1.etcd.shop.svc.example.org', 2379, 2380],
      ['etcd-2.etcd.shop.svc.example.org', 2379, 2380],
    ]);
    expect(spec.haproxy.host).toBe('postgres-master.shop.svc.example.org');
    expect(spec.pooler.host).toBe('pgbouncer.shop.svc.example.org');
  });

  it('changes no name', () => {
    const plain = resolve('name: shop');
    expect(spec.members.map(({ name }) => name)).toEqual(plain.members.map(({ name }) => name));
    expect(spec.etcd.members.map(({ name }) => name)).toEqual(plain.etcd.members.map(({ name }) => name));
  });

  it('sizes PostgreSQL by its pod and not by this machine', () => {
    const small = resolve('runtime: kubernetes\nkubernetes: {resources: {postgres: {memory: 1GiB, cores: 0.5}}}');
    // 80 % of the pod, a quarter of that.
    expect(small.postgres.parameters.shared_buffers).toBe('204MB');
    const other = resolveSpec(parseSpecFile('runtime: kubernetes', 'f'), { memoryBytes: GiB, cores: 1 }, undefined);
    expect(other).toEqual(resolve('runtime: kubernetes'));
  });

  it('lets private networks log in, and no others', () => {
    const hosts = spec.postgres.hba.filter((line) => line.includes('host all all') && !line.endsWith('reject'));
    expect(hosts.map((line) => line.split(' ')[3])).toEqual([
      '127.0.0.1/32',
      '::1/128',
      ...specDefaults.kubernetes.networks,
    ]);
    const own = resolve('runtime: kubernetes\nkubernetes: {networks: [10.244.0.0/16]}').postgres.hba;
    expect(own.filter((line) => line.includes('10.'))).toHaveLength(3);
    expect(own.at(-1)).toBe('host all all all reject');
  });
});

describe('members in Docker, the rest in Kubernetes', () => {
  const text = `name: shop
hosts: [{address: 10.0.0.1}, {address: 10.0.0.2, name: second.example.org}]
kubernetes: {members: docker, nodes: [10.9.0.1, 10.9.0.2]}
`;

  it('seen from Kubernetes: members on their hosts, with ports of their own', () => {
    const spec = resolve(`runtime: kubernetes\n${text}`);
    expect(spec.members.map(({ host, port }) => `${host}:${port}`)).toEqual([
      '10.0.0.1:5432',
      '10.0.0.2:5433',
      '10.0.0.1:5434',
    ]);
    expect(spec.kubernetes.hosts).toEqual(['10.0.0.1', 'second.example.org']);
    expect(spec.etcd.members[0]?.host).toBe('etcd-0.etcd.shop.svc.cluster.local');
    expect(spec.haproxy.host).toBe('postgres-master.shop.svc.cluster.local');
  });

  it('seen from Kubernetes it carries what is seen from Docker', () => {
    expect(resolve(`runtime: kubernetes\n${text}`).outside).toEqual(resolve(`runtime: docker\n${text}`));
    expect(resolve(`runtime: docker\n${text}`).outside).toBeUndefined();
    expect(resolve('runtime: kubernetes\n').outside).toBeUndefined();
  });

  it("seen from Docker: etcd is a port of Kubernetes' nodes, and pods may log in", () => {
    const spec = resolve(`runtime: docker\n${text}`);
    expect(spec.etcd.members.map(({ host, clientPort }) => `${host}:${clientPort}`)).toEqual([
      '10.9.0.1:32379',
      '10.9.0.2:32379',
    ]);
    expect(spec.members.map(({ host }) => host)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.1']);
    expect(spec.postgres.hba).toContain('host all all 10.0.0.0/8 scram-sha-256');
  });
});

it.each([
  ['kubernetes: {namespace: A_b}', 'kubernetes.namespace', 'DNS label'],
  ['kubernetes: {preset: openshift}', 'kubernetes.preset', 'minikube, kind, eks, gke or aks'],
  ['kubernetes: {etcdNodePort: 2379}', 'kubernetes.etcdNodePort', '30000 to 32767'],
  ['kubernetes: {networks: [10.0.0.0]}', 'kubernetes.networks[0]', '8 to 32 bits'],
  ['kubernetes: {networks: [0.0.0.0/0]}', 'kubernetes.networks[0]', '8 to 32 bits'],
  ['kubernetes: {networks: [10.0.0.300/24]}', 'kubernetes.networks[0]', 'IPv4'],
  ['kubernetes: {networks: []}', 'kubernetes.networks', 'at least one'],
  ['kubernetes: {storage: {postgres: 1GiB}}', 'kubernetes.storage.postgres', '4GiB'],
  ['kubernetes: {storage: {etcd: 1GiB}}', 'kubernetes.storage.etcd', '2 × etcd.quota, here 2GiB'],
  ['etcd: {quota: 8GiB}\nkubernetes: {}', 'kubernetes.storage.etcd', 'here 16GiB'],
  ['kubernetes: {images: {etcd: "a b"}}', 'kubernetes.images.etcd', 'name of an image'],
  ['kubernetes: {images: {etcd: "a\\nb"}}', 'kubernetes.images.etcd', 'name of an image'],
  ['kubernetes: {resources: {net: {cores: 0}}}', 'kubernetes.resources.net.cores', '0.05 to 256'],
  ['kubernetes: {ingress: {api: localhost, issuer: x}}', 'kubernetes.ingress.api', 'whole host name'],
  ['kubernetes: {ingress: {tlsSecret: x}}', 'kubernetes.ingress', 'names no host'],
  ['kubernetes: {ingress: {api: a.example.com}}', 'kubernetes.ingress', 'in the clear'],
  [
    'kubernetes: {ingress: {api: a.example.com, statistics: a.example.com, issuer: x}}',
    'kubernetes.ingress.statistics',
    'lead to both',
  ],
  ['kubernetes: {monitoring: {labels: {"a b": c}}}', 'kubernetes.monitoring.labels', ''],
  ['runtime: kubernetes\nhosts: [{address: 10.0.0.1}]', 'hosts', 'chooses the nodes'],
  ['kubernetes: {members: docker, nodes: [10.0.0.9]}', 'hosts', 'run on Docker hosts'],
  ['hosts: [{address: 10.0.0.1}]\nkubernetes: {members: docker}', 'kubernetes.nodes', 'addresses of nodes'],
  ['kubernetes: {nodes: [node1]}', 'kubernetes.nodes[0]', 'IPv4'],
  [
    'hosts: [{address: 10.0.0.1}]\nkubernetes: {members: docker, nodes: [10.0.0.9], etcdNodePort: off}',
    'kubernetes.etcdNodePort',
    'reach etcd by it',
  ],
  [
    'hosts: [{address: 10.0.0.1}]\nports: auto\nkubernetes: {members: docker, nodes: [10.0.0.9]}',
    'ports',
    'other machines',
  ],
  ['runtime: kubernetes\nports: auto', 'ports', 'addresses of their own'],
  ['runtime: kubernetes\nlisten: 10.0.0.1', 'listen', 'addresses of their own'],
  ['runtime: kubernetes\nresources: {cores: 4}', 'resources', 'this machine'],
])('%j is refused', (text, path, problem) => {
  const found = issues(text);
  expect(
    found.some((each) => each.startsWith(path) && each.includes(problem)),
    found.join('\n'),
  ).toBe(true);
});
