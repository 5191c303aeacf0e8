import { secretNames } from '@holdfast/spec';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type KubernetesObject, quantity, renderKubernetes, renderKubernetesObjects } from '../../src/index.js';
import { apiSecret, secretObjects } from '../../src/kubernetes/layout.js';
import { statisticsUserKey } from '../../src/kubernetes/monitoring.js';
import { builtImages, examples, kubernetesSpec } from './examples.js';

// biome-ignore lint/suspicious/noExplicitAny: plain data of many shapes, looked into
type Data = any;

/** The template of the pods that an object makes, if it makes any. */
function podTemplate(object: KubernetesObject): Data {
  const { spec } = object as Data;
  return object.kind === 'CronJob' ? spec.jobTemplate.spec.template : spec?.template;
}

const includes = (labels: Record<string, string>, selector: Record<string, string>) =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

describe.each(Object.entries(examples))('objects of %s', (_, text) => {
  const spec = kubernetesSpec(text);
  const objects: readonly Data[] = [...renderKubernetesObjects(spec, builtImages).values()].flat();
  const ofKind = (kind: string): readonly Data[] => objects.filter((object) => object.kind === kind);
  const makers = objects.filter((object) => podTemplate(object) !== undefined);
  const pods = makers.map((object) => [object.metadata.name, podTemplate(object)] as const);

  it('have names of their own and are in the namespace or in none', () => {
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    const wide = objects.filter(({ metadata }) => metadata.namespace === undefined).map(({ kind }) => kind);
    expect(new Set(wide)).toEqual(new Set(['Namespace', 'PriorityClass']));
    for (const { metadata } of objects) expect([spec.kubernetes.namespace, undefined]).toContain(metadata.namespace);
  });

  it.each(pods)('pods of %s may do nothing that they need not', (_name, { spec: pod }) => {
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace'])
      expect(pod).not.toHaveProperty(field);
    for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container.resources.requests).toEqual({ cpu: expect.any(String), memory: expect.any(String) });
      expect(container.resources.limits.memory).toBe(container.resources.requests.memory);
      for (const { name, value } of container.env ?? []) {
        if (/PASSWORD|SECRET/.test(name)) expect(value).toMatch(/^\/run\/secrets\/[a-z-]+$/);
      }
    }
  });

  it.each(pods)('pods of %s have the volumes that they mount, and an account', (_name, { spec: pod }) => {
    const owner = makers.find((object) => podTemplate(object).spec === pod);
    const claims = (owner?.spec.volumeClaimTemplates ?? []).map(({ metadata }: Data) => metadata.name);
    const there = [...pod.volumes.map(({ name }: Data) => name), ...claims];
    for (const { volumeMounts } of pod.containers) {
      for (const { name } of volumeMounts) expect(there).toContain(name);
      const paths = volumeMounts.map(({ mountPath }: Data) => mountPath);
      expect(new Set(paths).size).toBe(paths.length);
    }
    expect(ofKind('ServiceAccount').map(({ metadata }) => metadata.name)).toContain(pod.serviceAccountName);
    const classes = ofKind('PriorityClass').map(({ metadata }) => metadata.name);
    if (pod.priorityClassName !== undefined) expect(classes).toContain(pod.priorityClassName);
  });

  it('mount files that their ConfigMaps have', () => {
    for (const [, { spec: pod }] of pods) {
      for (const { configMap } of pod.volumes.filter((volume: Data) => volume.configMap !== undefined)) {
        const map = ofKind('ConfigMap').find(({ metadata }) => metadata.name === configMap.name);
        const keys = Object.keys(map?.data ?? {});
        expect(keys.length).toBeGreaterThan(0);
        expect(JSON.stringify(map?.data).length).toBeLessThan(2 ** 20);
        for (const key of keys) expect(key).toMatch(/^[-._a-zA-Z0-9]+$/);
        for (const { key } of configMap.items ?? []) expect(keys).toContain(key);
      }
    }
  });

  it('name Secrets that somebody makes, and only keys that are in them', () => {
    for (const [, { spec: pod }] of pods) {
      for (const { secret } of pod.volumes.filter((volume: Data) => volume.secret !== undefined)) {
        expect([...Object.values(secretObjects), apiSecret]).toContain(secret.secretName);
        expect(secret.secretName).not.toBe(secretObjects.etcdAuthority);
        for (const { key } of secret.items ?? []) expect(secretNames).toContain(key);
      }
    }
    for (const { spec: monitor } of ofKind('ServiceMonitor')) {
      for (const { basicAuth } of monitor.endpoints.filter((endpoint: Data) => endpoint.basicAuth !== undefined)) {
        expect(basicAuth.username).toEqual({ name: secretObjects.cluster, key: statisticsUserKey });
        expect(secretNames).toContain(basicAuth.password.key);
      }
    }
  });

  it('are found by what selects them', () => {
    const labels = pods.map(([, template]) => template.metadata.labels);
    for (const maker of makers.filter(({ kind }) => kind !== 'CronJob')) {
      expect(includes(podTemplate(maker).metadata.labels, maker.spec.selector.matchLabels)).toBe(true);
      expect(labels.filter((each) => includes(each, maker.spec.selector.matchLabels))).toHaveLength(1);
    }
    for (const { metadata, spec: body } of ofKind('PodDisruptionBudget')) {
      expect(
        labels.filter((each) => includes(each, body.selector.matchLabels)),
        metadata.name,
      ).toHaveLength(1);
    }
    for (const { metadata, spec: body } of ofKind('NetworkPolicy')) {
      const selected = labels.filter((each) => includes(each, body.podSelector.matchLabels));
      const all = ['deny-all', 'names'].includes(metadata.name);
      expect(selected, metadata.name).toHaveLength(all ? pods.length : 1);
    }
  });

  it('have services that lead to ports of pods', () => {
    for (const { metadata, spec: body } of ofKind('Service')) {
      const { 'statefulset.kubernetes.io/pod-name': pod, ...selector } = body.selector;
      const target = pod === undefined ? undefined : pod.replace(/-\d+$/, '');
      const found = pods.filter(
        ([name, { metadata: of }]) => (target ?? name) === name && includes(of.labels, selector),
      );
      expect(found, metadata.name).toHaveLength(1);
      const open = found[0]?.[1].spec.containers[0].ports.map(({ containerPort }: Data) => containerPort);
      for (const { targetPort, protocol } of body.ports) {
        expect(open, metadata.name).toContain(targetPort);
        expect(protocol).toBe('TCP');
      }
    }
  });

  it('deny every connection that no policy names', () => {
    const deny = ofKind('NetworkPolicy').find(({ metadata }) => metadata.name === 'deny-all');
    expect(deny?.spec).toEqual({ podSelector: expect.anything(), policyTypes: ['Ingress', 'Egress'] });
    for (const [, { metadata }] of pods)
      expect(includes(metadata.labels, deny?.spec.podSelector.matchLabels)).toBe(true);
  });

  it('hold no secret and no stand-in for one that is not filled in', () => {
    for (const object of objects) {
      expect(object.kind).not.toBe('Secret');
      if (object.kind !== 'ConfigMap') expect(JSON.stringify(object)).not.toContain('<secret:');
    }
  });

  it('are all in the kustomization, as YAML that reads back the same', () => {
    const files = renderKubernetes(spec, builtImages).filter(
      ({ path }) => path.startsWith('k8s/') && path.endsWith('.yaml'),
    );
    const read = files.flatMap(({ content }) =>
      parseAllDocuments(content, { version: '1.1' }).map((document) => document.toJS()),
    );
    const [kustomization, ...rest] = read;
    expect(kustomization.resources.map((name: string) => `k8s/${name}`)).toEqual(
      files.slice(1).map(({ path }) => path),
    );
    expect(rest).toEqual(JSON.parse(JSON.stringify(objects)));
  });
});

