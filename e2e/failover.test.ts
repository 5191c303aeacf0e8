import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  findLostInserts,
  listProcessesOf,
  prepareUniqueInserts,
  primaryOf,
  query,
  signal,
  startTestCluster,
  startUniqueInserts,
  type TestCluster,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** What a fault of this kind is expected to take at most is measured by `npm run bench:failover`; tests allow five times that and more. */
const lax = 10_000;
const rounds = [1, 2, 3];

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

interface Ps {
  readonly units: readonly { readonly id: string; readonly pids: readonly number[] }[];
}

/** Every process of these units. */
async function processesOf(...units: readonly string[]): Promise<readonly number[]> {
  const { units: all } = await cluster.json<Ps>(['ps']);
  const pids = all.filter(({ id }) => units.includes(id)).flatMap((unit) => unit.pids);
  expect(pids.length).toBeGreaterThan(0);
  return pids;
}

function toAll(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) signal(pid, name);
}

/** The postmaster and all that it started. */
async function postgresOf(member: string): Promise<readonly number[]> {
  const status = await cluster.status();
  const { pids } = status.members.find(({ name }) => name === member) ?? { pids: { patroni: null, postgres: null } };
  const all = await processesOf(member);
  return all.filter((pid) => pid !== pids.patroni);
}

async function synchronousStandby(): Promise<string> {
  const { synchronous } = await healthy();
  const [name] = synchronous.standbys;
  if (name === undefined) throw new Error('there is no synchronous standby');
  return name;
}

async function healthy() {
  return await waitUntil(
    'a healthy cluster with a synchronous standby',
    async () => {
      const status = await waitForHealth(cluster);
      return status.synchronous.standbys.length > 0 ? status : undefined;
    },
    { timeoutMilliseconds: 90_000 },
  );
}

/** Writes before, through and after the fault: they go on within `lax`, and none that was acknowledged is missing. */
async function underLoad(fault: () => Promise<void>): Promise<{ readonly errors: number; readonly gap: number }> {
  const workload = startUniqueInserts(url, 2);
  try {
    await waitUntil('writes', async () => workload.count() > 100, { timeoutMilliseconds: 30_000 });
    await fault();
    const seen = workload.count();
    await waitUntil('writes after the fault', async () => workload.count() > seen + 50, { timeoutMilliseconds: lax });
    await sleep(500);
  } catch (error) {
    await workload.stop();
    throw error;
  }
  const history = await workload.stop();
  await healthy();
  expect(await findLostInserts(url, history)).toEqual([]);
  return { errors: history.errors, gap: history.longestGapMilliseconds };
}

describe('the primary', () => {
  test.each(rounds)('every process of its member is killed (%i)', async () => {
    const { leader } = await healthy();
    const { gap } = await underLoad(async () => {
      toAll(await processesOf(leader ?? '', `${leader}-agent`), 'SIGKILL');
    });
    expect(gap).toBeLessThan(lax);
    expect((await cluster.status()).leader).not.toBe(leader);
  });

  test.each(rounds)('its PostgreSQL alone is killed (%i)', async () => {
    const { leader } = await healthy();
    const { gap } = await underLoad(async () => toAll(await postgresOf(leader ?? ''), 'SIGKILL'));
    expect(gap).toBeLessThan(lax);
    expect((await cluster.status()).leader).not.toBe(leader);
  });

  test.each(rounds)('it is frozen and thawed: nobody is ever sent to it again (%i)', async () => {
    const before = await healthy();
    const old = primaryOf(before);
    const frozen = await processesOf(old.name, `${old.name}-agent`);
    const stats = await cluster.url('stats');
    const answers: string[] = [];
    let gap = 0;
    try {
      const result = await underLoad(async () => {
        toAll(frozen, 'SIGSTOP');
        await waitUntil(
          'another primary',
          async () => {
            const { leader } = await cluster.status();
            return leader !== null && leader !== old.name;
          },
          { timeoutMilliseconds: lax },
        );
        const watch = watchRoutes(stats, old.name, answers);
        await sleep(300);
        toAll(frozen, 'SIGCONT');
        await sleep(3000);
        await watch.stop();
      });
      gap = result.gap;
    } finally {
      toAll(frozen, 'SIGCONT');
    }
    expect(gap).toBeLessThan(lax);
    expect(answers.length).toBeGreaterThan(20);
    expect(answers.filter((answer) => answer.startsWith('UP'))).toEqual([]);
    expect((await cluster.status()).leader).not.toBe(old.name);
  });

  test.each(rounds)('its Patroni alone is killed: clients notice nothing (%i)', async () => {
    const { leader, members } = await healthy();
    const patroni = members.find(({ name }) => name === leader)?.pids.patroni ?? 0;
    const { errors } = await underLoad(async () => {
      toAll([patroni], 'SIGKILL');
      await sleep(4000);
    });
    expect(errors).toBe(0);
    expect((await cluster.status()).leader).toBe(leader);
  });

  test.each(rounds)('its agent alone is killed: clients notice nothing (%i)', async () => {
    const { leader } = await healthy();
    const { errors } = await underLoad(async () => {
      toAll(await processesOf(`${leader}-agent`), 'SIGKILL');
      await sleep(2000);
    });
    expect(errors).toBe(0);
    expect((await cluster.status()).leader).toBe(leader);
  });

  test('fails twice in a row', async () => {
    const { leader } = await healthy();
    let second: string | null = null;
    await underLoad(async () => {
      toAll(await processesOf(leader ?? '', `${leader}-agent`), 'SIGKILL');
      await waitUntil(
        'another primary',
        async () => {
          second = (await cluster.status()).leader;
          return second !== null && second !== leader;
        },
        { timeoutMilliseconds: lax, intervalMilliseconds: 20 },
      );
      toAll(await processesOf(second ?? '', `${second}-agent`), 'SIGKILL');
    });
    expect(second).not.toBe(leader);
  });

  test('is killed, and so is the rewind that was to bring it back: it is copied anew', async () => {
    // A primary that had nothing more than the next one needs no rewind.
    for (let tries = 0; tries < 5; tries++) {
      const { leader } = await healthy();
      let cutOff = false;
      await underLoad(async () => {
        toAll(await processesOf(leader ?? '', `${leader}-agent`), 'SIGKILL');
        await waitUntil(
          'the old primary streaming or its rewind',
          async () => {
            // Not the one that only prints its help: Patroni looks so whether the program is there.
            const rewind = listProcessesOf(cluster.folder).find(({ commandLine }) =>
              /\/pg_rewind .*--source-server/.test(commandLine),
            );
            cutOff = rewind !== undefined && signal(rewind.pid, 'SIGKILL');
            return cutOff || (await streams(leader ?? ''));
          },
          { timeoutMilliseconds: 60_000, intervalMilliseconds: 1 },
        );
      });
      await healthy();
      if (!cutOff) continue;
      const log = await readFile(join(cluster.folder, '.holdfast', 'test', 'logs', `${leader}.log`), 'utf8');
      expect(log).toContain('remove_data_directory_on_rewind_failure is set. removing');
      return;
    }
    throw new Error('no member had to be rewound');
  });

  async function streams(member: string): Promise<boolean> {
    const [row] = await query<{ found: boolean }>(
      url,
      `SELECT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = '${member}' AND state = 'streaming') AS found`,
    ).catch(() => []);
    return row?.found === true;
  }
});

