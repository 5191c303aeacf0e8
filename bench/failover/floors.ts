import { appendFile, chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEtcdClient, type Tools } from '@holdfast/components';
import { specDefaults } from '@holdfast/spec';
import { waitUntil } from '@holdfast/testkit';
import pg from 'pg';
import { asPostgres, mustRun } from '../as-postgres.js';
import { openCluster, openFolder } from '../open-folders.js';
import { freePort } from '../postgres-by-hand.js';
import type { BenchOptions, Section } from '../section.js';
import { median, seconds } from '../statistics.js';
import { signalAll } from './member-processes.js';
import { monotonic } from './monotonic.js';

/** What no failover can be faster than, here: its steps alone. */
export async function measureFloors(tools: Tools, { quick, signal, progress }: BenchOptions): Promise<Section> {
  const promotions: number[] = [];
  const rounds = quick ? 1 : 10;
  for (let round = 1; round <= rounds; round++) {
    progress(`floors: pg_promote, round ${round} of ${rounds}`);
    promotions.push(await measurePromotion(tools.postgresBin, signal));
  }
  progress('floors: transactions of etcd');
  const transactions = await measureTransactions(quick ? 20 : 200, signal);
  const check = specDefaults.haproxy.checkMilliseconds;
  const silence = specDefaults.failover.silenceMilliseconds;
  const row = (what: string, values: readonly number[], text: (value: number) => string) => [
    what,
    String(values.length),
    text(median(values)),
    text(Math.max(...values)),
  ];
  return {
    title: 'The floor: each step alone',
    head: ['', 'rounds', 'median', 'max'],
    rows: [
      row(
        'SIGKILL of a plain primary and pg_promote() at once, to the first write on its standby',
        promotions,
        seconds,
      ),
      row('one transaction of etcd', transactions, (value) => `${value.toFixed(1)} ms`),
      ['one check interval of HAProxy (setting)', '', seconds(check), ''],
      ['silence before a member counts as gone (setting)', '', seconds(silence), ''],
    ],
    notes: [
      'The pair by hand has PostgreSQL’s defaults but for wal_retrieve_retry_interval 100ms, as Holdfast sets it: with the default of 5 s a promotion now and then takes that long.',
    ],
    data: { promotions, transactions, check, silence },
  };
}

/** A primary and its standby by PostgreSQL's own programs; milliseconds from the kill to a row committed on the standby. */
async function measurePromotion(bin: string, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  await using folder = await openFolder();
  const home = join(folder.path, 'by-hand');
  await mkdir(home);
  // Each program runs as another account and makes its own folders here.
  await chmod(home, 0o777);
  const [primary, standby] = [join(home, 'primary'), join(home, 'standby')];
  const password = 'only for this measurement';
  await writeFile(join(home, 'password'), `${password}\n`);
  const run = async (program: string, ...args: readonly string[]) =>
    await mustRun(asPostgres([join(bin, program), ...args]), { cwd: home, env: { PGPASSWORD: password } });
  const [port, standbyPort] = [await freePort(), await freePort()];
  const settings = (own: number) =>
    `listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nport = ${own}\nwal_level = logical\nwal_retrieve_retry_interval = 100ms\n`;
  const identity = ['-U', 'postgres', '--data-checksums', '-E', 'UTF8', '--locale=C.UTF-8'];
  await run('initdb', '-D', primary, ...identity, '--auth=scram-sha-256', `--pwfile=${join(home, 'password')}`);
  await appendFile(join(primary, 'postgresql.conf'), settings(port));
  await run('pg_ctl', 'start', '-w', '-D', primary, '-l', join(home, 'primary.log'));
  const client = (to: number) =>
    new pg.Client({
      host: '127.0.0.1',
      port: to,
      user: 'postgres',
      password,
      database: 'postgres',
      query_timeout: 30_000,
    });
  await using onPrimary = await connected(client(port));
  await onPrimary.client.query('CREATE TABLE written (n int)');
  await run(
    'pg_basebackup',
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
    '-U',
    'postgres',
    '-D',
    standby,
    '-R',
    '-X',
    'stream',
    '-c',
    'fast',
  );
  await appendFile(join(standby, 'postgresql.conf'), settings(standbyPort));
  await run('pg_ctl', 'start', '-w', '-D', standby, '-l', join(home, 'standby.log'));
  await using onStandby = await connected(client(standbyPort));
  await waitUntil(
    'a standby that streams',
    async () =>
      (await onPrimary.client.query("SELECT FROM pg_stat_replication WHERE state = 'streaming'")).rowCount === 1,
    { timeoutMilliseconds: 30_000, intervalMilliseconds: 50 },
  );
  let begun = 0;
  signalAll({ folders: [primary] }, 'SIGKILL', () => {
    begun = monotonic();
  });
  // Waits until the promotion is done, or says so after a minute.
  await onStandby.client.query('SELECT pg_promote()');
  await onStandby.client.query('INSERT INTO written VALUES (1)');
  return monotonic() - begun;
}

async function connected(client: pg.Client): Promise<AsyncDisposable & { readonly client: pg.Client }> {
  client.on('error', () => {});
  await client.connect();
  return { client, [Symbol.asyncDispose]: async () => await client.end().catch(() => {}) };
}

/** Milliseconds of a transaction like the one that seals: one comparison, two writes. */
async function measureTransactions(count: number, signal: AbortSignal): Promise<readonly number[]> {
  await using cluster = await openCluster();
  await cluster.json(['up', '--no-install']);
  const { etcd } = await cluster.status();
  const url = etcd.find(({ isLeader }) => isLeader === true)?.clientUrl ?? etcd[0]?.clientUrl;
  if (url === undefined) throw new Error('the cluster has no etcd');
  const client = createEtcdClient({ url });
  const durations: number[] = [];
  for (let round = 0; round < count; round++) {
    const begun = monotonic();
    await client.transact(
      {
        compare: [{ key: '/bench/none', modRevision: '0' }],
        success: [
          { put: '/bench/one', value: String(round) },
          { put: '/bench/other', value: String(round) },
        ],
      },
      signal,
    );
    durations.push(monotonic() - begun);
  }
  return durations;
}
