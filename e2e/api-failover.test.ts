import { setTimeout as sleep } from 'node:timers/promises';
import {
  primaryOf,
  query,
  signal,
  startTestCluster,
  type TestCluster,
  testSpec,
  waitForHealth,
} from '@holdfast/testkit';
import { createClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';

const perSecond = 200;
const rounds = 5;

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster(`${testSpec}api:\n  enabled: true\n`);
  // No key of its own: what is applied twice is there twice.
  await query(
    await cluster.url('rw'),
    'CREATE TABLE public.entries (id int NOT NULL); CREATE TABLE public.latest (id int PRIMARY KEY, value int NOT NULL)',
  );
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

interface Ps {
  readonly units: readonly { readonly id: string; readonly pids: readonly number[] }[];
}

interface Tally {
  readonly acknowledged: number[];
  /** Inserts whose outcome nobody could tell, each with its status. */
  readonly refused: { readonly id: number; readonly status: number; readonly code: string }[];
  readonly failures: string[];
  reads: number;
  upserts: number;
  slowest: number;
}

test(`${perSecond} requests a second while the primary is killed ${rounds} times`, async () => {
  const { stdout } = await cluster.holdfast(['env']);
  const value = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(stdout)?.[1] ?? '';
  const supabase = createClient(value('SUPABASE_URL'), value('SUPABASE_SECRET_KEY'), {
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: WebSocket as never },
  });
  await expect
    .poll(async () => (await supabase.from('entries').select().limit(1)).error, { timeout: 30_000 })
    .toBeNull();

  const tally: Tally = { acknowledged: [], refused: [], failures: [], reads: 0, upserts: 0, slowest: 0 };
  const request = async (id: number): Promise<void> => {
    const began = performance.now();
    if (id % 4 === 0) {
      const { error, status } = await supabase.from('entries').insert({ id });
      if (error === null) tally.acknowledged.push(id);
      else if (status === 503) tally.refused.push({ id, status, code: error.code });
      else tally.failures.push(`insert ${id}: ${status} ${error.code} ${error.message}`);
    } else if (id % 4 === 1) {
      const { error, status } = await supabase.from('latest').upsert({ id: id % 50, value: id });
      if (error === null) tally.upserts += 1;
      else tally.failures.push(`upsert ${id}: ${status} ${error.code} ${error.message}`);
    } else {
      const { error, status } = await supabase.from('latest').select().limit(10);
      if (error === null) tally.reads += 1;
      else tally.failures.push(`read ${id}: ${status} ${error.code} ${error.message}`);
    }
    tally.slowest = Math.max(tally.slowest, performance.now() - began);
  };

  const pending = new Set<Promise<void>>();
  let last = 0;
  let stop = false;
  const load = (async () => {
    const began = performance.now();
    while (!stop) {
      const due = Math.floor(((performance.now() - began) / 1000) * perSecond);
      while (last < due) {
        last += 1;
        const running: Promise<void> = request(last).finally(() => pending.delete(running));
        pending.add(running);
      }
      await sleep(5);
    }
  })();
  for (let round = 0; round < rounds; round += 1) {
    await sleep(1000);
    const { name } = primaryOf(await cluster.status());
    const { units } = await cluster.json<Ps>(['ps']);
    for (const pid of units.find(({ id }) => id === name)?.pids ?? []) signal(pid, 'SIGKILL');
    await sleep(3000);
    await waitForHealth(cluster);
  }
  await sleep(1000);
  stop = true;
  await load;
  await Promise.all(pending);

  const rows = await query<{ id: number; count: number }>(
    await cluster.url('rw'),
    'SELECT id, count(*)::int AS count FROM public.entries GROUP BY id',
  );
  const there = new Map(rows.map(({ id, count }) => [id, count]));
  console.info(
    `${last} requests: ${tally.acknowledged.length} inserts, ${tally.refused.length} of unknown outcome, ` +
      `${tally.upserts} upserts, ${tally.reads} reads, slowest ${Math.round(tally.slowest)} ms`,
  );
  // The first ones tell enough.
  expect(tally.failures.slice(0, 10)).toEqual([]);
  expect(tally.acknowledged.filter((id) => !there.has(id))).toEqual([]);
  expect([...there].filter(([, count]) => count > 1)).toEqual([]);
  // Only what was in the middle of its statement when the server died: a few of 200 a second.
  expect(tally.refused.length).toBeLessThanOrEqual(4 * rounds);
});
