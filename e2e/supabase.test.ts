import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  primaryOf,
  query,
  startTestCluster,
  type TestCluster,
  testSpec,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHttpServer } from '../packages/net-worker/test/support/http-server.js';

let cluster: TestCluster;
let url: string;

beforeAll(async () => {
  cluster = await startTestCluster(testSpec);
  url = await cluster.url('rw');
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

test('up leaves a database with nothing more to run, and a second one changes nothing', async () => {
  expect(await cluster.json(['supabase', 'migrate', '--plan'])).toEqual({ pending: [] });
  expect(await cluster.json(['up', '--no-install'])).toMatchObject({ changed: false, schema: [] });
  expect(await cluster.json(['supabase', 'migrate'])).toEqual({ applied: [], passwords: [] });
  const { features } = await cluster.json<{ features: readonly { name: string; state: string }[] }>([
    'supabase',
    'status',
  ]);
  const states = Object.fromEntries(features.map(({ name, state }) => [name, state]));
  expect(states).toMatchObject({
    pgcrypto: 'ready',
    pg_stat_statements: 'ready',
    pgjwt: 'stand-in',
    pg_net: 'stand-in',
    pg_graphql: 'not available',
  });
  const [server] = await query<{ library: string; plugins: string | null }>(
    url,
    `SELECT setting || '/wal2json.so' AS library, current_setting('output_plugin_libraries', true) AS plugins
     FROM pg_config WHERE name = 'PKGLIBDIR'`,
  );
  expect(states.wal2json).toBe(existsSync(server?.library ?? '') ? 'ready' : 'not available');
  // A PostgreSQL that knows no such list trusts every library.
  expect(server?.plugins ?? 'wal2json').toContain('wal2json');
});

test.each(['authenticator', 'supabase-auth-admin', 'supabase-storage-admin', 'supabase-admin'])(
  'a service logs in with its own password, through HAProxy and through the pooler: %s',
  async (secret) => {
    const secrets = JSON.parse(
      await readFile(join(cluster.folder, '.holdfast', 'test', 'secrets.json'), 'utf8'),
    ) as Record<string, string>;
    const role = secret.replaceAll('-', '_');
    for (const through of ['rw', 'pooler'] as const) {
      const connection = new URL(await cluster.url(through));
      connection.username = role;
      connection.password = secrets[secret] ?? '';
      expect(await query(connection.href, 'SELECT session_user::text AS me')).toEqual([{ me: role }]);
      connection.password = secrets.authenticator === secrets[secret] ? 'wrong' : (secrets.authenticator ?? '');
      await expect(query(connection.href, 'SELECT 1')).rejects.toThrow();
    }
  },
);

test("a password that was changed by hand is the cluster's again", async () => {
  await query(url, "ALTER ROLE authenticator PASSWORD 'changed by hand'");
  expect(await cluster.json(['supabase', 'migrate'])).toEqual({ applied: [], passwords: ['authenticator'] });
});

test("the project's migrations: pushed once, through a failover in the middle of one", async () => {
  const folder = join(cluster.folder, 'supabase', 'migrations');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, '20260101000000_first.sql'), 'CREATE TABLE public.first (n int);');
  await writeFile(
    join(folder, '20260102000000_slow.sql'),
    'CREATE TABLE public.slow (n int); INSERT INTO public.slow SELECT 1; SELECT pg_sleep(2);',
  );
  expect(await cluster.json(['db', 'push', '--dry-run'])).toEqual({
    pending: ['20260101000000_first', '20260102000000_slow'],
  });
  const before = await waitForHealth(cluster);
  const pushing = cluster.json(['db', 'push']);
  await untilRunning('pg_sleep(2)');
  for (const pid of Object.values(primaryOf(before).pids))
    if (pid !== undefined && pid !== null) process.kill(pid, 'SIGKILL');
  expect(await pushing).toEqual({ applied: ['20260101000000_first', '20260102000000_slow'] });
  expect(await query(url, 'SELECT n FROM public.slow')).toEqual([{ n: 1 }]);
  await waitForHealth(cluster);
  expect(await cluster.json(['db', 'push'])).toEqual({ applied: [] });
});

