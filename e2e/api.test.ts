import { query, startTestCluster, type TestCluster, testSpec } from '@holdfast/testkit';
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';

let cluster: TestCluster;
let environment: Readonly<Record<string, string>>;

/** What an application does, with what `holdfast env` gives it. */
function client(key: 'SUPABASE_ANON_KEY' | 'SUPABASE_SECRET_KEY' | 'SUPABASE_PUBLISHABLE_KEY'): SupabaseClient {
  return createClient(environment.SUPABASE_URL ?? '', environment[key] ?? '', {
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: WebSocket as never },
  });
}

async function readEnvironment(): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await cluster.holdfast(['env']);
  return Object.fromEntries(
    [...stdout.matchAll(/^([A-Z_]+)="?([^"\n]*)"?$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

beforeAll(async () => {
  cluster = await startTestCluster(`${testSpec}api:\n  enabled: true\n`);
  environment = await readEnvironment();
  await query(
    await cluster.url('rw'),
    `CREATE TABLE public.notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       owner uuid NOT NULL DEFAULT auth.uid(), text text NOT NULL);
     ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
     CREATE POLICY own ON public.notes TO authenticated USING (owner = auth.uid()) WITH CHECK (owner = auth.uid())`,
  );
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

test('up starts it, and status shows where it is', async () => {
  const { endpoints } = await cluster.status();
  expect(endpoints.api).toBe(environment.SUPABASE_URL);
  const health = await fetch(`${environment.SUPABASE_URL}/health`);
  expect(await health.json()).toMatchObject({ services: { auth: 'ready', rest: 'ready' } });
});

test('supabase-js needs its URL and a key: signs up, writes, reads its own rows, and no other', async () => {
  const alice = client('SUPABASE_PUBLISHABLE_KEY');
  const { data, error } = await alice.auth.signUp({ email: 'alice@example.com', password: 'secret123' });
  expect(error).toBeNull();
  // The table was made a moment ago: the schema cache hears of it by itself.
  await expect.poll(async () => (await alice.from('notes').select()).error, { timeout: 20_000 }).toBeNull();
  const made = await alice.from('notes').insert({ text: 'mine' }).select().single();
  expect(made.error).toBeNull();
  expect(made.data).toMatchObject({ owner: data.user?.id, text: 'mine' });
  const bob = client('SUPABASE_ANON_KEY');
  await bob.auth.signUp({ email: 'bob@example.com', password: 'secret456' });
  expect((await bob.from('notes').select()).data).toEqual([]);
  expect((await client('SUPABASE_SECRET_KEY').from('notes').select()).data).toHaveLength(1);
});

test('rotated keys count at once, without a restart', async () => {
  const before = environment.SUPABASE_SECRET_KEY;
  await cluster.json(['keys', 'rotate', 'secret', '--grace', '0s', '--yes']);
  environment = await readEnvironment();
  expect(environment.SUPABASE_SECRET_KEY).not.toBe(before);
  const status = async (apikey: string) =>
    (await fetch(`${environment.SUPABASE_URL}/rest/v1/notes`, { headers: { apikey } })).status;
  await expect.poll(async () => await status(before ?? ''), { timeout: 20_000 }).toBe(401);
  expect(await status(environment.SUPABASE_SECRET_KEY ?? '')).toBe(200);
});

test('a second up changes nothing', async () => {
  expect(await cluster.json(['up', '--no-install'])).toMatchObject({ changed: false });
});
