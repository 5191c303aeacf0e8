import { setTimeout as sleep } from 'node:timers/promises';
import { type TestCluster, waitUntil } from '@holdfast/testkit';
import { waitForHealth } from './cluster-access.js';
import { openCluster } from './open-folders.js';
import { cpuSeconds, memoryOf, programOf } from './process-usage.js';
import type { BenchOptions, Section } from './section.js';

const parts = [
  'etcd',
  'Patroni',
  'PostgreSQL',
  'HAProxy',
  'PgBouncer',
  'worker for requests',
  "Supabase's API",
  'supervisor',
] as const;
type Part = (typeof parts)[number];

const partOfComponent: Readonly<Record<string, Part>> = {
  etcd: 'etcd',
  haproxy: 'HAProxy',
  pgbouncer: 'PgBouncer',
  net: 'worker for requests',
  api: "Supabase's API",
};

/** What a cluster that nobody uses costs, by part. */
export async function benchIdle({ quick, progress }: BenchOptions): Promise<Section> {
  const duration = quick ? 2 : 20;
  await using cluster = await openCluster();
  progress('idle: starting a cluster');
  await cluster.json(['up', '--no-install']);
  await waitForHealth(cluster);
  progress(`idle: looking at it for ${duration} s`);
  // What starting it left to do, checkpoints for example, is not idling.
  await sleep(quick ? 0 : 10_000);

  const before = await cpuByPart(cluster);
  const start = performance.now();
  await sleep(duration * 1000);
  const after = await cpuByPart(cluster);
  const elapsed = (performance.now() - start) / 1000;
  const used = await Promise.all(
    parts.map(async (part) => {
      const pids = after.pids.filter((process) => process.part === part).map(({ pid }) => pid);
      const memory = await Promise.all(pids.map(memoryOf));
      return {
        part,
        processes: pids.length,
        memoryBytes: memory.reduce((sum, { bytes }) => sum + bytes, 0),
        memoryKind: memory.some(({ kind }) => kind === 'rss') ? 'rss' : 'pss',
        // Of one core. Children that ended meanwhile count where their parent reaped them.
        cpuPercent: Math.max(0, ((after.seconds[part] - before.seconds[part]) / elapsed) * 100),
      };
    }),
  );
  const total = {
    part: 'whole cluster',
    processes: used.reduce((sum, { processes }) => sum + processes, 0),
    memoryBytes: used.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
    cpuPercent: used.reduce((sum, { cpuPercent }) => sum + cpuPercent, 0),
  };
  const kind = used.some(({ memoryKind }) => memoryKind === 'rss')
    ? 'RSS (shared memory counted in each process)'
    : 'PSS';
  return {
    title: `The idle cluster, over ${duration} s`,
    head: ['part', 'processes', 'memory', 'CPU, of one core'],
    rows: [...used, total].map(({ part, processes, memoryBytes, cpuPercent }) => [
      part,
      String(processes),
      `${(memoryBytes / 2 ** 20).toFixed(0)} MiB`,
      `${cpuPercent.toFixed(1)} %`,
    ]),
    notes: [
      `Three etcd, three Patroni and PostgreSQL, HAProxy, PgBouncer, the worker for requests from SQL, one supervisor. Memory is ${kind}.`,
    ],
    data: { seconds: elapsed, parts: used, total },
  };
}

interface ProcessOfPart {
  readonly pid: number;
  readonly part: Part;
}

interface CpuByPart {
  readonly pids: readonly ProcessOfPart[];
  readonly seconds: Readonly<Record<Part, number>>;
}

async function cpuByPart(cluster: TestCluster): Promise<CpuByPart> {
  const pids = await listProcesses(cluster);
  const seconds = Object.fromEntries(parts.map((part) => [part, 0])) as Record<Part, number>;
  for (const { pid, part } of pids) seconds[part] += await cpuSeconds(pid);
  return { pids, seconds };
}

/** A member's unit holds Patroni and PostgreSQL, told apart by the program that a process runs. */
async function listProcesses(cluster: TestCluster): Promise<readonly ProcessOfPart[]> {
  const { units } = await cluster.json<{ units: readonly { component: string; pids: readonly number[] }[] }>(['ps']);
  const supervisor = await waitUntil(
    'the supervisor',
    async () => (await cluster.status()).supervisor.pid ?? undefined,
    {
      timeoutMilliseconds: 10_000,
    },
  );
  const ofUnits = units.flatMap(({ component, pids }) =>
    pids.map(async (pid): Promise<ProcessOfPart> => {
      const part = partOfComponent[component];
      if (part !== undefined) return { pid, part };
      return { pid, part: (await programOf(pid)) === 'postgres' ? 'PostgreSQL' : 'Patroni' };
    }),
  );
  return [...(await Promise.all(ofUnits)), { pid: supervisor, part: 'supervisor' }];
}