/** Asks through the read-write port, which has another primary behind it after a failover. */
async function answerTo(id: string): Promise<{ status: number | null; content: string | null; error: string | null }> {
  return await waitUntil(
    `an answer to request ${id}`,
    async () => {
      const sql = `SELECT status_code AS status, content, error_msg AS error FROM net._http_response WHERE id = ${id}`;
      const [row] = await query<{ status: number | null; content: string | null; error: string | null }>(
        url,
        sql,
      ).catch(() => []);
      return row;
    },
    { timeoutMilliseconds: 60_000 },
  );
}

test('a request from SQL is made and answered, but not what would reach the cluster itself', async () => {
  await using server = await startHttpServer((_request, response) => response.end('{"hello": "there"}'));
  const [asked] = await query<{ id: string }>(url, `SELECT net.http_post('${server.url}/hook', '{"a": 1}') AS id`);
  expect(await answerTo(asked?.id ?? '')).toEqual({ status: 200, content: '{"hello": "there"}', error: null });
  expect(server.received).toMatchObject([{ method: 'POST', url: '/hook', body: '{"a": 1}' }]);

  const { etcd, members } = await cluster.status();
  for (const base of [etcd[0]?.clientUrl, members[0]?.patroniUrl]) {
    const [refused] = await query<{ id: string }>(url, `SELECT net.http_post('${base}/v3/kv/put') AS id`);
    expect(await answerTo(refused?.id ?? '')).toEqual({
      status: null,
      content: null,
      error: expect.stringMatching(/^refused: port/),
    });
  }
  const { requests } = await cluster.json<{ requests: object }>(['supabase', 'status']);
  expect(requests).toEqual({ waiting: 0, workers: 1 });
});

test('a request that is under way while the primary is lost is made once and answered', async () => {
  let answer = () => {};
  await using server = await startHttpServer((_request, response) => {
    answer = () => void response.end('after the failover');
  });
  const before = await waitForHealth(cluster);
  const [asked] = await query<{ id: string }>(
    url,
    `SELECT net.http_get('${server.url}/', timeout_milliseconds => 60000) AS id`,
  );
  await waitUntil('the request', () => Promise.resolve(server.received[0]), { timeoutMilliseconds: 20_000 });
  const { name, pids } = primaryOf(before);
  for (const pid of Object.values(pids)) if (pid !== undefined && pid !== null) process.kill(pid, 'SIGKILL');
  await waitUntil(
    'another primary',
    async () => {
      const { leader } = await cluster.status();
      return leader !== null && leader !== name ? leader : undefined;
    },
    { timeoutMilliseconds: 60_000 },
  );
  answer();
  expect(await answerTo(asked?.id ?? '')).toEqual({ status: 200, content: 'after the failover', error: null });
  expect(server.received).toHaveLength(1);
  await waitForHealth(cluster);
});

test('of a stream of requests none is lost, though the primary and the worker are killed', async () => {
  await using server = await startHttpServer();
  const before = await waitForHealth(cluster);
  const { units } = await cluster.json<{ units: readonly { id: string; pid: number }[] }>(['ps']);
  const worker = units.find(({ id }) => id === 'net')?.pid ?? 0;
  const ids: string[] = [];
  const paths: string[] = [];
  const end = performance.now() + 120_000;
  for (let n = 0; ids.length < 400 && performance.now() < end; n++) {
    if (ids.length === 100) for (const pid of Object.values(primaryOf(before).pids)) if (pid !== null) kill(pid);
    if (ids.length === 250) kill(worker);
    const asked = await query<{ id: string }>(url, `SELECT net.http_get('${server.url}/${n}') AS id`).catch(() => []);
    for (const { id } of asked) {
      ids.push(id);
      paths.push(`/${n}`);
    }
  }
  expect(ids).toHaveLength(400);
  await waitUntil(
    'all answers',
    async () => {
      const sql = `SELECT FROM net._http_response WHERE id = ANY ('{${ids.join(',')}}') AND status_code = 200`;
      return (await query(url, sql)).length === ids.length;
    },
    { timeoutMilliseconds: 90_000 },
  );
  const received = new Set(server.received.map((request) => request.url));
  expect(paths.filter((path) => !received.has(path))).toEqual([]);
  // Those that were under way when the worker was killed may have come twice.
  expect(server.received.length - received.size).toBeLessThan(10);
  await waitForHealth(cluster);
});

