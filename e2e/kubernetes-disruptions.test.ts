import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  findLostInserts,
  type InsertHistory,
  pgbenchTable,
  prepareUniqueInserts,
  query,
  startPgbench,
  startUniqueInserts,
  type TestCluster,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  bringUp,
  createKubernetesCluster,
  kubectl,
  kubectlMeanwhile,
  kubernetesSpec,
  ready,
  serviceUrl,
  takeDown,
  tryKubectl,
} from './kubernetes-cluster.js';

const namespace = 'holdfast-disruptions';
const inNamespace = ['--namespace', namespace] as const;
/** As in failover.test.ts: what is measured is far below. */
const lax = 30_000;

/** What a node's drain asks for each pod; the eviction API's answer. https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/ */
async function evict(folder: string, pod: string): Promise<{ readonly done: boolean; readonly answer: string }> {
  const file = join(folder, `evict-${randomUUID()}.json`);
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace } };
  await writeFile(file, JSON.stringify(eviction));
  const { status, stderr } = tryKubectl(
    'create',
    '--raw',
    `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`,
    '--filename',
    file,
  );
  return { done: status === 0, answer: stderr };
}

describe.skipIf(!ready)('what Kubernetes does to a running cluster', () => {
  let cluster: TestCluster;
  let url = '';

  beforeAll(async () => {
    cluster = await createKubernetesCluster(namespace);
    await bringUp(cluster);
    url = await serviceUrl(cluster, namespace, 'rw');
    await prepareUniqueInserts(url);
    await query(url, `CREATE TABLE ${pgbenchTable} (client int)`);
  });
  afterAll(async () => await takeDown(cluster, namespace));

  const primary = async () => `postgres-${Number((await waitForHealth(cluster)).leader?.slice(2)) - 1}`;
  /** Two writers while it happens, and until they write again. */
  const underWrites = async (what: () => Promise<void> | void): Promise<InsertHistory> => {
    const workload = startUniqueInserts(url, 2);
    await waitUntil('writes', async () => workload.count() > 50, { timeoutMilliseconds: lax });
    await what();
    const seen = workload.count();
    await waitUntil('writes after it', async () => workload.count() > seen + 50, { timeoutMilliseconds: lax });
    const history = await workload.stop();
    // A pod that was told to end may have been the primary's.
    await waitForHealth(cluster);
    expect(await findLostInserts(url, history)).toEqual([]);
    return history;
  };
  const restarted = (target: string) => {
    kubectl('rollout', 'restart', ...inNamespace, target);
    kubectl('rollout', 'status', ...inNamespace, target, '--timeout=110s');
  };

  test("every process in the primary's pod is killed: a standby takes over, nothing is lost", async () => {
    const pod = await primary();
    const { longestGapMilliseconds } = await underWrites(async () => {
      // All of its account but tini, which ends with them.
      await kubectlMeanwhile('exec', ...inNamespace, pod, '--', 'sh', '-c', 'kill -9 -1').catch(() => undefined);
      await sleep(5000);
    });
    console.log(`kill -9 in the primary's pod: ${longestGapMilliseconds} ms without a write`);
    expect(longestGapMilliseconds).toBeLessThan(lax);
    expect(await primary()).not.toBe(pod);
  });

  test('rolling updates of HAProxy and of etcd cost no transaction', async () => {
    await waitForHealth(cluster);
    for (const target of ['deployment/haproxy', 'statefulset/etcd']) {
      const load = await startPgbench(url, { folder: cluster.folder, reconnect: true });
      await sleep(2000);
      restarted(target);
      const { failures, transactions } = await load.stop();
      expect(failures, target).toBe('');
      expect(transactions).toBeGreaterThan(50);
    }
  });

  test('a switchover pauses every pod of the pooler: none of its transactions fails', async () => {
    await waitForHealth(cluster);
    expect(
      kubectl('get', 'pods', ...inNamespace, '--selector', 'app.kubernetes.io/name=pgbouncer').split('\n'),
    ).toHaveLength(3);
    const load = await startPgbench(await serviceUrl(cluster, namespace, 'pooler'), { folder: cluster.folder });
    await sleep(2000);
    const { code, stderr } = await cluster.holdfast(['switchover'], { timeoutMilliseconds: 120_000 });
    const { failures, transactions } = await load.stop();
    expect(code, stderr).toBe(0);
    expect(failures).toBe('');
    expect(transactions).toBeGreaterThan(50);
  });

  test('a drain takes one pod of etcd at a time, and one of PostgreSQL', { timeout: 600_000 }, async () => {
    await waitForHealth(cluster);
    for (const [one, another] of [
      ['etcd-0', 'etcd-1'],
      ['postgres-0', 'postgres-1'],
    ] as const) {
      const budget = one.replace(/-\d+$/, '');
      const allowed = () =>
        kubectl('get', 'pdb', budget, ...inNamespace, '--output', 'jsonpath={.status.disruptionsAllowed}');
      await waitUntil('a disruption is allowed', async () => allowed() === '1', { timeoutMilliseconds: 90_000 });
      await underWrites(async () => {
        expect(await evict(cluster.folder, one)).toMatchObject({ done: true });
        const refused = await evict(cluster.folder, another);
        expect(refused).toMatchObject({ done: false, answer: expect.stringContaining('disruption budget') });
        // Once the first one is back the second may go.
        await waitUntil('the second is evicted', async () => (await evict(cluster.folder, another)).done, {
          timeoutMilliseconds: 120_000,
          intervalMilliseconds: 1000,
        });
      });
      await waitForHealth(cluster);
    }
  });

  test('defragmentation runs through, and etcd goes on', async () => {
    await waitForHealth(cluster);
    const { longestGapMilliseconds } = await underWrites(async () => {
      await kubectlMeanwhile('create', 'job', 'now', ...inNamespace, '--from=cronjob/etcd-defragmentation');
      await kubectlMeanwhile('wait', ...inNamespace, '--for=condition=complete', 'job/now', '--timeout=110s');
    });
    expect(longestGapMilliseconds).toBeLessThan(lax);
    const log = kubectl('logs', ...inNamespace, 'job/now');
    expect(log.match(/Finished defragmenting etcd member/g)).toHaveLength(3);
    kubectl('delete', 'job', 'now', ...inNamespace);
    await waitForHealth(cluster);
  });

  test('an `up` that was cut off is finished by the next one', async () => {
    // Of what `up` applies only a part is there.
    kubectl('delete', ...inNamespace, 'deployment/pgbouncer', 'service/pgbouncer', 'pdb/haproxy', 'statefulset/etcd');
    await cluster.writeSpec(kubernetesSpec(namespace, '  replicas: { pooler: 1 }\n'));
    await bringUp(cluster);
    await waitForHealth(cluster);
    const pooled = await serviceUrl(cluster, namespace, 'pooler');
    expect(await query(pooled, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect((await bringUp(cluster)).changed).toBe(false);
  });

  test.each(['etcd', 'patroni'])(
    'no node has the new image of %s: it is named, writes go on, and the next `up` mends it',
    {
      timeout: 600_000,
    },
    async (image) => {
      await cluster.writeSpec(kubernetesSpec(namespace));
      await bringUp(cluster);
      await waitForHealth(cluster);
      await underWrites(async () => {
        await cluster.writeSpec(
          kubernetesSpec(namespace).replace('pull: Never', `pull: Never, ${image}: "nobody/it:1"`),
        );
        const { code, error } = await cluster.refused(['up', '--yes'], { timeoutMilliseconds: 280_000 });
        expect(code).toBe(3);
        expect(error).toMatchObject({
          code: 'HF_KUBERNETES_PODS_STUCK',
          detail: expect.stringMatching(/ErrImageNeverPull.*nobody\/it:1/),
        });
        await cluster.writeSpec(kubernetesSpec(namespace));
        await bringUp(cluster);
      });
      await waitForHealth(cluster);
      expect((await bringUp(cluster)).changed).toBe(false);
    },
  );
});
