import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { memberDataDirectory } from '@holdfast/components';
import { readCmdline, readCwd, supervisorState } from '@holdfast/runtime';
import type { ClusterContext } from '../context.js';
import { poolerState } from '../pooler/paused-pooler.js';
import { dataDirectoryOf } from '../state/data-directory-of.js';
import { fetchView } from './fetch-view.js';
import { answer, valueIn } from './observation.js';
import { doorTimeoutMilliseconds, partTimeoutMilliseconds } from './observe.js';
import { type StatusFacts, type StatusReport, statusReport } from './status.js';

/** What `status` shows, found out at once: answers within 2 s whatever is dead or frozen. */
export async function fetchStatus(context: ClusterContext, signal: AbortSignal): Promise<StatusReport> {
  const [view, facts] = await Promise.all([fetchView(context, signal), gatherStatusFacts(context, signal)]);
  return statusReport(view, facts);
}

/** What a status report says beyond the view. */
export async function gatherStatusFacts(context: ClusterContext, signal: AbortSignal): Promise<StatusFacts> {
  const slow = context.spec.inside !== undefined;
  const options = { signal, timeoutMilliseconds: slow ? doorTimeoutMilliseconds : partTimeoutMilliseconds };
  const [postmasters, supervisor, plan, pooler] = await Promise.all([
    findPostmasters(context),
    answer((limit) => keeperState(context, limit), options),
    answer((limit) => context.runtime.currentPlan(limit), options),
    answer((limit) => poolerState(context, limit), options),
  ]);
  const patroni = valueIn(plan)?.units.find(({ component }) => component === 'patroni');
  return {
    stateDirectory: context.stateDirectory,
    postmasters,
    supervisor: valueIn(supervisor) ?? { pid: undefined, alive: undefined },
    // argv ends with the script and its configuration file.
    patroniOrigin: patroni?.argv.at(-2),
    poolerPaused: pooler.ok && pooler.value !== undefined ? pooler.value === 'paused' : undefined,
  };
}

/** Of what keeps the units running: the supervisor, or the engine, which has no process of the cluster's. */
async function keeperState({ runtime, stateDirectory }: ClusterContext, signal: AbortSignal) {
  if (runtime.kind === 'process') return await supervisorState(stateDirectory, signal);
  return { pid: undefined, alive: await runtime.isActive(signal) };
}

/**
 * The pid of each member's postmaster: the first line of `postmaster.pid`, believed only when a process with that pid works in
 * that data directory (pids are reused). Members without one are absent.
 * https://www.postgresql.org/docs/15/storage-file-layout.html
 */
export async function findPostmasters(context: ClusterContext): Promise<ReadonlyMap<string, number>> {
  if (context.runtime.kind !== 'process') return await findContainedPostmasters(context);
  const found = await Promise.all(
    context.spec.members.map(async ({ name }) => {
      const pid = await findPostmaster(memberDataDirectory(context.stateDirectory, name));
      return pid === undefined ? [] : [[name, pid] as const];
    }),
  );
  return new Map(found.flat());
}

/** In containers the pid file tells another number: of the processes of a member it is the oldest one that was started on its data directory. */
async function findContainedPostmasters({
  spec,
  runtime,
  stateDirectory,
}: ClusterContext): Promise<ReadonlyMap<string, number>> {
  const units = await runtime.status(AbortSignal.timeout(partTimeoutMilliseconds)).catch(() => []);
  const found = spec.members.flatMap(({ name }) => {
    const data = dataDirectoryOf(spec, stateDirectory, name);
    const pids = units.find(({ id }) => id === name)?.pids ?? [];
    const pid = pids.find((each) => {
      const words = readCmdline(each);
      return words[0]?.endsWith('/postgres') === true && words.includes(data);
    });
    return pid === undefined ? [] : [[name, pid] as const];
  });
  return new Map(found);
}

/** See findPostmasters; undefined: none runs there, or this account may not know. */
export async function findPostmaster(dataDirectory: string): Promise<number | undefined> {
  try {
    const pid = Number((await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n', 1)[0]);
    if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
    const data = await realpath(dataDirectory);
    const worksIn = readCwd(pid);
    // Root in a container may not see where others work; the command line names the folder too (-D).
    const believed = worksIn === undefined ? readCmdline(pid).includes(data) : worksIn === data;
    return believed ? pid : undefined;
  } catch {
    return undefined;
  }
}
