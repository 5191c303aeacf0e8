import { spawn } from 'node:child_process';
import { readdir, readlink } from 'node:fs/promises';
import type { StatusReport } from '@holdfast/cluster';
import {
  findLostInserts,
  type InsertHistory,
  prepareUniqueInserts,
  primaryOf,
  query,
  runProgram,
  startTestCluster,
  startUniqueInserts,
  type TestCluster,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let cluster: TestCluster;
let url: string;

beforeAll(async () => {
  cluster = await startTestCluster();
  url = await cluster.url('rw');
  await prepareUniqueInserts(url);
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

describe('no acknowledged write is lost', () => {
  test('pgbench initialises and runs through the read-write port', async () => {
    const initialised = await runProgram('pgbench', ['-q', '-i', '-s', '2', url], { timeoutMilliseconds: 60_000 });
    expect(initialised.stderr).toContain('done in');
    expect(initialised.code).toBe(0);
    const run = await runProgram('pgbench', ['-n', '-c', '4', '-j', '2', '-T', '3', url], {
      timeoutMilliseconds: 60_000,
    });
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/number of failed transactions: 0 /);
    const [row] = await query<{ moved: boolean }>(
      url,
      'SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history) AS moved',
    );
    expect(row?.moved).toBe(true);
  });

  test('a switchover under load', async () => {
    const before = await cluster.status();
    const workload = startUniqueInserts(url);
    const load = startPgbench(url);
    try {
      await waitUntil('writes', async () => workload.count() > 100, { timeoutMilliseconds: 20_000 });
      const result = await cluster.json<{ from: string; to: string }>(['switchover']);
      expect(result.from).toBe(before.leader);
      expect(result.to).not.toBe(before.leader);
      const seen = workload.count();
      await waitUntil('writes after the switchover', async () => workload.count() > seen + 100, {
        timeoutMilliseconds: 30_000,
      });
    } finally {
      await load.end();
    }
    const history = await workload.stop();
    expect(history.acknowledged.length).toBeGreaterThan(200);
    expect(await findLostInserts(url, history)).toEqual([]);
    const after = await waitForHealth(cluster);
    expect(after.timeline).toBe((before.timeline ?? 0) + 1);
  });

  test("every process of the primary's member is killed under load: the cluster recovers by itself", async () => {
    const { before, recovered, history } = await killPrimaryUnderLoad(async () => {});
    expect(await findLostInserts(url, history)).toEqual([]);
    expect(recovered.members.every(({ timeline }) => timeline === recovered.timeline)).toBe(true);
    expect(recovered.members.map(({ pids }) => pids.postgres)).not.toContain(primaryOf(before).pids.postgres);
  });

  test('the same with nobody there to start it again: a standby takes over, and the killed member rejoins by pg_rewind', async () => {
    const supervisor = (await cluster.status()).supervisor.pid;
    if (supervisor === null) throw new Error('there is no supervisor');
    process.kill(supervisor, 'SIGSTOP');
    const { before, recovered, history } = await killPrimaryUnderLoad(async (killed) => {
      try {
        await waitUntil('a new primary', async () => !['', killed].includes(await currentPrimary()), {
          timeoutMilliseconds: 60_000,
        });
      } finally {
        process.kill(supervisor, 'SIGCONT');
      }
    });
    expect(await findLostInserts(url, history)).toEqual([]);
    const victim = primaryOf(before);
    const rejoined = recovered.members.find(({ name }) => name === victim.name);
    expect(rejoined?.role).not.toBe('primary');
    expect(rejoined?.timeline).toBe(recovered.timeline);
    expect(recovered.timeline).toBe((before.timeline ?? 0) + 1);
    const log = await cluster.holdfast(['logs', victim.name, '-n', '2000']);
    expect(log.stdout).toContain('running pg_rewind');
    const [row] = await query<{ count: string }>(
      await cluster.url('member', victim.name),
      'SELECT count(*) FROM holdfast_unique_inserts',
    );
    expect(Number(row?.count)).toBeGreaterThanOrEqual(history.acknowledged.length);
  });
});

interface Kill {
  readonly before: StatusReport;
  readonly recovered: StatusReport;
  readonly history: InsertHistory;
}

/** Writes, kills the primary's member, goes on through `meanwhile` until there are new writes and everything is healthy. */
async function killPrimaryUnderLoad(meanwhile: (killed: string) => Promise<void>): Promise<Kill> {
  const before = await waitForHealth(cluster);
  const victim = primaryOf(before);
  const workload = startUniqueInserts(url);
  const load = startPgbench(url);
  try {
    await waitUntil('writes', async () => workload.count() > 100, { timeoutMilliseconds: 20_000 });
    expect(await killMember(victim)).toBeGreaterThan(5);
    await meanwhile(victim.name);
    const seen = workload.count();
    await waitUntil('writes after the kill', async () => workload.count() > seen + 100, {
      timeoutMilliseconds: 60_000,
    });
  } finally {
    await load.end();
  }
  const history = await workload.stop();
  const recovered = await waitForHealth(cluster);
  return { before, recovered, history };
}

/** Name of the member that the read-write port leads to; empty when none. */
async function currentPrimary(): Promise<string> {
  const [row] = await query<{ port: number }>(url, 'SELECT inet_server_port() AS port').catch(() => []);
  const port = row?.port;
  return (await cluster.status()).members.find((member) => member.port === port)?.name ?? '';
}

/** SIGKILL to Patroni, the postmaster and everything that works in the data directory, at once; answers how many. */
async function killMember(member: StatusReport['members'][number]): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const inside = await Promise.all(
    pids.map(async (pid) =>
      (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === member.dataDir ? Number(pid) : undefined,
    ),
  );
  const victims = [member.pids.patroni, ...inside].filter((pid) => typeof pid === 'number');
  for (const pid of victims) process.kill(pid, 'SIGKILL');
  return victims.length;
}

/** Load of the usual kind beside the counted writes; its own errors during a failover do not matter. */
function startPgbench(target: string): { end(): Promise<void> } {
  const child = spawn('pgbench', ['-n', '-c', '4', '-T', '120', target], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    async end() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
