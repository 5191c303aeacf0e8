import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPoolerConsole, type PoolerConsole } from '@holdfast/cluster';
import { type Connection, connect } from '@holdfast/postgres';
import {
  type CliResult,
  type PgbenchRun,
  pgbenchTable,
  primaryOf,
  query,
  replicasOf,
  settingOnMembers,
  startPgbench,
  startTestCluster,
  type TestCluster,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

interface SwitchoverDocument {
  readonly from: string;
  readonly to: string;
  readonly method: string;
  readonly pausedMilliseconds: number;
}

interface RestartDocument {
  readonly restarted: boolean | readonly string[];
  readonly newLeader: string | null;
  readonly pausedMilliseconds: number | null;
}

/** Half a second is usual where this was written. */
const longestStall = 5000;

const { signal } = new AbortController();
let cluster: TestCluster;
let readWrite: string;
let pooler: string;
let poolerConsole: PoolerConsole;

beforeAll(async () => {
  cluster = await startTestCluster();
  readWrite = await cluster.url('rw');
  pooler = await cluster.url('pooler');
  await query(readWrite, `CREATE TABLE ${pgbenchTable} (client int)`);
  const secrets = JSON.parse(
    await readFile(join(cluster.folder, '.holdfast', 'test', 'secrets.json'), 'utf8'),
  ) as Readonly<Record<string, string>>;
  const { hostname, port } = new URL(pooler);
  poolerConsole = createPoolerConsole({ host: hostname, port: Number(port), password: secrets['pooler-admin'] ?? '' });
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

/** Runs it under load through the pooler: nothing may fail, nobody may wait long, and every acknowledged row is there. */
async function underLoad<Result>(
  run: () => Promise<Result>,
  options: { readonly reconnect?: boolean } = {},
): Promise<Result> {
  const count = async () =>
    (await query<{ n: number }>(readWrite, `SELECT count(*)::int AS n FROM ${pgbenchTable}`))[0]?.n ?? 0;
  await waitForHealth(cluster);
  const before = await count();
  const load = await startPgbench(pooler, { folder: cluster.folder, ...options });
  let result: Result;
  let seen: PgbenchRun | undefined;
  try {
    await waitUntil('load', async () => (await count()) > before + 100, { timeoutMilliseconds: 20_000 });
    result = await run();
    const done = await count();
    await waitUntil('load afterwards', async () => (await count()) > done + 100, { timeoutMilliseconds: 20_000 });
  } finally {
    seen = await load.stop();
  }
  expect(seen.failures).toBe('');
  expect(seen.transactions).toBeGreaterThan(200);
  expect((await count()) - before).toBe(seen.transactions);
  expect(seen.longestMilliseconds).toBeLessThan(longestStall);
  return result;
}

describe('clients of the pooler notice nothing but a wait', () => {
  test('three switchovers', async () => {
    for (let round = 0; round < 3; round++) {
      const before = await waitForHealth(cluster);
      const moved = await underLoad(async () => await cluster.json<SwitchoverDocument>(['switchover']));
      expect(moved).toMatchObject({ from: before.leader, to: before.synchronous.standbys[0], method: 'handover' });
      expect(moved.pausedMilliseconds).toBeGreaterThan(0);
      expect((await waitForHealth(cluster)).leader).toBe(moved.to);
    }
  });

  test('a switchover while clients connect all the time', async () => {
    await underLoad(async () => await cluster.json(['switchover']), { reconnect: true });
  });

  test('a restart of the replica', async () => {
    const { members, leader } = await waitForHealth(cluster);
    const [replica] = members.filter(({ role }) => role === 'replica');
    const restarted = await underLoad(
      async () => await cluster.json<RestartDocument>(['restart', replica?.name ?? '']),
    );
    expect(restarted).toMatchObject({ restarted: true, newLeader: null, pausedMilliseconds: null });
    expect((await waitForHealth(cluster)).leader).toBe(leader);
  });

  test('a restart of the synchronous standby', async () => {
    const { synchronous, leader } = await waitForHealth(cluster);
    const restarted = await underLoad(
      async () => await cluster.json<RestartDocument>(['restart', synchronous.standbys[0] ?? '']),
    );
    expect(restarted).toMatchObject({ restarted: true, newLeader: null, pausedMilliseconds: null });
    expect((await waitForHealth(cluster)).leader).toBe(leader);
  });

  test('a restart of the primary, which another member takes over from', async () => {
    const before = await waitForHealth(cluster);
    const { name, pids } = primaryOf(before);
    const restarted = await underLoad(async () => await cluster.json<RestartDocument>(['restart', name]));
    expect(restarted).toMatchObject({ restarted: true, newLeader: before.synchronous.standbys[0] });
    const after = await waitForHealth(cluster);
    expect(after.members.find((member) => member.name === name)?.pids.postgres).not.toBe(pids.postgres);
    expect(after.leader).toBe(restarted.newLeader);
  });

  test('a restart of the primary in place', async () => {
    const before = await waitForHealth(cluster);
    const { name, pids } = primaryOf(before);
    const restarted = await underLoad(async () => await cluster.json<RestartDocument>(['restart', name, '--in-place']));
    expect(restarted).toMatchObject({ restarted: true, newLeader: null });
    const after = await waitForHealth(cluster);
    expect(after.leader).toBe(name);
    expect(primaryOf(after).pids.postgres).not.toBe(pids.postgres);
  });

  test('a rolling restart of all members, for a setting that waits for it', async () => {
    const before = await waitForHealth(cluster);
    expect(await cluster.json(['restart', '--all', '--pending'])).toMatchObject({ restarted: [] });
    await cluster.json(['config', 'set', 'postgresql.parameters.track_activity_query_size=2048']);
    const result = await underLoad(async () => await cluster.json<RestartDocument>(['restart', '--all', '--pending']));
    const others = replicasOf(before).filter(({ role }) => role === 'replica');
    expect(result).toMatchObject({
      restarted: [...others.map(({ name }) => name), ...before.synchronous.standbys, before.leader],
      pendingRestart: [],
    });
    const after = await waitForHealth(cluster);
    expect(after.leader).not.toBe(before.leader);
    expect(await settingOnMembers(after, readWrite, 'track_activity_query_size')).toEqual(['2kB', '2kB', '2kB']);
  });
});

describe('a transaction that does not end', () => {
  async function inTransaction(): Promise<Connection> {
    const connection = await connect(
      { ...targetOf(pooler), database: 'postgres' },
      { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 5000, serverTimeout: false },
    );
    await connection.query('BEGIN');
    await connection.query('SELECT 1');
    return connection;
  }

  test('prevents the switchover, unharmed', async () => {
    const before = await waitForHealth(cluster);
    await using busy = await inTransaction();
    const { code, error } = await cluster.refused(['switchover', '--drain-timeout', '0.5']);
    expect(code).toBe(6);
    expect(error).toMatchObject({ code: 'HF_POOLER_BUSY', detail: 'Still open: 1 of postgres in postgres.' });
    expect(error.suggestion).toContain('--force');
    await busy.query('COMMIT');
    expect(await cluster.status()).toMatchObject({ health: 'healthy', leader: before.leader });
  });

  test('is cut with --force, and the others go on', async () => {
    const before = await waitForHealth(cluster);
    await using busy = await inTransaction();
    const moved = await cluster.json<SwitchoverDocument>(['switchover', '--drain-timeout', '0.5', '--force']);
    expect(moved.from).toBe(before.leader);
    await expect(busy.query('COMMIT')).rejects.toThrow();
    expect(await query(pooler, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await waitForHealth(cluster);
  });

  test.each(['SIGINT', 'SIGKILL'] as const)('a command that ends by %s meanwhile leaves no pause', async (name) => {
    const before = await waitForHealth(cluster);
    await using busy = await inTransaction();
    let child: ChildProcess | undefined;
    const command: Promise<CliResult> = cluster.holdfast(['switchover', '--drain-timeout', '60'], {
      onStart: (started) => {
        child = started;
      },
    });
    await waitUntil('a pause', async () => (await poolerConsole.state(signal)) === 'paused', {
      timeoutMilliseconds: 30_000,
      intervalMilliseconds: 20,
    });
    child?.kill(name);
    expect((await command).code).toBe(name === 'SIGINT' ? 130 : null);
    await waitUntil('the end of the pause', async () => (await poolerConsole.state(signal)) === 'active', {
      timeoutMilliseconds: 5000,
    });
    await busy.query('COMMIT');
    expect(await query(pooler, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await cluster.status()).toMatchObject({ health: 'healthy', leader: before.leader });
  });
});

test('a pause that somebody left behind is shown, and ended by up', async () => {
  await waitForHealth(cluster);
  expect(await poolerConsole.pause(signal)).toBe(true);
  expect(await cluster.status()).toMatchObject({
    health: 'degraded',
    reasons: ['the pooler is paused, its clients wait'],
  });
  const { findings } = JSON.parse((await cluster.holdfast(['doctor', '--json'])).stdout) as {
    readonly findings: readonly { readonly id: string; readonly severity: string }[];
  };
  expect(findings).toContainEqual(expect.objectContaining({ id: 'pooler.paused', severity: 'error' }));
  expect(await cluster.json(['up', '--no-install'])).toMatchObject({ changed: false, health: 'healthy' });
  expect(await poolerConsole.state(signal)).toBe('active');
});

function targetOf(url: string) {
  const { hostname, port, username, password } = new URL(url);
  return { host: hostname, port: Number(port), user: username, password: decodeURIComponent(password) };
}
