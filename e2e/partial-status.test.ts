import type { StatusReport } from '@holdfast/cluster';
import {
  isAlive,
  killProcessesOf,
  memberOf,
  pidsOf,
  primaryOf,
  replicasOf,
  signal,
  startTestCluster,
  type TestCluster,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** What starting the command takes by itself, without any cluster; and what each look took with it. Milliseconds. */
let startUp = 0;
const took: Record<string, number> = {};

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster();
  startUp = (await timed(['--version'])).milliseconds;
});

afterAll(async () => {
  const figures = Object.entries(took).map(([what, milliseconds]) => `${what} ${milliseconds}`);
  console.info(`status answered after (ms, of which ${startUp} are the command's start): ${figures.join(', ')}`);
  await cluster?.[Symbol.asyncDispose]();
});

interface Fault {
  readonly what: string;
  readonly processes: (status: StatusReport) => readonly (number | null | undefined)[];
  /** How lines of `unknown` begin: what cannot be known. */
  readonly unknown: (before: StatusReport) => readonly string[];
  readonly check: (status: StatusReport, before: StatusReport) => void;
}

const replica = (status: StatusReport) => {
  const found = status.members.find(({ role }) => role === 'replica');
  if (found === undefined) throw new Error('there is no replica');
  return found;
};
const etcdWhere = (status: StatusReport, isLeader: boolean) => {
  const found = status.etcd.find((member) => member.isLeader === isLeader);
  if (found === undefined) throw new Error('there is no such etcd');
  return found;
};

const faults: readonly Fault[] = [
  {
    what: 'one etcd',
    processes: (status) => [etcdWhere(status, false).pid],
    unknown: (before) => [`${etcdWhere(before, false).name}: etcd: `],
    check: (status, before) => {
      expect(status.etcd.filter(({ healthy: well }) => !well)).toHaveLength(1);
      expect(status.leader).toBe(before.leader);
      expect(status.members).toMatchObject(before.members.map(({ name, role }) => ({ name, role })));
    },
  },
  {
    what: "etcd's leader",
    processes: (status) => [etcdWhere(status, true).pid],
    unknown: (before) => [`${etcdWhere(before, true).name}: etcd: `],
    check: (status, before) => {
      expect(status.etcd.some(({ healthy: well }) => !well)).toBe(true);
      expect([before.leader, null]).toContain(status.leader);
    },
  },
  {
    what: 'all etcds',
    processes: (status) => status.etcd.map(({ pid }) => pid),
    unknown: () => ['etcd1: etcd: ', 'etcd2: etcd: ', 'etcd3: etcd: ', "etcd: Patroni's keys could not be read"],
    check: (status, before) => {
      expect(status.etcd.every(({ healthy: well, isLeader }) => !well && isLeader === null)).toBe(true);
      // By the members' own words.
      expect(status.leader).toBe(before.leader);
      expect(status.reasons.join()).toContain('etcd has no quorum (0 of 3 healthy)');
    },
  },
  {
    what: "the primary's Patroni",
    processes: (status) => [primaryOf(status).pids.patroni],
    unknown: (before) => [`${before.leader}: Patroni: `],
    check: (status, before) => {
      expect(status.leader).toBe(before.leader);
      expect(primaryOf(status)).toMatchObject({ role: 'primary', state: 'unreachable', lagBytes: null });
      expect(primaryOf(status).pids).toEqual(primaryOf(before).pids);
    },
  },
  {
    what: "a replica's PostgreSQL and Patroni",
    processes: (status) => Object.values(replica(status).pids),
    unknown: (before) => [`${replica(before).name}: Patroni: `],
    check: (status, before) => {
      const frozen = memberOf(status, replica(before).name);
      expect(frozen).toMatchObject({ role: 'unknown', state: 'unreachable', timeline: null, lagBytes: null });
      expect(frozen.pids).toEqual(replica(before).pids);
      expect(status.leader).toBe(before.leader);
    },
  },
  {
    what: 'HAProxy',
    processes: (status) => [status.proxies.find(({ name }) => name === 'haproxy')?.pid, ...haproxyWorkers],
    unknown: () => ['haproxy: '],
    check: (status) => {
      expect(status.health).toBe('down');
      expect(status.reasons).toContain('haproxy does not answer');
    },
  },
  {
    what: 'PgBouncer',
    processes: (status) => [status.proxies.find(({ name }) => name === 'pgbouncer')?.pid],
    unknown: () => ['pgbouncer: '],
    check: (status) => expect(status.reasons).toEqual(['pgbouncer does not answer']),
  },
  {
    what: 'the supervisor',
    processes: (status) => [status.supervisor.pid],
    unknown: () => ['supervisor: '],
    check: (status, before) => {
      expect(status.supervisor.alive).toBeNull();
      expect(status.health).toBe('healthy');
      expect(pidsOf(status)).toEqual(pidsOf(before));
    },
  },
];

