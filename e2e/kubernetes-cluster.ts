import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { createTestCluster, type TestCluster } from '@holdfast/testkit';
import { expect } from 'vitest';

/**
 * A cluster that kubectl talks to, whose nodes have the images of `holdfast render kubernetes` (HOLDFAST_KUBERNETES_IMAGES=loaded says so), three
 * free volumes of 10 GiB and of 4 GiB for each file of tests, and services that this machine reaches. Tests count as skipped without it.
 */
export const ready =
  process.env.KUBECONFIG !== undefined &&
  process.env.HOLDFAST_KUBERNETES_IMAGES === 'loaded' &&
  spawnSync('kubectl', ['version', '--request-timeout=5s'], { timeout: 15_000 }).status === 0;

/** Of a cluster in this namespace, small enough for one node. `kubernetes`: more of that section, with two spaces before each line. */
export const kubernetesSpec = (namespace: string, kubernetes = ''): string => `name: ${namespace}
runtime: kubernetes
kubernetes:
  namespace: ${namespace}
  images: { pull: Never }
  etcdNodePort: off
  resources:
    postgres: { memory: 512MiB, cores: 0.1 }
    etcd: { memory: 256MiB, cores: 0.05 }
    haproxy: { cores: 0.05 }
    pooler: { cores: 0.05 }
    net: { cores: 0.05 }
${kubernetes}`;

export function kubectl(...args: readonly string[]): string {
  const { status, stdout, stderr } = tryKubectl(...args);
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

export function tryKubectl(...args: readonly string[]) {
  return spawnSync('kubectl', args, { encoding: 'utf8', timeout: 120_000 });
}

/** For what takes long while clients of this process go on. */
export async function kubectlMeanwhile(...args: readonly string[]): Promise<void> {
  await promisify(execFile)('kubectl', args, { timeout: 120_000 });
}

export interface Up {
  readonly changed: boolean;
  readonly phases: readonly { readonly phase: string; readonly milliseconds: number }[];
}

/** `holdfast up`, which must succeed. */
export async function bringUp(cluster: TestCluster): Promise<Up> {
  const { code, stdout, stderr } = await cluster.holdfast(['up', '--json', '--yes'], { timeoutMilliseconds: 280_000 });
  expect(code, stderr + stdout).toBe(0);
  return JSON.parse(stdout) as Up;
}

/** `holdfast url which` with the service's own address, since its name is known to pods only. */
export async function serviceUrl(cluster: TestCluster, namespace: string, which: 'rw' | 'pooler'): Promise<string> {
  const url = new URL(await cluster.url(which));
  const service = which === 'rw' ? 'postgres-master' : 'pgbouncer';
  url.hostname = kubectl('get', 'service', service, '--namespace', namespace, '--output', 'jsonpath={.spec.clusterIP}');
  return url.href;
}

/** Names of pods that run or will. What has ended and is only listed still does not count: kubelets tell of the end of a pod when they like to. */
export function livePods(namespace: string): readonly string[] {
  const { items } = JSON.parse(kubectl('get', 'pods', '--namespace', namespace, '--output', 'json')) as Pods;
  const hasEnded = ({ metadata, status }: Pods['items'][number]) =>
    metadata.deletionTimestamp !== undefined &&
    (status.containerStatuses ?? []).every(({ state }) => state.running === undefined);
  return items.filter((pod) => !hasEnded(pod)).map(({ metadata }) => metadata.name);
}

interface Pods {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
    readonly status: { readonly containerStatuses?: readonly { readonly state: { readonly running?: object } }[] };
  }[];
}

/** Takes it down with everything that it kept; what it still has when that fails goes with the namespace. */
export async function takeDown(cluster: TestCluster | undefined, namespace: string): Promise<void> {
  if (cluster === undefined) return;
  await cluster.holdfast(['down', '--purge', '--yes'], { timeoutMilliseconds: 280_000 });
  tryKubectl('delete', 'namespace', namespace, '--ignore-not-found');
  await cluster[Symbol.asyncDispose]();
}

export async function createKubernetesCluster(namespace: string): Promise<TestCluster> {
  return await createTestCluster(kubernetesSpec(namespace));
}
