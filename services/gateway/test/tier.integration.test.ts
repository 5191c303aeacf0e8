import { existsSync, readFileSync } from 'node:fs';
import { rotateKey, signApiToken } from '@holdfast/keys';
import { createClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOptions, postgresBin, program, startTestTier, type TestTier } from './support/tier.js';

describe.skipIf(postgresBin === undefined || !existsSync(program))('the API as a program', () => {
  let tier: TestTier;

  beforeAll(async () => {
    tier = await startTestTier();
    await tier.sql.query(`
      CREATE TABLE public.todos (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        owner uuid NOT NULL DEFAULT auth.uid(),
        title text NOT NULL
      );
      ALTER TABLE public.todos ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON public.todos TO authenticated USING (owner = auth.uid()) WITH CHECK (owner = auth.uid());
      GRANT ALL ON public.todos TO anon, authenticated, service_role;
    `);
    await tier.sql.query("NOTIFY pgrst, 'reload schema'");
  });
  afterAll(async () => {
    await tier?.[Symbol.asyncDispose]();
  });

  test('supabase-js signs up, writes and reads its own rows, and nobody else does', async () => {
    const alice = await tier.anon();
    const signedUp = await alice.auth.signUp({ email: 'alice@example.com', password: 'secret123' });
    expect(signedUp.error).toBeNull();
    expect(signedUp.data.session).not.toBeNull();
    await expect.poll(async () => (await alice.from('todos').select()).error, { timeout: 10_000 }).toBeNull();
    const inserted = await alice.from('todos').insert({ title: 'write tests' }).select().single();
    expect(inserted.error).toBeNull();
    expect(inserted.data).toMatchObject({ title: 'write tests', owner: signedUp.data.user?.id });
    const bob = await tier.anon();
    await bob.auth.signUp({ email: 'bob@example.com', password: 'secret456' });
    expect((await bob.from('todos').select()).data).toEqual([]);
    expect((await (await tier.service()).from('todos').select()).data).toHaveLength(1);
    expect((await alice.auth.signInWithPassword({ email: 'alice@example.com', password: 'no' })).error?.code).toBe(
      'invalid_credentials',
    );
  });

  test('opaque keys stand for their roles', async () => {
    const secret = createClient(tier.url, tier.keys.secret.current.value, clientOptions);
    expect((await secret.from('todos').select()).data).toHaveLength(1);
    const publishable = createClient(tier.url, tier.keys.publishable.current.value, clientOptions);
    expect((await publishable.from('todos').select()).data).toEqual([]);
    expect((await secret.auth.admin.listUsers()).data.users).toHaveLength(2);
    expect((await publishable.auth.admin.listUsers()).error).not.toBeNull();
  });

  test('large answers are compressed where the client takes that', async () => {
    const service = await tier.service();
    const rows = Array.from({ length: 100 }, (_, index) => ({
      title: `number ${index}`,
      owner: '00000000-0000-0000-0000-000000000000',
    }));
    expect((await service.from('todos').insert(rows)).error).toBeNull();
    const headers = { apikey: tier.keys.secret.current.value };
    const path = `${tier.url}/rest/v1/todos?select=*`;
    const packed = await fetch(path, { headers: { ...headers, 'accept-encoding': 'gzip' } });
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect(await packed.json()).toHaveLength(101);
    const brotli = await fetch(path, { headers: { ...headers, 'accept-encoding': 'br' } });
    expect(brotli.headers.get('content-encoding')).toBe('br');
    const plain = await fetch(path, { headers: { ...headers, 'accept-encoding': 'identity' } });
    expect(plain.headers.get('content-encoding')).toBeNull();
  });

  test('keys that were rotated count without a restart', async () => {
    const before = await signApiToken('service_role', tier.keys);
    const status = async (apikey: string) =>
      (await fetch(`${tier.url}/rest/v1/todos?limit=1`, { headers: { apikey } })).status;
    expect(await status(before)).toBe(200);
    const rotated = rotateKey(tier.keys, 'jwt-secret', { now: new Date(), graceMilliseconds: 0 });
    tier.writeKeys(rotated);
    await expect.poll(async () => await status(before), { timeout: 15_000 }).toBe(401);
    const after = await signApiToken('service_role', rotated);
    await expect.poll(async () => await status(after), { timeout: 15_000 }).toBe(200);
    tier.writeKeys(tier.keys);
    await expect.poll(async () => await status(before), { timeout: 15_000 }).toBe(200);
  });

  test('an RSA key signs, and every service checks by it', async () => {
    tier.writeKeys(
      rotateKey(tier.keys, 'signing', { now: new Date(), graceMilliseconds: 60_000, signingAlgorithm: 'RS256' }),
    );
    const client = await tier.anon();
    const algorithm = async () => {
      const { data } = await client.auth.signInWithPassword({ email: 'alice@example.com', password: 'secret123' });
      const [header = ''] = data.session?.access_token.split('.') ?? [];
      return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { readonly alg?: string }).alg;
    };
    await expect.poll(algorithm, { timeout: 15_000 }).toBe('RS256');
    await expect.poll(async () => (await client.from('todos').select()).data?.length, { timeout: 15_000 }).toBe(1);
    expect((await client.auth.getUser()).data.user?.email).toBe('alice@example.com');
    expect((await client.auth.getClaims()).data?.header).toMatchObject({ alg: 'RS256' });
  });

  test('is small and starts fast', async () => {
    const status = readFileSync(`/proc/${tier.process.pid}/status`, 'utf8');
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
    console.info(`start ${Math.round(tier.startMilliseconds)} ms, ${Math.round(kilobytes / 1024)} MiB resident`);
    expect(kilobytes / 1024).toBeLessThan(200);
  });

  test('SIGTERM ends it in order', async () => {
    tier.process.kill('SIGTERM');
    expect(await tier.ended).toBe(0);
    expect(tier.log()).toContain('"event":"stopped"');
    expect(tier.log()).not.toContain('of the test');
  });
});
