import type { StatusReport } from '@holdfast/cluster';
import {
  isAlive,
  memberOf,
  pidsOf,
  primaryOf,
  query,
  replicasOf,
  settingOnMembers,
  startTestCluster,
  type TestCluster,
  testSpec,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

type UpDocument = StatusReport & {
  readonly changed: boolean;
  readonly changes: readonly { readonly unit: string; readonly action: string }[];
  readonly settings: readonly string[];
  readonly pendingRestart: readonly string[];
};

let cluster: TestCluster;
let url: string;

beforeAll(async () => {
  cluster = await startTestCluster();
  url = await cluster.url('rw');
  await query(url, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)');
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

test('reloadable parameters are applied to every member without a restart, and without their lines the defaults are back', async () => {
  const before = await waitForHealth(cluster);
  // One that Holdfast has a default for, and one that it leaves to PostgreSQL.
  const wanted = { log_min_duration_statement: '321ms', deadlock_timeout: '3s' };
  const settings = async (status: StatusReport) =>
    Object.fromEntries(
      await Promise.all(
        Object.keys(wanted).map(async (name) => [name, new Set(await settingOnMembers(status, url, name))] as const),
      ),
    );
  const byDefault = await settings(before);
  expect(byDefault).toEqual({ log_min_duration_statement: new Set(['1s']), deadlock_timeout: new Set(['1s']) });

  const lines = Object.entries(wanted).map(([name, value]) => `    ${name}: ${value}\n`);
  const changed = await apply(`postgres:\n  parameters:\n${lines.join('')}`);
  expect(changed).toMatchObject({ changed: true, pendingRestart: [] });
  expect(changed.settings).toHaveLength(2);
  expect(changed.changes.map(({ action }) => action)).not.toContain('restart');
  expect(await settings(changed)).toEqual({
    log_min_duration_statement: new Set(['321ms']),
    deadlock_timeout: new Set(['3s']),
  });
  expect(pidsOf(changed)).toEqual(pidsOf(before));

  const restored = await apply('');
  expect(await settings(restored)).toEqual(byDefault);
  expect(pidsOf(restored)).toEqual(pidsOf(before));
});

test('a parameter that needs a restart waits for it, and the commands that up names apply it', async () => {
  const before = await waitForHealth(cluster);
  await cluster.writeSpec(`${testSpec}postgres:\n  parameters:\n    max_connections: 222\n`);
  const text = await cluster.holdfast(['up', '--no-install']);
  expect(text.code, text.stderr).toBe(0);
  const commands = [...text.stdout.matchAll(/holdfast restart (pg\d)/g)].map(([, member]) => member ?? '');
  expect(commands).toEqual(['pg1', 'pg2', 'pg3']);
  const waiting = await cluster.status();
  expect(waiting.members.map(({ pendingRestart }) => pendingRestart)).toEqual([true, true, true]);
  expect(pidsOf(waiting)).toEqual(pidsOf(before));
  expect(await settingOnMembers(waiting, url, 'max_connections')).toEqual(['200', '200', '200']);

  for (const member of commands) await cluster.json(['restart', member]);
  const after = await waitForHealth(cluster);
  expect(after.members.map(({ pendingRestart }) => pendingRestart)).toEqual([false, false, false]);
  expect(await settingOnMembers(after, url, 'max_connections')).toEqual(['222', '222', '222']);
  expect(await rows()).toEqual([1]);
});

test("the pooler's size is changed by a reload", async () => {
  const before = await waitForHealth(cluster);
  const changed = await apply(`${connections}pooler:\n  poolSize: 2\n`);
  expect(changed.changes).toMatchObject([{ unit: 'pgbouncer', action: 'reload' }]);
  expect(pidsOf(changed)).toEqual(pidsOf(before));
  const pooler = await cluster.url('pooler');
  const clients = [1, 2, 3].map(() => new pg.Client({ connectionString: pooler, query_timeout: 30_000 }));
  try {
    for (const client of clients) await client.connect();
    const [first, second, third] = clients;
    await first?.query('BEGIN');
    await second?.query('BEGIN');
    let begun = false;
    const waiting = third?.query('BEGIN').then(() => {
      begun = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(begun).toBe(false);
    await first?.query('COMMIT');
    await waiting;
    expect(begun).toBe(true);
  } finally {
    for (const client of clients) await client.end();
  }
});

test('HAProxy takes a new setting without dropping a connection', async () => {
  const before = await waitForHealth(cluster);
  const client = new pg.Client({ connectionString: url, query_timeout: 10_000 });
  await client.connect();
  try {
    const backend = async () => (await client.query('SELECT pg_backend_pid() AS pid')).rows;
    const mine = await backend();
    const changed = await apply(`${connections}haproxy:\n  maxConnections: 321\n`);
    expect(changed.changes).toContainEqual(expect.objectContaining({ unit: 'haproxy', action: 'reload' }));
    expect(pidsOf(changed)).toEqual(pidsOf(before));
    expect(await backend()).toEqual(mine);
    expect(await sessionLimit()).toBe(321);
    expect(await rows()).toEqual([1]);
  } finally {
    await client.end();
  }
});

test('an edit that is not valid changes nothing', async () => {
  const before = await waitForHealth(cluster);
  const configuration = await cluster.json(['config', 'get']);
  await cluster.writeSpec(`${testSpec}${connections}  # more\n  unknown: 1\npooler:\n  poolSize: many\n`);
  const { code, error } = await cluster.refused(['up', '--no-install']);
  expect(code).toBe(2);
  expect(error.detail).toContain('pooler.poolSize');
  await cluster.writeSpec(`${testSpec}${connections}`);
  expect(await cluster.json(['config', 'get'])).toEqual(configuration);
  expect(pidsOf(await cluster.status())).toEqual(pidsOf(before));
});

test('an edit that was not applied yet does not hide what runs', async () => {
  const before = await waitForHealth(cluster);
  await cluster.writeSpec(`${testSpec}${connections}members: 5\n`);
  const [edited, status] = [await cluster.url('rw'), await cluster.status()];
  await cluster.writeSpec(`${testSpec}${connections}`);
  expect(edited).toBe(url);
  expect(status.leader).toBe(before.leader);
  expect(pidsOf(status)).toMatchObject(pidsOf(before));
  expect(status.members.slice(0, 3)).toMatchObject(
    before.members.map(({ name, state, port }) => ({ name, state, port })),
  );
});

test('the size of etcd stays', async () => {
  const before = await waitForHealth(cluster);
  await cluster.writeSpec(`${testSpec}${connections}    work_mem: 5MB\netcd:\n  size: 5\n`);
  const { code, error } = await cluster.refused(['up', '--no-install']);
  expect(code).toBe(2);
  expect(error.code).toBe('HF_ETCD_SIZE');
  await cluster.writeSpec(`${testSpec}${connections}`);
  await unchangedSince(before, '4MB');
});

test('a fourth member joins, with a word about even numbers; as primary it is not removed, as replica it is', async () => {
  const before = await waitForHealth(cluster);
  const grown = await apply(`${connections}members: 4\n`);
  expect(grown.warnings).toEqual([expect.stringContaining('4 is even')]);
  expect(grown.members.map(({ name }) => name)).toEqual(['pg1', 'pg2', 'pg3', 'pg4']);
  expect(memberOf(grown, 'pg4').state).toBe('streaming');
  expect(pidsOf(grown)).toMatchObject(pidsOf(before));
  expect(await query(await cluster.url('member', 'pg4'), 'SELECT n FROM kept')).toEqual([{ n: 1 }]);

  const moved = await cluster.json<{ to: string }>(['failover', '--to', 'pg4']);
  expect(moved.to).toBe('pg4');
  const asPrimary = await waitForHealth(cluster);
  await cluster.writeSpec(`${testSpec}${connections}    work_mem: 5MB\nmembers: 3\n`);
  const refused = await cluster.refused(['up', '--no-install', '--yes']);
  expect(refused.code).toBe(4);
  expect(refused.error.message).toBe('pg4 would be removed, but it is the primary. Nothing was changed.');
  await cluster.writeSpec(`${testSpec}${connections}members: 4\n`);
  await unchangedSince(asPrimary, '4MB');

  await cluster.json(['switchover']);
  const asReplica = await waitForHealth(cluster);
  await cluster.writeSpec(`${testSpec}${connections}members: 3\n`);
  const asked = await cluster.refused(['up', '--no-install']);
  expect(asked.code).toBe(2);
  expect(asked.error.message).toContain('remove pg4');
  expect(isAlive(memberOf(asReplica, 'pg4').pids.postgres ?? 0)).toBe(true);
  const shrunk = await cluster.json<UpDocument>(['up', '--no-install', '--yes']);
  expect(shrunk.changes).toContainEqual(expect.objectContaining({ unit: 'pg4', action: 'remove' }));
  expect(Object.values(memberOf(asReplica, 'pg4').pids).some((pid) => isAlive(pid ?? 0))).toBe(false);
  const after = await waitForHealth(cluster);
  expect(after.members.map(({ name }) => name)).toEqual(['pg1', 'pg2', 'pg3']);
  expect(after.leader).toBe(asReplica.leader);
  expect(await rows()).toEqual([1]);
});

test('the synchronous mode goes from on to strict and quorum', async () => {
  const before = await waitForHealth(cluster);
  const unsynchronous = replicasOf(before).find(({ role }) => role === 'replica');
  const refused = await cluster.refused(['switchover', '--to', unsynchronous?.name ?? '']);
  expect(refused.code).toBe(4);
  expect(refused.error.message).toContain('not a synchronous standby');

  const strict = await apply(`${connections}synchronous: strict\n`);
  expect(strict.synchronous.mode).toBe('strict');
  expect(await cluster.json(['config', 'get', 'synchronous_mode_strict'])).toBe(true);
  const withOne = await waitForHealth(cluster);
  expect(withOne.members.map(({ role }) => role).sort()).toEqual(['primary', 'replica', 'sync standby']);
  expect(await standbyNames(withOne)).not.toContain('ANY');

  await apply(`${connections}synchronous: quorum\n`);
  const quorum = await waitUntil(
    'a quorum of standbys',
    async () => {
      const status = await cluster.status();
      return status.health === 'healthy' && status.synchronous.standbys.length === 2 ? status : undefined;
    },
    { timeoutMilliseconds: 60_000 },
  );
  expect(quorum.members.map(({ role }) => role).sort()).toEqual(['primary', 'quorum standby', 'quorum standby']);
  expect(await standbyNames(quorum)).toMatch(/^ANY 1 \(/);
  expect(pidsOf(quorum)).toEqual(pidsOf(before));
  await query(url, 'INSERT INTO kept VALUES (2)');
  expect(await rows()).toEqual([1, 2]);
});

/** What the tests after that of max_connections keep, so that nothing waits for a restart. */
const connections = 'postgres:\n  parameters:\n    max_connections: 222\n';

/** `up` with these lines in the spec. */
async function apply(lines: string): Promise<UpDocument> {
  await cluster.writeSpec(`${testSpec}${lines}`);
  return await cluster.json<UpDocument>(['up', '--no-install']);
}

async function unchangedSince(before: StatusReport, workMemory: string): Promise<void> {
  const after = await cluster.status();
  expect(pidsOf(after)).toEqual(pidsOf(before));
  expect(after.leader).toBe(before.leader);
  expect(new Set(await settingOnMembers(after, url, 'work_mem'))).toEqual(new Set([workMemory]));
  expect(await cluster.json(['config', 'get', 'postgresql.parameters.work_mem'])).toBe(workMemory);
}

async function standbyNames(status: StatusReport): Promise<string> {
  return (
    (await settingOnMembers({ ...status, members: [primaryOf(status)] }, url, 'synchronous_standby_names'))[0] ?? ''
  );
}

/** How many sessions the read-write port takes, by HAProxy's own word. */
async function sessionLimit(): Promise<number> {
  const page = new URL(await cluster.url('stats'));
  const authorization = `Basic ${Buffer.from(`${page.username}:${page.password}`).toString('base64')}`;
  const answer = await fetch(`http://${page.host}/;csv`, {
    headers: { authorization },
    signal: AbortSignal.timeout(10_000),
  });
  const [head = '', ...lines] = (await answer.text()).split('\n');
  const line = lines.find((each) => each.startsWith('read-write,FRONTEND,')) ?? '';
  return Number(line.split(',')[head.split(',').indexOf('slim')]);
}

async function rows(): Promise<readonly number[]> {
  return (await query<{ n: number }>(url, 'SELECT n FROM kept ORDER BY n')).map(({ n }) => n);
}
