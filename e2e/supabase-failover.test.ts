import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  createTestCluster,
  query,
  signal,
  startTestCluster,
  type TestCluster,
  testSpec,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const migrations = readdirSync(new URL('../database/migrations', import.meta.url)).length;
const up = ['up', '--no-install'];
const patience = { timeoutMilliseconds: 60_000, intervalMilliseconds: 20 };

/** Every process of these units; those of PostgreSQL belong to its member's. */
async function processesOf(cluster: TestCluster, ...units: readonly string[]): Promise<readonly number[]> {
  const found = await cluster.json<{ units: readonly { id: string; pids: readonly number[] }[] }>(['ps']);
  return found.units.flatMap(({ id, pids }) => (units.includes(id) ? pids : []));
}

async function killMember(cluster: TestCluster, member: string): Promise<void> {
  for (const pid of await processesOf(cluster, member, `${member}-agent`)) signal(pid, 'SIGKILL');
}

/** A session that holds a lock until its server is gone or it is told to end; whatever needs it has come to a known point. */
async function hold(url: string, lock: string): Promise<AsyncDisposable & { waiters(): Promise<number> }> {
  const client = new pg.Client({ connectionString: url, query_timeout: 10_000 });
  client.on('error', () => {});
  await client.connect();
  await client.query(`BEGIN; ${lock}`);
  return {
    // Not from pg_stat_activity, which stays as a transaction first saw it.
    waiters: async () => {
      const { rows } = await client.query<{ count: number }>(
        'SELECT count(*)::integer AS count FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))',
      );
      return rows[0]?.count ?? 0;
    },
    [Symbol.asyncDispose]: async () => await client.end().catch(() => {}),
  };
}

async function databaseUrl(cluster: TestCluster, database: string): Promise<string> {
  const url = new URL(await cluster.url('rw'));
  url.pathname = `/${database}`;
  return url.href;
}

const versionsIn = async (url: string) =>
  (await query<{ version: number }>(url, 'SELECT version FROM holdfast.migrations ORDER BY version')).map(
    ({ version }) => version,
  );

