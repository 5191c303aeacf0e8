import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createTestCluster, type TestCluster } from '@holdfast/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { kubectl, kubernetesSpec, ready, takeDown } from './kubernetes-cluster.js';

const namespace = 'holdfast-refused';
const names = () => kubectl('get', 'namespaces', '--output', 'jsonpath={.items[*].metadata.name}').split(' ');

/** What a real server, or one that is made to look old, lets `up` say. Nothing of it gets a database. */
describe.skipIf(!ready)('an `up` that Kubernetes cannot do', () => {
  let cluster: TestCluster | undefined;
  afterEach(async () => {
    await takeDown(cluster, namespace);
    cluster = undefined;
  });
  const refused = async (yaml: string, env?: Readonly<Record<string, string>>) => {
    cluster = await createTestCluster(yaml);
    return await cluster.refused(['up', '--yes'], {
      timeoutMilliseconds: 200_000,
      ...(env === undefined ? {} : { env }),
    });
  };

  test('a storage class that does not exist: nothing is applied', async () => {
    const { code, error } = await refused(kubernetesSpec(namespace, '  storageClass: no-such-class\n'));
    expect(code).toBe(3);
    expect(error).toMatchObject({
      code: 'HF_KUBERNETES_STORAGE_CLASS',
      message: expect.stringContaining('no-such-class'),
    });
    expect(names()).not.toContain(namespace);
  });

  test('a namespace that something else uses: nothing in it is touched', async () => {
    kubectl('create', 'namespace', namespace);
    kubectl('create', 'service', 'clusterip', 'theirs', '--namespace', namespace, '--tcp=80');
    const { code, error } = await refused(kubernetesSpec(namespace));
    expect(code).toBe(4);
    expect(error).toMatchObject({ code: 'HF_KUBERNETES_FOREIGN', detail: 'Service theirs' });
    expect(kubectl('get', 'services', '--namespace', namespace, '--output', 'name')).toBe('service/theirs');
  });

  test('an image that no node has: the pods that want it are named', async () => {
    const yaml = kubernetesSpec(namespace).replace('pull: Never', 'pull: Never, etcd: "nobody/etcd:1"');
    const began = performance.now();
    const { code, error } = await refused(yaml);
    expect(performance.now() - began).toBeLessThan(90_000);
    expect(code).toBe(3);
    expect(error).toMatchObject({
      code: 'HF_KUBERNETES_PODS_STUCK',
      detail: expect.stringMatching(/etcd-0.*ErrImageNeverPull.*nobody\/etcd:1/),
    });
  });

  test('a server that lacks what is needed is named with its version', async () => {
    // The real server serves all of it, so its discovery is answered as 1.20 answers without the addition.
    const answers: Readonly<Record<string, unknown>> = {
      '/version': { major: '1', minor: '20', gitVersion: 'v1.20.2' },
      '/api': { kind: 'APIVersions', versions: ['v1'] },
      '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
    };
    const server = createServer(({ url = '' }, answer) => {
      const found = answers[url.split('?')[0] ?? ''];
      answer.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
      answer.end(JSON.stringify(found ?? { kind: 'Status', status: 'Failure', code: 404 }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      cluster = await createTestCluster(kubernetesSpec(namespace));
      const file = join(cluster.folder, 'kubeconfig');
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      kubectl('config', 'set-cluster', 'old', `--server=${address}`, `--kubeconfig=${file}`);
      kubectl('config', 'set-context', 'old', '--cluster=old', `--kubeconfig=${file}`);
      kubectl('config', 'use-context', 'old', `--kubeconfig=${file}`);
      const { code, error } = await cluster.refused(['up', '--yes'], {
        env: { KUBECONFIG: file },
        timeoutMilliseconds: 60_000,
      });
      expect(code).toBe(3);
      expect(error).toMatchObject({
        code: 'HF_KUBERNETES_TOO_OLD',
        message: expect.stringMatching(/v1\.20\.2.*policy\/v1/),
      });
    } finally {
      server.close();
    }
  });
});
