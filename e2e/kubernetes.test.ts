import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createTestCluster,
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

const namespace = 'holdfast-e2e';
const spec = (more = '') => kubernetesSpec(namespace) + more;
/** As in failover.test.ts: what is measured is far below. */
const lax = 30_000;

interface Chaos {
  readonly rounds: { readonly played: readonly unknown[]; readonly skipped: readonly { readonly scenario: string }[] };
}

describe.skipIf(!ready)('the runtime kubernetes', () => {
  let cluster: TestCluster;
  let url = '';
  const names = (kind: string) =>
    kubectl('get', kind, '--namespace', namespace, '--output', 'jsonpath={.items[*].metadata.name}')
      .split(' ')
      .filter((name) => name !== '');
  const write = async (more = '') => await writeFile(join(cluster.folder, 'holdfast.yaml'), spec(more));
  const up = async () => await bringUp(cluster);

  beforeAll(async () => {
    cluster = await createTestCluster(spec());
    await up();
    url = await serviceUrl(cluster, namespace, 'rw');
    await prepareUniqueInserts(url);
  });

  afterAll(async () => await takeDown(cluster, namespace));

  test('runs every unit, and up again has nothing to do', async () => {
    const status = await waitForHealth(cluster);
    expect(status.members.map(({ host }) => host)).toEqual(
      ['pg1', 'pg2', 'pg3'].map((name) => `${name}.${namespace}.svc.cluster.local`),
    );
    expect((await up()).changed).toBe(false);
    expect(names('statefulsets').sort()).toEqual(['etcd', 'postgres']);
  });

  test("the primary's pod is deleted: nothing that was acknowledged is lost", async () => {
    const { leader } = await waitForHealth(cluster);
    const workload = startUniqueInserts(url, 2);
    await waitUntil('writes', async () => workload.count() > 100, { timeoutMilliseconds: lax });
    kubectl('delete', 'pod', '--namespace', namespace, `postgres-${Number(leader?.slice(2)) - 1}`, '--wait=false');
    const seen = workload.count();
    await sleep(3000);
    await waitUntil('writes after it', async () => workload.count() > seen + 50, { timeoutMilliseconds: lax });
    const history = await workload.stop();
    console.log(`the primary's pod is deleted: ${history.longestGapMilliseconds} ms without a write`);
    await waitForHealth(cluster);
    expect(await findLostInserts(url, history)).toEqual([]);
    expect(history.longestGapMilliseconds).toBeLessThan(lax);
  });

  test('what the spec has no more goes, and comes back', async () => {
    await write('pooler: { enabled: false }\n');
    expect((await up()).changed).toBe(true);
    expect(names('deployments')).not.toContain('pgbouncer');
    expect(names('poddisruptionbudgets')).not.toContain('pgbouncer');
    await write();
    await up();
    expect(names('deployments')).toContain('pgbouncer');
  });

  test('switchover, logs and restart work as with processes', async () => {
    const before = (await waitForHealth(cluster)).leader;
    const moved = await cluster.holdfast(['switchover'], { timeoutMilliseconds: 120_000 });
    expect(moved.code, moved.stderr).toBe(0);
    expect((await waitForHealth(cluster)).leader).not.toBe(before);
    expect((await cluster.holdfast(['logs', 'pg1', '--lines', '20'])).stdout).toMatch(/postgres|patroni|INFO/i);
  });

  test('chaos kills what runs in pods, and says what it cannot do there', async () => {
    const before = (await waitForHealth(cluster)).leader;
    const scenarios = ['kill-member-primary', 'freeze-member-primary'];
    const args = ['chaos', 'run', ...scenarios, '--cluster', namespace, '--yes', '--output', 'report', '--json'];
    const { code, stdout, stderr } = await cluster.holdfast(args, { timeoutMilliseconds: 200_000 });
    expect(code, stdout + stderr).toBe(0);
    const { rounds } = JSON.parse(stdout) as Chaos;
    expect(rounds.played).toHaveLength(1);
    expect(rounds.skipped.map(({ scenario }) => scenario)).toEqual(['freeze-member-primary']);
    expect((await waitForHealth(cluster)).leader).not.toBe(before);
  });

  test('a namespace of something else, and Secrets with other values, are refused', async () => {
    const other = await createTestCluster(spec().replace(`name: ${namespace}`, 'name: stranger'));
    try {
      const { code, stderr } = await other.holdfast(['up'], { timeoutMilliseconds: 60_000 });
      expect(code).toBe(4);
      expect(stderr).toContain('HF_KUBERNETES_FOREIGN');
    } finally {
      await other[Symbol.asyncDispose]();
    }
    const data = kubectl(
      'get',
      'secret',
      'holdfast-secrets',
      '--namespace',
      namespace,
      '--output',
      'jsonpath={.data.replication}',
    );
    const patch = (value: string) =>
      kubectl(
        'patch',
        'secret',
        'holdfast-secrets',
        '--namespace',
        namespace,
        '--patch',
        `{"data":{"replication":"${value}"}}`,
      );
    patch(Buffer.from('another').toString('base64'));
    try {
      const { stderr } = await cluster.holdfast(['up'], { timeoutMilliseconds: 60_000 });
      expect(stderr).toContain('HF_KUBERNETES_SECRETS');
      expect(stderr).not.toContain('another');
    } finally {
      patch(data);
    }
  });

  test('down keeps the data, and up finds it again', async () => {
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const { code, stderr } = await cluster.holdfast(['down'], { timeoutMilliseconds: 280_000 });
    expect(code, stderr).toBe(0);
    expect(livePods(namespace)).toEqual([]);
    expect(names('persistentvolumeclaims')).toHaveLength(6);
    await up();
    const again = await serviceUrl(cluster, namespace, 'rw');
    expect(await query(again, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });
});
