import { randomUUID } from 'node:crypto';
import { createTestCluster, query, type TestCluster, waitForHealth, waitUntil } from '@holdfast/testkit';
import { createClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  bringUp,
  kubectl,
  kubectlMeanwhile,
  kubernetesSpec,
  ready,
  serviceUrl,
  takeDown,
  tryKubectl,
} from './kubernetes-cluster.js';

const namespace = 'holdfast-api';
const inNamespace = ['--namespace', namespace] as const;
const spec = (images = '') =>
  `${kubernetesSpec(namespace)
    .replace('  resources:\n', '  resources:\n    api: { cores: 0.05, memory: 512MiB }\n')
    .replace('pull: Never', `pull: Never${images}`)}api: { enabled: true }\n`;

describe.skipIf(!ready)('Supabase’s API in Kubernetes', () => {
  let cluster: TestCluster;
  let url = '';
  const address = () =>
    `http://${kubectl('get', 'service', 'api', ...inNamespace, '--output', 'jsonpath={.spec.clusterIP}:{.spec.ports[0].port}')}`;
  const pods = () =>
    kubectl(
      'get',
      'pods',
      ...inNamespace,
      '--selector',
      'app.kubernetes.io/name=api',
      '--field-selector',
      'status.phase=Running',
      '--output',
      'jsonpath={.items[*].metadata.name}',
    )
      .split(' ')
      .filter((name) => name !== '');
  const client = (key: string) =>
    createClient(address(), key, {
      auth: { persistSession: false, autoRefreshToken: false },
      realtime: { transport: WebSocket as never },
    });
  const primary = async () => `postgres-${Number((await waitForHealth(cluster)).leader?.slice(2)) - 1}`;

  /** Writes and reads before, through and after it; none may fail. */
  async function underRequests(what: () => Promise<void> | void): Promise<void> {
    const supabase = client((await cluster.environment()).SUPABASE_SECRET_KEY ?? '');
    let done = 0;
    let longest = 0;
    const failed: unknown[] = [];
    let isStopping = false;
    const written: string[] = [];
    const request = async () => {
      const id = randomUUID();
      const began = performance.now();
      const { error } = await supabase.from('notes').upsert({ id });
      const read = await supabase.from('notes').select('id').eq('id', id);
      longest = Math.max(longest, performance.now() - began);
      for (const each of [error, read.error]) if (each !== null) failed.push(each);
      if (error === null) written.push(id);
      if (error === null && read.data?.length !== 1) failed.push(`${id} is not there`);
      done += 1;
    };
    const writers = Array.from({ length: 4 }, async () => {
      while (!isStopping) await request();
    });
    try {
      await waitUntil('requests', async () => done > 20, { timeoutMilliseconds: 30_000 });
      await what();
      const seen = done;
      await waitUntil('requests after it', async () => done > seen + 40, { timeoutMilliseconds: 60_000 });
    } finally {
      isStopping = true;
      await Promise.all(writers);
    }
    console.log(`${done} writes and reads, the slowest ${Math.round(longest)} ms`);
    expect(failed).toEqual([]);
    const kept = await query<{ n: string }>(
      url,
      `SELECT count(*) AS n FROM public.notes WHERE id IN (${written.map((id) => `'${id}'`).join(', ')})`,
    );
    expect(kept).toEqual([{ n: String(written.length) }]);
  }

  beforeAll(async () => {
    cluster = await createTestCluster(spec());
    const { phases } = await bringUp(cluster);
    console.log(`up: ${phases.map(({ phase, milliseconds }) => `${phase} ${Math.round(milliseconds)} ms`).join(', ')}`);
    url = await serviceUrl(cluster, namespace, 'rw');
    await query(url, 'CREATE TABLE public.notes (id uuid PRIMARY KEY)');
  });
  afterAll(async () => await takeDown(cluster, namespace));

  test('two pods serve it: not root, nothing to write to', async () => {
    expect((await waitForHealth(cluster)).endpoints.api).toBe(`http://api.${namespace}.svc.cluster.local:8000`);
    await waitUntil('both pods', async () => pods().length === 2, { timeoutMilliseconds: 60_000 });
    for (const pod of pods()) {
      expect(kubectl('exec', ...inNamespace, pod, '--', 'id', '-u')).toBe('996');
      const { stderr } = tryKubectl('exec', ...inNamespace, pod, '--', 'touch', '/usr/x', '/opt/holdfast/x');
      expect(stderr.match(/Read-only file system/g)).toHaveLength(2);
    }
    expect((await bringUp(cluster)).changed).toBe(false);
  });

  test('supabase-js signs up, writes and reads', async () => {
    await query(
      url,
      `CREATE TABLE public.secrets (owner uuid NOT NULL DEFAULT auth.uid(), text text NOT NULL);
       ALTER TABLE public.secrets ENABLE ROW LEVEL SECURITY;
       CREATE POLICY own ON public.secrets TO authenticated USING (owner = auth.uid()) WITH CHECK (owner = auth.uid())`,
    );
    const { SUPABASE_PUBLISHABLE_KEY = '' } = await cluster.environment();
    const alice = client(SUPABASE_PUBLISHABLE_KEY);
    const { error } = await alice.auth.signUp({ email: 'alice@example.com', password: 'secret123' });
    expect(error).toBeNull();
    await expect.poll(async () => (await alice.from('secrets').select()).error, { timeout: 20_000 }).toBeNull();
    expect((await alice.from('secrets').insert({ text: 'mine' })).error).toBeNull();
    expect((await alice.from('secrets').select('text')).data).toEqual([{ text: 'mine' }]);
    expect((await client(SUPABASE_PUBLISHABLE_KEY).from('secrets').select('text')).data).toEqual([]);
  });

  test('requests ride through the end of the primary’s pod', async () => {
    const pod = await primary();
    await underRequests(async () => {
      // The end of the pod cuts the command off.
      await kubectlMeanwhile('exec', ...inNamespace, pod, '--', 'sh', '-c', 'kill -9 -1').catch(() => undefined);
    });
    expect(await primary()).not.toBe(pod);
  });

  test('its pods are replaced one after the other, and one is deleted: no request fails', async () => {
    await waitForHealth(cluster);
    await underRequests(async () => {
      await kubectlMeanwhile('rollout', 'restart', ...inNamespace, 'deployment/api');
      await kubectlMeanwhile('rollout', 'status', ...inNamespace, 'deployment/api', '--timeout=110s');
    });
    await underRequests(
      async () => await kubectlMeanwhile('delete', 'pod', ...inNamespace, pods()[0] ?? '', '--wait=true'),
    );
  });

  test('pods hear of new keys', { timeout: 300_000 }, async () => {
    const { SUPABASE_SECRET_KEY: before = '' } = await cluster.environment();
    const status = async (apikey: string) =>
      await fetch(`${address()}/auth/v1/settings`, { headers: { apikey, connection: 'close' } }).then(
        (answer) => answer.status,
        () => 0,
      );
    expect(await status(before)).toBe(200);
    await cluster.json(['keys', 'rotate', 'secret', '--grace', '0s', '--yes']);
    const { SUPABASE_SECRET_KEY: after = '' } = await cluster.environment();
    // A kubelet brings a Secret's new content within a minute or two, to each pod by itself.
    const all = async (key: string) => await Promise.all([1, 2, 3, 4, 5, 6].map(async () => await status(key)));
    await expect
      .poll(async () => [...(await all(before)), ...(await all(after))].join(' '), { timeout: 180_000, interval: 1000 })
      .toBe(`${Array(6).fill(401).join(' ')} ${Array(6).fill(200).join(' ')}`);
  });

  test('an image that no node has, while it runs: it is named, requests go on, and the next `up` mends it', async () => {
    await waitForHealth(cluster);
    await underRequests(async () => {
      await cluster.writeSpec(spec(', api: "nobody/api:1"'));
      const { code, error } = await cluster.refused(['up', '--yes'], { timeoutMilliseconds: 200_000 });
      expect(code).toBe(3);
      expect(error).toMatchObject({
        code: 'HF_KUBERNETES_PODS_STUCK',
        detail: expect.stringMatching(/api-.*ErrImageNeverPull.*nobody\/api:1/),
      });
      await cluster.writeSpec(spec());
      await bringUp(cluster);
    });
    await waitUntil('both pods', async () => pods().length === 2, { timeoutMilliseconds: 60_000 });
    expect((await bringUp(cluster)).changed).toBe(false);
  });
});
