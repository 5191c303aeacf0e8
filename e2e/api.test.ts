import type { ChildProcess } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKeyMaterial, renderKeyMaterial } from '@holdfast/keys';
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

beforeAll(async () => {
  cluster = await startTestCluster(`${testSpec}api:\n  enabled: true\n`);
  environment = await cluster.environment();
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
  const health = async () => await (await fetch(`${environment.SUPABASE_URL}/health`)).json();
  await expect.poll(health, { timeout: 20_000 }).toMatchObject({ services: { auth: 'ready', rest: 'ready' } });
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
  environment = await cluster.environment();
  expect(environment.SUPABASE_SECRET_KEY).not.toBe(before);
  const status = async (apikey: string) =>
    (await fetch(`${environment.SUPABASE_URL}/rest/v1/notes`, { headers: { apikey } })).status;
  await expect.poll(async () => await status(before ?? ''), { timeout: 20_000 }).toBe(401);
  expect(await status(environment.SUPABASE_SECRET_KEY ?? '')).toBe(200);
});

test('doctor asks the gateway, the services and the keys, and names what is wrong with each', async () => {
  const found = async () => {
    const { stdout } = await cluster.holdfast(['doctor', '--json']);
    const { findings } = JSON.parse(stdout) as {
      findings: readonly { readonly id: string; readonly severity: string }[];
    };
    return findings.filter(({ id }) => /^api\b/.test(id)).map(({ id, severity }) => `${severity} ${id}`);
  };
  expect(await found()).toEqual(['ok api']);
  // Keys that the API has not heard of: as if its copy had not been renewed.
  const place = join(cluster.folder, '.holdfast/test/keys.json');
  const keys = await readFile(place, 'utf8');
  try {
    await writeFile(place, renderKeyMaterial(generateKeyMaterial(new Date())));
    expect(await found()).toEqual(['error api.key.publishable', 'error api.key.secret']);
  } finally {
    await writeFile(place, keys);
  }
  const { units } = await cluster.json<{ units: readonly { id: string; pid: number }[] }>(['ps']);
  const pid = units.find(({ id }) => id === 'api')?.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  expect(await found()).toEqual(['error api']);
  process.kill(pid, 'SIGCONT');
  expect(await found()).toEqual(['ok api']);
}, 90_000);

/** `holdfast serve …` in the foreground, until it is told to end; answers its exit code. */
function serve(args: readonly string[]): { end(): Promise<number | null> } {
  let child: ChildProcess | undefined;
  const running = cluster.holdfast(['serve', ...args], {
    onStart: (started) => {
      child = started;
    },
  });
  return {
    async end() {
      child?.kill('SIGTERM');
      return (await running).code;
    },
  };
}

test('serve runs services apart, and each lets what is under way end', async () => {
  const [restPort, gatewayPort, allPort] = [21_801, 21_802, 21_803];
  await query(
    await cluster.url('rw'),
    `CREATE FUNCTION public.answer_late() RETURNS int LANGUAGE sql AS 'SELECT 42 FROM pg_sleep(1.5)';
     NOTIFY pgrst, 'reload schema'`,
  );
  const apikey = environment.SUPABASE_SECRET_KEY ?? '';
  const late = async (port: number) =>
    await fetch(`http://127.0.0.1:${port}/rest/v1/rpc/answer_late`, { headers: { apikey } }).then(
      async (answer) => await answer.text(),
      () => 'refused',
    );
  const services = [
    serve(['rest', '--port', String(restPort)]),
    serve(['gateway', '--port', String(gatewayPort), '--rest', `http://127.0.0.1:${restPort}/rest/v1`]),
    serve(['--port', String(allPort)]),
  ] as const;
  const [rest, ...others] = services;
  try {
    for (const port of [gatewayPort, allPort])
      await expect.poll(async () => await late(port), { timeout: 30_000 }).toBe('42');
    const settings = await fetch(`http://127.0.0.1:${gatewayPort}/auth/v1/settings`, { headers: { apikey } });
    expect(settings.status).toBe(200);
    // REST alone has no Auth.
    const none = await fetch(`http://127.0.0.1:${restPort}/auth/v1/settings`, { headers: { apikey } });
    expect(none.status).toBe(503);

    const answers = [late(gatewayPort), late(allPort)];
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await Promise.all(others.map(async (each) => await each.end()))).toEqual([0, 0]);
    expect(await Promise.all(answers)).toEqual(['42', '42']);
    expect(await rest.end()).toBe(0);
    // The folders of their configurations, in which there are passwords, are gone.
    expect((await readdir(join(cluster.folder, '.holdfast/test'))).filter((name) => /^serve-/.test(name))).toEqual([]);
  } finally {
    await Promise.all(services.map(async (each) => await each.end()));
  }
}, 90_000);

test('serve says who has the port of the API that runs', async () => {
  const { code, stderr } = await cluster.holdfast(['serve']);
  expect(code).toBe(1);
  expect(stderr).toContain(new URL(environment.SUPABASE_URL ?? '').host);
});

test('a second up changes nothing', async () => {
  expect(await cluster.json(['up', '--no-install'])).toMatchObject({ changed: false });
});