describe('a cluster by default', () => {
  const objects: readonly Data[] = [...renderKubernetesObjects(kubernetesSpec(''), builtImages).values()].flat();
  const find = (kind: string, name: string): Data =>
    objects.find((object) => object.kind === kind && object.metadata.name === name);

  it('has the names of the original guide', () => {
    expect(renderKubernetes(kubernetesSpec(''), builtImages).map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        'k8s/etcd-cluster.yaml',
        'k8s/haproxy-deployment.yaml',
        'supabase-helm/values-patroni.yaml',
      ]),
    );
    for (const name of ['postgres-master', 'postgres-replicas', 'haproxy-stats', 'etcd', 'etcd-nodeport']) {
      expect(find('Service', name), name).toBeDefined();
    }
    expect(find('Service', 'etcd-nodeport').spec.ports).toMatchObject([{ port: 2379, nodePort: 32_379 }]);
    expect(find('Service', 'postgres-master').spec.ports[0]).toMatchObject({ port: 5432, targetPort: 5000 });
    expect(find('Service', 'postgres-replicas').spec.ports[0]).toMatchObject({ port: 5432, targetPort: 5001 });
    expect(find('StatefulSet', 'etcd').spec.replicas).toBe(3);
    expect(find('Deployment', 'haproxy').spec.replicas).toBe(2);
  });

  it('keeps the quorum of etcd and restarts members of PostgreSQL only when asked', () => {
    expect(find('PodDisruptionBudget', 'etcd').spec.maxUnavailable).toBe(1);
    expect(find('StatefulSet', 'etcd').spec.updateStrategy.type).toBe('RollingUpdate');
    expect(find('StatefulSet', 'postgres').spec.updateStrategy.type).toBe('OnDelete');
  });

  it('asks every client of etcd for a certificate', () => {
    const argv: string = find('ConfigMap', 'etcd-configuration').data['etcd1.argv'];
    expect(argv).toContain('--client-cert-auth=true');
    expect(argv).toContain('--peer-client-cert-auth=true');
    expect(argv).not.toContain('http://etcd');
  });

  it('lets neither another namespace nor the world to its database', () => {
    const policy = find('NetworkPolicy', 'haproxy').spec.ingress;
    expect(JSON.stringify(policy)).not.toContain('namespaceSelector');
    expect(policy[0].from).toEqual([{ podSelector: {} }]);
    expect(find('Ingress', 'haproxy-stats')).toBeUndefined();
  });
});

describe('changes', () => {
  const hash = (text: string, file: string, kind: string): string => {
    const all: readonly Data[] = renderKubernetesObjects(kubernetesSpec(text), builtImages).get(file) ?? [];
    const object = all.find((each) => each.kind === kind);
    return object?.spec.template.metadata.annotations['holdfast.dev/restart-hash'];
  };

  it('of what HAProxy can load while it runs do not replace its pods', () => {
    const [before, after] = ['', 'haproxy: {queueTimeout: 10s}'].map((text) =>
      hash(text, 'haproxy-deployment.yaml', 'Deployment'),
    );
    expect(after).toBe(before);
  });

  it('of what only a restart takes over replace pods', () => {
    const [before, after] = ['', 'etcd: {heartbeat: 50ms}'].map((text) =>
      hash(text, 'etcd-cluster.yaml', 'StatefulSet'),
    );
    expect(after).not.toBe(before);
  });
});

it.each([
  [512 * 2 ** 20, '512Mi'],
  [2 ** 31, '2Gi'],
  [3 * 2 ** 20 + 1024, '3073Ki'],
  [1500, '1500'],
])('%d bytes are %s', (bytes, text) => expect(quantity(bytes)).toBe(text));