/** HAProxy's master only waits; what answers is its worker. */
let haproxyWorkers: readonly number[] = [];

test.each(faults)(
  '$what frozen: status answers, says what it does not know, and all becomes well again',
  async (fault) => {
    const before = await waitForHealth(cluster);
    haproxyWorkers = await unitPids('haproxy');
    const pids = fault.processes(before).filter((pid) => typeof pid === 'number');
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) signal(pid, 'SIGSTOP');
    let status: StatusReport;
    try {
      status = await look(`${fault.what} frozen`);
    } finally {
      for (const pid of pids) signal(pid, 'SIGCONT');
    }
    examine(status, before, fault);
    fault.check(status, before);
    const after = await waitForHealth(cluster);
    expect(after.leader).toBe(before.leader);
    expect(after.unknown).toEqual([]);
  },
);

/** Without the supervisor, which would start it again at once. */
test.each(faults.filter(({ what }) => what !== 'the supervisor'))('$what dead: likewise', async (fault) => {
  const before = await waitForHealth(cluster);
  haproxyWorkers = await unitPids('haproxy');
  const pids = [before.supervisor.pid, ...fault.processes(before)].filter((pid) => typeof pid === 'number');
  expect(pids.length).toBeGreaterThan(1);
  for (const pid of pids) signal(pid, 'SIGKILL');
  await waitUntil('their end', async () => !pids.some(isAlive), { timeoutMilliseconds: 10_000 });
  const status = await look(`${fault.what} dead`);
  examine(status, before, fault);
  expect(status.supervisor.alive).toBe(false);
  expect(status.health).not.toBe('healthy');
  for (const [name, pid] of Object.entries(pidsOf(before))) {
    expect({ [name]: pidsOf(status)[name] }).toEqual({ [name]: pids.includes(pid ?? 0) ? null : pid });
  }
  await cluster.json(['up', '--no-install']);
  const after = await waitForHealth(cluster);
  expect(after.unknown).toEqual([]);
});

test('everything dead: likewise', async () => {
  const before = await waitForHealth(cluster);
  await killProcessesOf(cluster.folder);
  const status = await look('everything dead');
  expect(status).toMatchObject({ health: 'down', leader: null, timeline: null, supervisor: { alive: false } });
  expect(replicasOf(status).every(({ role, state }) => role === 'unknown' && state === 'unreachable')).toBe(true);
  expect(status.members.map(({ dataDir }) => dataDir)).toEqual(before.members.map(({ dataDir }) => dataDir));
  expect(Object.values(pidsOf(status)).every((pid) => pid === null)).toBe(true);
});

function examine(status: StatusReport, before: StatusReport, fault: Fault): void {
  expect(status.members.filter(({ role }) => role === 'primary').length).toBeLessThanOrEqual(1);
  expect(status.members.map(({ name }) => name)).toEqual(before.members.map(({ name }) => name));
  for (const beginning of fault.unknown(before)) {
    expect(status.unknown.filter((line) => line.startsWith(beginning))).toHaveLength(1);
  }
}

/** One status, which must come soon. */
async function look(what: string): Promise<StatusReport> {
  const { milliseconds, stdout } = await timed(['status', '--json']);
  took[what] = milliseconds;
  expect(milliseconds).toBeLessThan(5000);
  return JSON.parse(stdout) as StatusReport;
}

async function timed(args: readonly string[]): Promise<{ readonly milliseconds: number; readonly stdout: string }> {
  const from = performance.now();
  const { stdout } = await cluster.holdfast(args);
  return { milliseconds: Math.round(performance.now() - from), stdout };
}

async function unitPids(unit: string): Promise<readonly number[]> {
  const { units } = await cluster.json<{ units: readonly { id: string; pids: readonly number[] }[] }>(['ps']);
  return units.find(({ id }) => id === unit)?.pids ?? [];
}