test('diff tells what was changed by hand, writes it as a migration, and push knows it once it is recorded', async () => {
  const migrations = join(cluster.folder, 'supabase', 'migrations');
  const temporary = await temporaryFolder('diff');
  const options = { env: { TMPDIR: temporary } };
  const diff = async () => {
    const { code, stdout, stderr } = await cluster.holdfast(['db', 'diff'], options);
    expect(code, stderr).toBe(0);
    return stdout;
  };
  expect(await diff()).toBe('');
  await query(url, 'ALTER TABLE public.first ADD note text; CREATE TABLE public.by_hand (n int)');
  await query(url, 'ALTER TABLE public.by_hand ENABLE ROW LEVEL SECURITY; REVOKE ALL ON public.by_hand FROM anon');
  const sql = await diff();
  expect(sql).toContain('ADD COLUMN "note" text');
  expect(sql).toContain('ENABLE ROW LEVEL SECURITY');

  expect((await cluster.refused(['db', 'diff', '-f', '../by_hand'], options)).error.code).toBe('HF_DB_DIFF_NAME');
  const written = await cluster.holdfast(['db', 'diff', '-f', 'by_hand'], options);
  expect(written).toMatchObject({ code: 0, stdout: '' });
  const [file = '', ...others] = (await readdir(migrations)).filter((name) => name.includes('by_hand'));
  expect(others).toEqual([]);
  expect(file).toMatch(/^\d{14}_by_hand\.sql$/);
  expect(await readFile(join(migrations, file), 'utf8')).toBe(sql);
  const version = file.slice(0, 14);
  expect(written.stderr).toContain(`holdfast db repair --status applied ${version}`);

  expect((await cluster.refused(['db', 'push'])).error).toMatchObject({
    code: 'HF_DB_MIGRATION_FAILED',
    suggestion: expect.stringContaining('db repair'),
  });
  expect((await cluster.refused(['db', 'diff', '-f', 'more'], options)).error.code).toBe('HF_DB_DIFF_PENDING');
  expect(await cluster.json(['db', 'repair', '--status', 'applied', version])).toEqual({ changed: [version] });
  expect(await cluster.json(['db', 'push'])).toEqual({ applied: [] });
  expect(await diff()).toBe('');
  await query(url, 'ALTER TABLE public.by_hand DROP n');
  const dropped = await cluster.holdfast(['db', 'diff'], options);
  expect(dropped).toMatchObject({ code: 0, stdout: expect.stringMatching(/DROP COLUMN "n";\n$/) });
  expect(dropped.stderr).toMatch(/warning This is lost .*\n.*DROP COLUMN "n"/);
  await query(url, 'ALTER TABLE public.by_hand ADD n int');
  expect(await readdir(temporary)).toEqual([]);
});

