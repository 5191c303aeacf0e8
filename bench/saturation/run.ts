import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { StatusReport } from '@holdfast/cluster';
import { statePaths } from '@holdfast/components';
import { signal as sendSignal } from '@holdfast/testkit';
import { accessTo, stateDirectoryOf, urlTo, waitForHealth } from '../cluster-access.js';
import { closeAll, openCluster } from '../open-folders.js';
import { describeSaturation, type SaturationResult, tallyEvents } from './tally.js';

const usage = `Usage: npm run bench:saturation -- [--minutes N] [--json]

Keeps every core busy with stress-ng and pgbench beside a cluster with all settings as by default, and counts what its agents took for a
failure. Nothing fails, so everything that is counted is a false positive. Needs stress-ng: apt-get install stress-ng
  --minutes N  how long (30)
  --json       the numbers, as one JSON document
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
if (values.help || !Number.isFinite(minutes) || minutes <= 0 || minutes > 24 * 60) {
  (values.help ? process.stdout : process.stderr).write(usage);
  process.exit(values.help ? 0 : 2);
}

const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => abort.abort());
try {
  const result = await saturate(minutes, abort.signal);
  process.stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : describeSaturation(result));
  process.exitCode = result.failovers + result.fenced > 0 ? 1 : 0;
} finally {
  await closeAll();
}

async function saturate(forMinutes: number, signal: AbortSignal): Promise<SaturationResult> {
  await using cluster = await openCluster();
  await cluster.json(['up', '--no-install']);
  const before = await waitForHealth(cluster, 300, signal);
  const url = urlTo((await accessTo(cluster)).ports.readWrite, await accessTo(cluster));
  const environment = { ...process.env, PGPASSWORD: new URL(url).password };
  const target = ['-h', '127.0.0.1', '-p', new URL(url).port, '-U', 'postgres', 'postgres'];
  await run('pgbench', ['-i', '-q', '-s', '10', ...target], environment, signal);
  const from = new Date().toISOString();
  const seconds = String(Math.round(forMinutes * 60));
  const load: number[] = [];
  const sampling = sample(load, signal);
  const cores = String(cpus().length);
  const stress = [
    '--cpu',
    cores,
    '--hdd',
    '1',
    '--hdd-bytes',
    '64m',
    '--temp-path',
    cluster.folder,
    '--timeout',
    seconds,
  ];
  const [pgbench] = await Promise.all([
    run('pgbench', ['-c', '8', '-j', '2', '-T', seconds, ...target], environment, signal),
    run('stress-ng', stress, process.env, signal),
  ]);
  sampling.stop();
  const logs = await agentLogs(before, statePaths(stateDirectoryOf(cluster)).logs);
  const after = await waitForHealth(cluster, 300, signal);
  return {
    minutes: forMinutes,
    cores: cpus().length,
    load: load.reduce((sum, one) => sum + one, 0) / Math.max(1, load.length),
    transactions: Number(/transactions actually processed: (\d+)/.exec(pgbench)?.[1] ?? 0),
    failedTransactions: Number(/failed transactions: (\d+)/.exec(pgbench)?.[1] ?? 0),
    samePrimary: before.leader === after.leader && timelineOf(before) === timelineOf(after),
    ...tallyEvents(logs, from),
  };
}

function timelineOf(status: StatusReport): number | null {
  return status.members.find(({ name }) => name === status.leader)?.timeline ?? null;
}

async function agentLogs(status: StatusReport, folder: string): Promise<readonly string[]> {
  return await Promise.all(
    status.members.map(async ({ name }) => await readFile(join(folder, `${name}-agent.log`), 'utf8')),
  );
}

/** The load average of the last minute, every 10 s. */
function sample(into: number[], signal: AbortSignal): { stop(): void } {
  const timer = setInterval(() => into.push(loadavg()[0] ?? 0), 10_000);
  const stop = () => clearInterval(timer);
  signal.addEventListener('abort', stop, { once: true });
  return { stop };
}

/** Standard output; throws what it says on standard error when it fails. Ended when the signal aborts. */
async function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const end = () => {
    if (child.pid !== undefined) sendSignal(child.pid, 'SIGTERM');
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr}`);
    // What its last children still print.
    await sleep(0);
    return stdout;
  } finally {
    signal.removeEventListener('abort', end);
  }
}
