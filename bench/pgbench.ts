import { mustRun } from './as-postgres.js';
import { accessTo, primaryOf, waitForHealth } from './cluster-access.js';
import { openCluster } from './open-folders.js';
import type { BenchOptions, Section } from './section.js';
import { countCells, median } from './statistics.js';

const ways = ['straight', 'haproxy', 'pgbouncer'] as const;
type Way = (typeof ways)[number];

const titles: Readonly<Record<Way, string>> = {
  straight: 'straight to the primary',
  haproxy: 'through the read-write port (HAProxy)',
  pgbouncer: 'through the pooler (PgBouncer and HAProxy)',
};

const workloads = [
  { name: 'select-only', args: ['-S'] },
  { name: 'tpcb-like', args: [] },
] as const;

/** The same pgbench straight to the primary, through HAProxy and through PgBouncer, in turns. */
export async function benchPgbench({ quick, signal, progress }: BenchOptions): Promise<Section> {
  const rounds = quick ? 1 : 5;
  const duration = quick ? 1 : 10;
  const scale = quick ? 1 : 10;
  await using cluster = await openCluster();
  progress('pgbench: starting a cluster');
  await cluster.json(['up', '--no-install']);
  const access = await accessTo(cluster);
  const { ports } = access;
  const env = { PGPASSWORD: access.secrets.postgres };
  const run = async (port: number, ...args: readonly string[]): Promise<string> => {
    signal.throwIfAborted();
    const target = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', 'postgres'];
    return (await mustRun(['pgbench', ...args, ...target], { cwd: cluster.folder, env })).stdout;
  };
  progress(`pgbench: filling the tables, scale ${scale}`);
  await run(ports.readWrite, '-i', '-q', '-s', String(scale));
  const primary = primaryOf(await waitForHealth(cluster));
  const port: Readonly<Record<Way, number>> = {
    straight: primary.port,
    haproxy: ports.readWrite,
    pgbouncer: ports.pooler,
  };

  const measured = workloads.map(({ name }) => ({
    name,
    tps: { straight: [], haproxy: [], pgbouncer: [] } as Record<Way, number[]>,
  }));
  for (const [index, { name, args }] of workloads.entries()) {
    for (let round = 1; round <= rounds; round++) {
      progress(`pgbench: ${name}, round ${round} of ${rounds}`);
      for (const way of ways) {
        // The pooler is for comparison only: fewer rounds do.
        if (way === 'pgbouncer' && round > Math.ceil(rounds / 2)) continue;
        const output = await run(port[way], '-n', '-c', '8', '-j', '2', '-T', String(duration), ...args);
        measured[index]?.tps[way].push(readTps(output));
      }
    }
  }
  if (primaryOf(await cluster.status()).name !== primary.name) throw new Error('the primary changed meanwhile');
  return {
    title: `pgbench, 8 clients, scale ${scale} (${rounds} × ${duration} s each, in turns)`,
    head: ['transactions a second', 'median', 'min–max', 'of straight'],
    rows: measured.flatMap(({ name, tps }) =>
      ways.map((way) => [
        `${name}, ${titles[way]}`,
        ...countCells(tps[way]),
        (median(tps[way]) / median(tps.straight)).toFixed(3),
      ]),
    ),
    notes: ['Three members, synchronous mode `on`; pgbench runs on the same machine.'],
    data: { rounds, seconds: duration, scale, measured },
  };
}

function readTps(output: string): number {
  const failed = /number of failed transactions: (\d+)/.exec(output)?.[1] ?? '0';
  const tps = /tps = ([\d.]+) \(without initial connection time\)/.exec(output)?.[1];
  if (tps === undefined || failed !== '0') throw new Error(`pgbench: ${output}`);
  return Number(tps);
}