test('diff runs migrations beside the cluster, says which one fails, and leaves nothing behind when it is killed', async () => {
  const migrations = join(cluster.folder, 'supabase', 'migrations');
  const temporary = await temporaryFolder('killed');
  const options = { env: { TMPDIR: temporary } };
  const later = join(migrations, '20990101000000_later.sql');
  await writeFile(later, "CREATE ROLE shadow_only;\nALTER SYSTEM SET work_mem = '77MB';\n");
  expect((await cluster.refused(['db', 'diff'], options)).error).toMatchObject({ code: 'HF_DB_SHADOW_FAILED' });
  await writeFile(later, 'CREATE ROLE shadow_only;\nSELECT 1 / 0;\n');
  expect((await cluster.refused(['db', 'diff'], options)).error).toMatchObject({
    code: 'HF_DB_SHADOW_FAILED',
    message: expect.stringContaining('20990101000000_later.sql, line 2: division by zero'),
  });
  await writeFile(later, 'CREATE ROLE shadow_only;\nSELECT pg_sleep(60);\n');
  expect((await cluster.refused(['db', 'diff', '--timeout', '6'], options)).error.code).toBe('HF_SHADOW_TIMEOUT');
  expect(await readdir(temporary)).toEqual([]);
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    await cluster.holdfast(['db', 'diff'], {
      ...options,
      onStart(child) {
        void waitUntil('a shadow', async () => (await readdir(temporary)).length > 0, { timeoutMilliseconds: 30_000 })
          .then(async () => await new Promise((go) => setTimeout(go, 2000)))
          .finally(() => child.kill(signal));
      },
    });
    await waitUntil('nothing left', async () => (await readdir(temporary)).length === 0, {
      timeoutMilliseconds: 15_000,
    });
  }
  expect(await query(url, "SELECT to_regrole('shadow_only') AS role")).toEqual([{ role: null }]);
  await rm(later);
});

test('reset shows what it would delete, and does it only when it is told the name', async () => {
  await query(url, 'INSERT INTO public.first VALUES (5)');
  await writeFile(join(cluster.folder, 'supabase', 'seed.sql'), 'INSERT INTO public.first VALUES (1);');
  const shown = await cluster.json<{ wouldDrop: readonly { schema: string }[] }>(['db', 'reset']);
  expect(shown.wouldDrop.map(({ schema }) => schema)).toEqual(expect.arrayContaining(['auth', 'public', 'storage']));
  expect((await cluster.refused(['db', 'reset', '--delete-all-data-of', 'other'])).code).toBe(2);
  expect(await query(url, 'SELECT n FROM public.first')).toEqual([{ n: 5 }]);
  await writeFile(
    join(cluster.folder, 'supabase', 'migrations', '20260102000000_slow.sql'),
    'CREATE TABLE public.quick ();',
  );
  expect(await cluster.json(['db', 'reset', '--delete-all-data-of', 'test'])).toMatchObject({ seeded: true });
  expect(await query(url, 'SELECT n FROM public.first')).toEqual([{ n: 1 }]);
  expect(await cluster.json(['supabase', 'migrate', '--plan'])).toEqual({ pending: [] });
  await waitForHealth(cluster);
});

test('requests from SQL are made after a reset as before', async () => {
  await using server = await startHttpServer();
  const [asked] = await query<{ id: string }>(url, `SELECT net.http_get('${server.url}/') AS id`);
  expect(await answerTo(asked?.id ?? '')).toEqual({ status: 200, content: 'ok', error: null });
});

test('a cluster can do without', async () => {
  await using plain = await startTestCluster(`${testSpec}supabase: {enabled: false}\n`);
  expect(
    await query(
      await plain.url('rw'),
      "SELECT to_regrole('anon') AS anon, to_regrole('pgbouncer') IS NOT NULL AS pooler",
    ),
  ).toEqual([{ anon: null, pooler: true }]);
  const { units } = await plain.json<{ units: readonly { id: string }[] }>(['ps']);
  expect(units.map(({ id }) => id)).not.toContain('net');
});

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

/** Where everybody may make folders, as in /tmp. */
async function temporaryFolder(name: string): Promise<string> {
  const folder = join(cluster.folder, name);
  await mkdir(folder);
  await chmod(folder, 0o1777);
  return folder;
}

/** Until some session runs this. */
async function untilRunning(part: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, query_timeout: 10_000 });
  await client.connect();
  try {
    for (let tries = 0; tries < 200; tries++) {
      const { rows } = await client.query(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE $1 AND pid <> pg_backend_pid() AND state = 'active'",
        [`%${part}%`],
      );
      if (rows.length > 0) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`nobody ran ${part}`);
  } finally {
    await client.end();
  }
}
