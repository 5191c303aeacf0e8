import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '@holdfast/testkit';
import pg from 'pg';
import { accessTo, urlTo, waitForHealth } from './cluster-access.js';
import { openCluster } from './open-folders.js';
import { cpuSeconds, memoryOf } from './process-usage.js';
import type { BenchOptions, Section } from './section.js';
import { median, percentile } from './statistics.js';

/** Requests from SQL: how soon one arrives after its commit, how many a second go through, and what the worker costs. */
export async function benchRequests({ quick, progress }: BenchOptions): Promise<Section> {
  const [single, many] = quick ? [20, 200] : [500, 10_000];
  const arrived = new Map<string, number>();
  const server = createServer((request, response) => {
    arrived.set(request.url ?? '', performance.now());
    request.resume();
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using cluster = await openCluster();
  progress('requests: starting a cluster');
  await cluster.json(['up', '--no-install']);
  await waitForHealth(cluster);
  const access = await accessTo(cluster);
  const client = new pg.Client({ connectionString: urlTo(access.ports.readWrite, access), query_timeout: 120_000 });
  await client.connect();
  try {
    progress(`requests: ${single}, one after the other`);
    const latencies: number[] = [];
    for (let n = 0; n < single; n++) {
      await client.query('SELECT net.http_get($1)', [`${url}/single/${n}`]);
      const committed = performance.now();
      const at = await waitUntil('it', () => Promise.resolve(arrived.get(`/single/${n}`)), {
        timeoutMilliseconds: 10_000,
        intervalMilliseconds: 2,
      });
      latencies.push(Math.max(0, at - committed));
      await sleep(10);
    }
    const idle = await usageOf(cluster, quick ? 1000 : 20_000);
    progress(`requests: ${many} at once`);
    await client.query('SELECT net.http_get($1 || n) FROM generate_series(1, $2::integer) AS n', [
      `${url}/many/`,
      many,
    ]);
    const start = performance.now();
    await waitUntil(
      'all answers',
      async () => {
        const { rows } = await client.query<{ n: number }>('SELECT count(*)::integer AS n FROM net._http_response');
        return (rows[0]?.n ?? 0) >= single + many;
      },
      { timeoutMilliseconds: 120_000, intervalMilliseconds: 50 },
    );
    const rate = many / ((performance.now() - start) / 1000);
    const after = await usageOf(cluster, 100);
    const milliseconds = (value: number) => `${value.toFixed(1)} ms`;
    return {
      title: 'Requests from SQL (`net.http_get`), three members in strict mode',
      head: ['', 'value'],
      rows: [
        ['from the acknowledged commit to the request’s arrival, median', milliseconds(median(latencies))],
        ['the same, p99', milliseconds(percentile(latencies, 0.99))],
        [`requests a second, ${many} at once, made and recorded`, rate.toFixed(0)],
        ['the worker’s memory, idle', `${(idle.memoryBytes / 2 ** 20).toFixed(0)} MiB`],
        ['the same after all these requests', `${(after.memoryBytes / 2 ** 20).toFixed(0)} MiB`],
        ['its CPU when idle, of one core', `${idle.cpuPercent.toFixed(2)} %`],
      ],
      notes: ['The receiver is on the same machine and answers at once.'],
      data: { latencies, rate, idle, after },
    };
  } finally {
    await client.end();
    server.closeAllConnections();
    server.close();
  }
}

async function usageOf(cluster: Awaited<ReturnType<typeof openCluster>>, milliseconds: number) {
  const { units } = await cluster.json<{ units: readonly { id: string; pid: number }[] }>(['ps']);
  const pid = units.find(({ id }) => id === 'net')?.pid;
  if (pid === undefined) throw new Error('the worker does not run');
  const before = await cpuSeconds(pid);
  await sleep(milliseconds);
  const used = (await cpuSeconds(pid)) - before;
  return { cpuPercent: (used / (milliseconds / 1000)) * 100, memoryBytes: (await memoryOf(pid)).bytes };
}
