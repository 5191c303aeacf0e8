import { setTimeout as sleep } from 'node:timers/promises';
import type { Tools } from '@holdfast/components';
import {
  findLostInserts,
  prepareUniqueInserts,
  startUniqueInserts,
  type TestCluster,
  waitUntil,
} from '@holdfast/testkit';
import { accessTo, urlTo, waitForHealth } from './cluster-access.js';
import { openCluster } from './open-folders.js';
import type { BenchOptions, Section } from './section.js';
import { durationCells } from './statistics.js';
import { patronictlSwitchover, startStockHaproxy, stockSpec } from './stock.js';

/** One switchover as a client that writes all the time sees it. */
interface Gap {
  readonly gapMilliseconds: number;
  readonly clientErrors: number;
  /** Acknowledged writes that are not there afterwards. */
  readonly lost: number;
}

/** The write gap of `holdfast switchover` on a default cluster, and of `patronictl switchover` on one with stock settings. */
export async function benchSwitchover(tools: Tools, options: BenchOptions): Promise<Section> {
  const rounds = options.quick ? 1 : 10;
  const ours = await measureHoldfast(rounds, options);
  const stock = await measureStock(rounds, tools, options);
  const sum = (gaps: readonly Gap[], pick: (gap: Gap) => number) =>
    String(gaps.reduce((total, gap) => total + pick(gap), 0));
  const row = (what: string, gaps: readonly Gap[]) => [
    what,
    ...durationCells(gaps.map(({ gapMilliseconds }) => gapMilliseconds)),
    sum(gaps, ({ clientErrors }) => clientErrors),
    sum(gaps, ({ lost }) => lost),
  ];
  return {
    title: `Planned switchover: how long nothing can be written (${rounds} each)`,
    head: ['', 'median', 'min–max', 'client errors', 'writes lost'],
    rows: [
      row('`holdfast switchover`, through the read-write port', ours),
      row('`patronictl switchover`, stock settings, through a stock HAProxy', stock),
    ],
    notes: [
      'One client inserts a row after the other; at an error, or after 2 s of silence, it takes a new connection. The gap is between two acknowledgements.',
      'Stock: Patroni ttl 30, loop_wait 10, retry_timeout 10, and HAProxy as in Patroni’s documentation (inter 3s fall 3 rise 2, connect 4s). What stays Holdfast’s there: synchronous mode `on`, failsafe mode, wal_retrieve_retry_interval 100ms, how etcd is run, and the launcher that shortens Patroni’s waits.',
    ],
    data: { holdfast: ours, stock },
  };
}

async function measureHoldfast(rounds: number, options: BenchOptions): Promise<readonly Gap[]> {
  await using cluster = await openCluster();
  options.progress('switchover: starting a cluster');
  await cluster.json(['up', '--no-install']);
  const access = await accessTo(cluster);
  return await measureRounds(
    'holdfast switchover',
    cluster,
    urlTo(access.ports.readWrite, access),
    rounds,
    options,
    async () => {
      await cluster.json(['switchover']);
    },
  );
}

async function measureStock(rounds: number, tools: Tools, options: BenchOptions): Promise<readonly Gap[]> {
  await using cluster = await openCluster(stockSpec);
  options.progress('switchover: starting a cluster with stock settings');
  await cluster.json(['up', '--no-install']);
  const access = await accessTo(cluster);
  const port = await startStockHaproxy(cluster, access, tools);
  return await measureRounds('patronictl switchover', cluster, urlTo(port, access), rounds, options, async () => {
    await patronictlSwitchover(cluster, access, tools);
  });
}

async function measureRounds(
  what: string,
  cluster: TestCluster,
  url: string,
  rounds: number,
  { signal, progress }: BenchOptions,
  act: () => Promise<void>,
): Promise<readonly Gap[]> {
  const gaps: Gap[] = [];
  await waitForHealth(cluster);
  await waitUntil(
    'the read-write port',
    async () =>
      await prepareUniqueInserts(url).then(
        () => true,
        () => false,
      ),
    {
      timeoutMilliseconds: 60_000,
    },
  );
  for (let round = 1; round <= rounds; round++) {
    signal.throwIfAborted();
    progress(`${what}: round ${round} of ${rounds}`);
    const { leader } = await waitForHealth(cluster);
    const workload = startUniqueInserts(url, 1);
    try {
      await waitUntil('writes', async () => workload.count() > 200, {
        timeoutMilliseconds: 30_000,
        intervalMilliseconds: 50,
      });
      await act();
      const seen = workload.count();
      await waitUntil('writes again', async () => workload.count() > seen + 200, {
        timeoutMilliseconds: 60_000,
        intervalMilliseconds: 50,
      });
      // A second interruption, for example when the old primary returns, belongs to the gap as well.
      await sleep(1000);
    } catch (error) {
      await workload.stop();
      throw error;
    }
    const history = await workload.stop();
    const lost = (await findLostInserts(url, history)).length;
    gaps.push({ gapMilliseconds: history.longestGapMilliseconds, clientErrors: history.errors, lost });
    if ((await waitForHealth(cluster)).leader === leader) throw new Error(`${what} did not move the primary`);
  }
  return gaps;
}
