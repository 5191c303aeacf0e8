import { spawn } from 'node:child_process';
import { readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StatusReport } from '@holdfast/cluster';
import {
  isAlive,
  killProcessesOf,
  listProcessesOf,
  memberOf,
  pidsOf,
  primaryOf,
  query,
  signal,
  startTestCluster,
  type TestCluster,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

type UpDocument = StatusReport & { readonly changed: boolean; readonly changes: readonly { readonly unit: string }[] };

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

test('without its supervisor the database serves on, status says so, and the next up takes all back as it is', async () => {
  const before = await waitForHealth(cluster);
  const client = new pg.Client({ connectionString: url, query_timeout: 10_000 });
  await client.connect();
  try {
    const session = async () => (await client.query('SELECT pg_backend_pid() AS pid')).rows;
    const backend = await session();
    await killSupervisor(before);
    expect(await session()).toEqual(backend);
    await query(url, 'INSERT INTO kept VALUES (2)');

    const orphaned = await cluster.status();
    expect(orphaned.supervisor.alive).toBe(false);
    expect(orphaned.leader).toBe(before.leader);
    expect(pidsOf(orphaned)).toEqual(pidsOf(before));

    const after = await cluster.json<UpDocument>(['up', '--no-install']);
    expect(after.supervisor.alive).toBe(true);
    expect(after.supervisor.pid).not.toBe(before.supervisor.pid);
    expect({ changed: after.changed, changes: after.changes }).toEqual({ changed: false, changes: [] });
    expect(pidsOf(after)).toEqual(pidsOf(before));
    expect(await session()).toEqual(backend);
  } finally {
    await client.end();
  }
});

test.each(['haproxy', 'pgbouncer', 'etcd1'])('%s is started again when it was killed', async (unit) => {
  const before = await waitForHealth(cluster);
  kill(pidsOf(before)[unit]);
  const after = await restartedUnit(before, unit);
  expect(pidsOf(after)).toEqual({ ...pidsOf(before), [unit]: pidsOf(after)[unit] });
  expect(after.leader).toBe(before.leader);
});

test("a Patroni that was killed alone is started again and takes its primary's PostgreSQL back as it is", async () => {
  const before = await waitForHealth(cluster);
  const primary = primaryOf(before);
  kill(primary.pids.patroni);
  const after = await restartedUnit(before, primary.name);
  expect(after.leader).toBe(primary.name);
  expect(memberOf(after, primary.name).pids.postgres).toBe(primary.pids.postgres);
});

test('a process that only has the pid of a recorded one is left alone', async () => {
  const before = await waitForHealth(cluster);
  await killSupervisor(before);
  const foreign = spawn('sleep', ['600'], { stdio: 'ignore' });
  try {
    const { pid } = foreign;
    if (pid === undefined) throw new Error('sleep did not start');
    const startTime = Number((await readFile(`/proc/${pid}/stat`, 'latin1')).split(') ')[1]?.split(' ')[19]);
    // Another process that has the pid now, and the same one before the machine was started anew.
    await forge('haproxy', (found) => ({ ...found, pid }));
    await forge('pgbouncer', () => ({ pid, startTime, bootId: '00000000-0000-4000-8000-000000000000' }));
    for (const unit of ['haproxy', 'pgbouncer']) kill(pidsOf(before)[unit]);
    await waitUntil(
      'the end of both',
      async () => ['haproxy', 'pgbouncer'].every((unit) => !isAlive(pidsOf(before)[unit] ?? 0)),
      { timeoutMilliseconds: 10_000 },
    );

    const orphaned = await cluster.status();
    expect([pidsOf(orphaned).haproxy, pidsOf(orphaned).pgbouncer]).toEqual([null, null]);
    const after = await cluster.json<UpDocument>(['up', '--no-install']);
    expect(after.changes.map((change) => change.unit).sort()).toEqual(['haproxy', 'pgbouncer']);
    expect(Object.values(pidsOf(after))).not.toContain(pid);
    expect((await waitForHealth(cluster)).leader).toBe(before.leader);

    await killSupervisor(after);
    await forge('haproxy', (found) => ({ ...found, pid }));
    await cluster.json(['down']);
    expect(listProcessesOf(cluster.folder)).toEqual([]);
    expect(isAlive(pid)).toBe(true);
  } finally {
    foreign.kill('SIGKILL');
  }
});

test('after a power cut up brings the same rows back', async () => {
  await cluster.json(['up', '--no-install']);
  await waitForHealth(cluster);
  await query(url, 'INSERT INTO kept VALUES (3)');
  await killProcessesOf(cluster.folder);
  for (const unit of ['pg1', 'pg2', 'pg3', 'haproxy']) await forge(unit, (found) => ({ ...found, bootId: 'earlier' }));
  expect((await cluster.holdfast(['status'])).code).toBe(4);
  await cluster.json(['up', '--no-install']);
  const after = await waitForHealth(cluster);
  expect(after.members.map(({ state }) => state).sort()).toEqual(['running', 'streaming', 'streaming']);
  expect(await query(url, 'SELECT n FROM kept ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
});

interface RecordedProcess {
  readonly pid: number;
  readonly startTime: number;
  readonly bootId: string;
}

/** Changes what the runtime noted of a unit's main process. */
async function forge(unit: string, change: (found: RecordedProcess) => RecordedProcess): Promise<void> {
  const folder = join(await realpath(join(cluster.folder, '.holdfast', 'test')), 'records');
  expect(await readdir(folder)).toContain(`${unit}.json`);
  const path = join(folder, `${unit}.json`);
  const record = JSON.parse(await readFile(path, 'utf8')) as { process: RecordedProcess };
  await writeFile(path, JSON.stringify({ ...record, process: change(record.process) }));
}

function kill(pid: number | null | undefined): void {
  if (typeof pid !== 'number') throw new Error('there is no such process');
  signal(pid, 'SIGKILL');
}

async function killSupervisor({ supervisor: { pid } }: StatusReport): Promise<void> {
  kill(pid);
  await waitUntil("the supervisor's end", async () => !isAlive(pid ?? 0), { timeoutMilliseconds: 10_000 });
}

/** The healthy cluster after its supervisor has started that unit anew. */
async function restartedUnit(before: StatusReport, unit: string): Promise<StatusReport> {
  return await waitUntil(
    `${unit} running again`,
    async () => {
      const status = await cluster.status();
      const pid = pidsOf(status)[unit];
      return status.health === 'healthy' && typeof pid === 'number' && pid !== pidsOf(before)[unit]
        ? status
        : undefined;
    },
    { timeoutMilliseconds: 60_000 },
  );
}
