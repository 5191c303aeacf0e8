import { spawnSync } from 'node:child_process';
import {
  createTestCluster,
  docker,
  dockerMissing,
  findLostInserts,
  prepareUniqueInserts,
  query,
  startUniqueInserts,
  type TestCluster,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bringUp, kubectl, kubernetesSpec, livePods, ready, serviceUrl, takeDown } from './kubernetes-cluster.js';

/** Members in Docker on an address of this machine that pods reach, the rest in Kubernetes. Needs an engine here as well, and the node to be this machine. */
const missing = dockerMissing() ?? (process.getuid?.() === 0 ? undefined : 'only root can add addresses');
const namespace = 'holdfast-split';
const address = '10.77.91.1';
const link = 'hf-split';
const lax = 30_000;

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}

function nodeAddress(): string {
  const path = '{.items[0].status.addresses[?(@.type=="InternalIP")].address}';
  return kubectl('get', 'nodes', '--output', `jsonpath=${path}`);
}

const spec = (node: string): string =>
  kubernetesSpec(namespace, `  members: docker\n  nodes: [${node}]\n`).replace('  etcdNodePort: off\n', '') +
  `hosts: [{ address: ${address} }]\nresources: { memory: 2GiB }\n`;

describe.skipIf(!ready || missing !== undefined)('members in Docker, the rest in Kubernetes', () => {
  let cluster: TestCluster;
  let url = '';
  const containers = () =>
    docker('container', 'ls', '--all', '--format', '{{.Names}}', '--filter', `label=io.holdfast.cluster=${namespace}`)
      .split('\n')
      .filter((name) => name !== '');

  beforeAll(async () => {
    ip('link', 'add', link, 'type', 'bridge');
    ip('address', 'add', `${address}/24`, 'dev', link);
    ip('link', 'set', link, 'up');
    cluster = await createTestCluster(spec(nodeAddress()));
    const { phases } = await bringUp(cluster);
    console.log(`up: ${phases.map(({ phase, milliseconds }) => `${phase} ${Math.round(milliseconds)} ms`).join(', ')}`);
    url = await serviceUrl(cluster, namespace, 'rw');
    await prepareUniqueInserts(url);
  });

  afterAll(async () => {
    await takeDown(cluster, namespace);
    spawnSync('ip', ['link', 'delete', link]);
    expect(containers()).toEqual([]);
  });

  test('each half runs its own units, and up again has nothing to do', async () => {
    const status = await waitForHealth(cluster);
    expect(status.members.map(({ host }) => host)).toEqual([address, address, address]);
    expect(containers().filter((name) => name.includes('patroni'))).toHaveLength(3);
    expect(containers().some((name) => name.includes('etcd') || name.includes('haproxy'))).toBe(false);
    const pods = livePods(namespace);
    expect(pods).toContain('etcd-0');
    expect(pods.filter((name) => name.startsWith('postgres'))).toEqual([]);
    expect((await bringUp(cluster)).changed).toBe(false);
  });

  test('kill -9 of the primary’s container: HAProxy in Kubernetes finds the next one, and nothing is lost', async () => {
    const { leader } = await waitForHealth(cluster);
    const name = `${namespace}-patroni-postgres-${leader?.slice(2)}`;
    const workload = startUniqueInserts(url, 2);
    await waitUntil('writes', async () => workload.count() > 100, { timeoutMilliseconds: lax });
    process.kill(Number(docker('container', 'inspect', '--format', '{{.State.Pid}}', name)), 'SIGKILL');
    const seen = workload.count();
    await waitUntil('writes after it', async () => workload.count() > seen + 50, { timeoutMilliseconds: lax });
    const history = await workload.stop();
    console.log(`kill -9 of the primary's container: ${history.longestGapMilliseconds} ms without a write`);
    await waitForHealth(cluster);
    expect((await cluster.status()).leader).not.toBe(leader);
    expect(await findLostInserts(url, history)).toEqual([]);
  });

  test('switchover and logs work on both', async () => {
    const before = (await waitForHealth(cluster)).leader;
    const moved = await cluster.holdfast(['switchover'], { timeoutMilliseconds: 120_000 });
    expect(moved.code, moved.stderr).toBe(0);
    expect((await waitForHealth(cluster)).leader).not.toBe(before);
    for (const unit of ['pg1', 'etcd1']) {
      expect((await cluster.holdfast(['logs', unit, '--lines', '20'])).stdout).not.toBe('');
    }
  });

  test('down keeps the data of both, and up finds it again', async () => {
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const { code, stderr } = await cluster.holdfast(['down'], { timeoutMilliseconds: 280_000 });
    expect(code, stderr).toBe(0);
    expect([livePods(namespace), containers()]).toEqual([[], []]);
    await bringUp(cluster);
    expect(await query(await serviceUrl(cluster, namespace, 'rw'), 'SELECT answer FROM kept')).toEqual([
      { answer: 42 },
    ]);
  });
});