describe('the synchronous standby', () => {
  test.each(rounds)('is killed: the primary stays, and another standby takes its place (%i)', async () => {
    const { leader } = await healthy();
    const standby = await synchronousStandby();
    const { errors } = await underLoad(async () => {
      toAll(await processesOf(standby, `${standby}-agent`), 'SIGKILL');
    });
    expect(errors).toBe(0);
    expect((await cluster.status()).leader).toBe(leader);
  });

  test.each(rounds)('is frozen: the primary stays, and another standby takes its place (%i)', async () => {
    const { leader } = await healthy();
    const standby = await synchronousStandby();
    const frozen = await processesOf(standby, `${standby}-agent`);
    try {
      await underLoad(async () => {
        toAll(frozen, 'SIGSTOP');
        await waitUntil(
          'another synchronous standby',
          async () => {
            const { standbys } = (await cluster.status()).synchronous;
            return standbys.length > 0 && !standbys.includes(standby);
          },
          { timeoutMilliseconds: lax },
        );
        toAll(frozen, 'SIGCONT');
      });
    } finally {
      toAll(frozen, 'SIGCONT');
    }
    expect((await cluster.status()).leader).toBe(leader);
  });
});

describe('etcd', () => {
  test.each(rounds)('its leader is killed: clients notice nothing (%i)', async () => {
    const { leader, etcd } = await healthy();
    const first = etcd.find(({ isLeader }) => isLeader)?.name;
    const { errors } = await underLoad(async () => {
      toAll(await processesOf(first ?? ''), 'SIGKILL');
      await sleep(3000);
    });
    expect(errors).toBe(0);
    expect((await cluster.status()).leader).toBe(leader);
  });

  test('its quorum is gone for a while: the primary stays and serves', async () => {
    const { leader, etcd } = await healthy();
    const frozen = await processesOf(...etcd.slice(0, 2).map(({ name }) => name));
    try {
      const { errors } = await underLoad(async () => {
        toAll(frozen, 'SIGSTOP');
        await sleep(15_000);
        toAll(frozen, 'SIGCONT');
      });
      expect(errors).toBe(0);
    } finally {
      toAll(frozen, 'SIGCONT');
    }
    expect((await cluster.status()).leader).toBe(leader);
  });
});

/** What HAProxy thinks of a member, asked as fast as it answers. */
function watchRoutes(page: string, member: string, answers: string[]) {
  let running = true;
  const watching = (async () => {
    const stats = new URL(page);
    const headers = { authorization: `Basic ${btoa(`${stats.username}:${stats.password}`)}` };
    while (running) {
      const response = await fetch(`${stats.protocol}//${stats.host}/;csv`, {
        headers,
        signal: AbortSignal.timeout(2000),
      });
      const rows = (await response.text()).split('\n').map((line) => line.split(','));
      const status = (rows[0] ?? []).indexOf('status');
      const row = rows.find(([proxy, server]) => proxy === 'primary' && server === member);
      answers.push(row?.[status] ?? 'absent');
      await sleep(5);
    }
  })();
  return {
    stop: async () => {
      running = false;
      await watching;
    },
  };
}