describe('a database that is there', () => {
  let cluster: TestCluster;
  let versions: readonly number[];

  beforeAll(async () => {
    cluster = await startTestCluster(testSpec);
    versions = await versionsIn(await cluster.url('rw'));
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  /** Every migration can run again over its own result. */
  async function forgetMigrations(): Promise<void> {
    for (const database of ['postgres', '_supabase'])
      await query(await databaseUrl(cluster, database), 'DELETE FROM holdfast.migrations');
  }

  async function expectWhole(): Promise<void> {
    await waitForHealth(cluster);
    expect(await versionsIn(await cluster.url('rw'))).toEqual(versions);
    expect(await versionsIn(await databaseUrl(cluster, '_supabase'))).toEqual([1]);
    expect(await cluster.json(['supabase', 'migrate', '--plan'])).toEqual({ pending: [] });
    expect(await cluster.json(['supabase', 'migrate'])).toEqual({ applied: [], passwords: [] });
  }

  test('two that migrate at once run each migration once', async () => {
    await forgetMigrations();
    const runs = await Promise.all(
      [1, 2].map(
        async () =>
          await cluster.json<{ applied: readonly { database: string; version: number }[] }>(['supabase', 'migrate']),
      ),
    );
    const inMain = runs.flatMap(({ applied }) => applied.filter(({ database }) => database === 'postgres'));
    expect(inMain.map(({ version }) => version).sort((one, other) => one - other)).toEqual(versions);
    await expectWhole();
  });

  test.each([
    { phase: 'before the first migration', database: 'postgres', lock: 'LOCK TABLE holdfast.migrations' },
    { phase: 'in the base', database: 'postgres', lock: 'LOCK TABLE supabase_migrations.schema_migrations' },
    { phase: 'in auth', database: 'postgres', lock: 'LOCK TABLE auth.schema_migrations' },
    { phase: 'in storage', database: 'postgres', lock: 'LOCK TABLE storage.objects' },
    { phase: 'in realtime', database: 'postgres', lock: 'LOCK TABLE realtime.subscription' },
    { phase: 'in the database _supabase', database: '_supabase', lock: 'LOCK TABLE holdfast.migrations' },
  ])('the primary is killed $phase: up goes on with the next one', async ({ database, lock }) => {
    const { leader } = await waitForHealth(cluster);
    await forgetMigrations();
    await using held = await hold(await databaseUrl(cluster, database), lock);
    const running = cluster.json<{ changed: boolean }>(up);
    await waitUntil('up at the lock', async () => (await held.waiters()) > 0, patience);
    await killMember(cluster, leader ?? '');
    await running;
    await expectWhole();
  });

  test('the primary is killed while the passwords are set', async () => {
    const { leader } = await waitForHealth(cluster);
    const url = await cluster.url('rw');
    await query(url, "ALTER ROLE authenticator PASSWORD 'changed by hand'");
    // SHARE: those who log in may read it, nobody may change it.
    await using held = await hold(url, 'LOCK TABLE pg_authid IN SHARE MODE');
    const running = cluster.json(up);
    await waitUntil('up at the lock', async () => (await held.waiters()) > 0, patience);
    await killMember(cluster, leader ?? '');
    await running;
    await expectWhole();
  });

  test('the primary is lost just before', async () => {
    const { leader } = await waitForHealth(cluster);
    await forgetMigrations();
    await killMember(cluster, leader ?? '');
    await cluster.json(up);
    await expectWhole();
  });

  test('the primary is frozen in the middle: up does not wait for its thaw', async () => {
    const { leader } = await waitForHealth(cluster);
    await forgetMigrations();
    const frozen = await processesOf(cluster, leader ?? '', `${leader}-agent`);
    await using held = await hold(await cluster.url('rw'), 'LOCK TABLE storage.objects');
    const running = cluster.json(up).then(() => 'up');
    await waitUntil('up at the lock', async () => (await held.waiters()) > 0, patience);
    // The session of `up` has begun since.
    const all = new Set([...frozen, ...(await processesOf(cluster, leader ?? '', `${leader}-agent`))]);
    for (const pid of all) signal(pid, 'SIGSTOP');
    try {
      const versionsOf = async () => await versionsIn(await cluster.url('rw')).catch(() => []);
      await waitUntil('every migration', async () => (await versionsOf()).length === versions.length, patience);
    } finally {
      for (const pid of all) signal(pid, 'SIGCONT');
    }
    expect(await running).toBe('up');
    await expectWhole();
  });

  test('a reset whose primary is lost is not run again, and says that nobody knows', async () => {
    const { leader } = await waitForHealth(cluster);
    const url = await cluster.url('rw');
    await mkdir(join(cluster.folder, 'supabase', 'migrations'), { recursive: true });
    await writeFile(join(cluster.folder, 'supabase', 'migrations', '20260101000000_one.sql'), 'CREATE TABLE one ();');
    await query(url, 'CREATE TABLE public.kept (n int); INSERT INTO public.kept VALUES (7)');
    await using held = await hold(url, 'LOCK TABLE public.kept');
    const refused = cluster.refused(['db', 'reset', '--delete-all-data-of', 'test']);
    await waitUntil('the reset at the lock', async () => (await held.waiters()) > 0, patience);
    await killMember(cluster, leader ?? '');
    expect(await refused).toMatchObject({ error: { code: 'HF_DB_RESET_UNKNOWN' } });
    await waitForHealth(cluster);
    expect(await query(url, 'SELECT n FROM public.kept')).toEqual([{ n: 7 }]);
    await cluster.json(['db', 'reset', '--delete-all-data-of', 'test']);
    expect(
      await query(url, "SELECT to_regclass('public.kept') AS kept, to_regclass('public.one')::text AS one"),
    ).toEqual([{ kept: null, one: 'one' }]);
    await expectWhole();
  });
});

describe('the very first up', () => {
  test.each([
    { phase: 'when the first migration has run', reached: 1 },
    { phase: 'in the middle of them', reached: 15 },
    { phase: 'when all have run and the others are being copied', reached: migrations },
  ])('the primary is killed $phase', async ({ reached }) => {
    await using cluster = await createTestCluster();
    const running = cluster.json(up);
    const stopped = running.then(
      () => 'ended',
      (error: unknown) => error,
    );
    /** As long as `up` works on it. */
    const reach = async <Value>(what: string, look: () => Promise<Value | undefined | false>) =>
      await waitUntil(
        what,
        async () => {
          const early = await Promise.race([stopped, setTimeout(0, undefined)]);
          if (early !== undefined) throw new Error(`${what}: up is over`, { cause: early });
          return await look();
        },
        { ...patience, intervalMilliseconds: 5 },
      );
    const url = await reach('a URL', async () => await cluster.url('rw').catch(() => undefined));
    await reach('migrations', async () => (await versionsIn(url).catch(() => [])).length >= reached);
    const { leader } = await cluster.status();
    await killMember(cluster, leader ?? '');
    await running;
    await waitForHealth(cluster);
    expect(await cluster.json(['supabase', 'migrate', '--plan'])).toEqual({ pending: [] });
    expect(await cluster.json(['supabase', 'migrate'])).toEqual({ applied: [], passwords: [] });
  });
});
