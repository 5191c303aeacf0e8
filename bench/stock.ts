import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Tools } from '@holdfast/components';
import { type TestCluster, waitUntil } from '@holdfast/testkit';
import { mustRun } from './as-postgres.js';
import { type ClusterAccess, stateDirectoryOf } from './cluster-access.js';
import { freePort } from './postgres-by-hand.js';

/** Patroni's and HAProxy's usual timing, as far as a spec can say it. */
export const stockSpec = 'patroni:\n  ttl: 30\n  loopWait: 10\n  retryTimeout: 10\nhaproxy:\n  checkInterval: 3s\n';

/** HAProxy as Patroni's own documentation sets it up (inter 3s fall 3 rise 2), for this cluster's members. It ends with the cluster's folder. Answers its port. */
export async function startStockHaproxy(cluster: TestCluster, { ports }: ClusterAccess, tools: Tools): Promise<number> {
  const port = await freePort();
  const servers = ports.postgres.map(
    (member, index) => `  server pg${index + 1} 127.0.0.1:${member} maxconn 100 check port ${ports.patroni[index]}`,
  );
  const lines = [
    'global',
    '  maxconn 100',
    'defaults',
    '  mode tcp',
    '  retries 2',
    '  timeout client 30m',
    '  timeout connect 4s',
    '  timeout server 30m',
    '  timeout check 5s',
    'listen primary',
    `  bind 127.0.0.1:${port}`,
    '  option httpchk OPTIONS /primary',
    '  http-check expect status 200',
    '  default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions',
    ...servers,
  ];
  const file = join(cluster.folder, 'stock-haproxy.cfg');
  await writeFile(file, `${lines.join('\n')}\n`);
  spawn(tools.haproxy, ['-db', '-f', file], { cwd: cluster.folder, stdio: 'ignore' }).once('error', () => {});
  await waitUntil('the stock HAProxy', async () => await accepts(port), { timeoutMilliseconds: 10_000 });
  return port;
}

async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** `patronictl switchover --force`, as an administrator of plain Patroni would. */
export async function patronictlSwitchover(
  cluster: TestCluster,
  { secrets }: ClusterAccess,
  tools: Tools,
): Promise<void> {
  const configuration = join(stateDirectoryOf(cluster), 'units/pg1/patroni.yml');
  await mustRun([...tools.patroni.ctlArgv, '-c', configuration, 'switchover', '--force'], {
    cwd: cluster.folder,
    env: {
      ...tools.patroni.env,
      PATRONI_RESTAPI_USERNAME: 'holdfast',
      PATRONI_RESTAPI_PASSWORD: secrets['patroni-api'],
    },
    timeoutMilliseconds: 120_000,
  });
}
