import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ClusterContext, Progress } from '@holdfast/cluster';
import { type ExitCodeValue, HoldfastError } from '@holdfast/spec';
import { insideEnded } from './errors.js';
import { findObstacles, type Obstacles } from './lab/abilities.js';
import { createLab, type Lab } from './lab/lab.js';
import { type LabClusterOptions, labHosts } from './lab/lab-spec.js';
import { inNamespace } from './lab/run-tool.js';
import type { FromInside, ToInside } from './messages.js';
import { type ChaosPlay, type ChaosResult, removeTraces, runJob } from './run-job.js';
import { type LabJob, runLabJob } from './run-lab-job.js';
import { planRun } from './scenarios/plan-run.js';

export interface RunOptions {
  /** Names of scenarios. */
  readonly scenarios: readonly string[];
  readonly seed: string;
  /** How often the scenarios are gone through. */
  readonly rounds: number;
  readonly work: Omit<ChaosPlay, 'plan'>;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface LabRunOptions extends RunOptions {
  readonly cluster: LabClusterOptions;
  /** Leave the lab and its cluster running. */
  readonly keep: boolean;
}

export interface LabRun {
  readonly result: ChaosResult;
  /** What was kept: how to reach it and how to remove it. */
  readonly kept: Lab['remains'] | undefined;
}

/**
 * Starts a cluster in a lab of its own, plays, judges, and removes the lab. As root the lab has network namespaces; else everything is on
 * loopback, and network faults are skipped. Throws HF_CHAOS_* and what `up` throws.
 */
export async function runInLab(options: LabRunOptions): Promise<LabRun> {
  const { cluster, signal, progress } = options;
  progress.step('Looking at what is possible here');
  const obstacles = await findObstacles(signal);
  const play = planPlay(options, cluster, clusterObstacles(cluster.agents, true, obstacles));
  progress.step('Making the lab');
  const hosts = obstacles.network === undefined ? labHosts(cluster) : undefined;
  await using lab = await createLab({ hosts, signal });
  const job: LabJob = { play, lab: lab.description, cluster };
  if (options.keep) {
    try {
      const result = await runWhere(job, lab, options);
      return { result, kept: lab.remains };
    } finally {
      lab.keep();
    }
  }
  return { result: await runWhere(job, lab, options), kept: undefined };
}

/** Plays against a cluster that runs already: processes only. Its own data is not touched; the tables of the workloads are removed. */
export async function runOnCluster(context: ClusterContext, options: RunOptions): Promise<ChaosResult> {
  const { signal, progress } = options;
  const reason = 'faults of networks and disks need a lab';
  const { failover, pooler, members } = context.spec;
  const elsewhere =
    'single processes can be killed, and any be frozen or kept down, only where they are on this machine';
  const obstacles = clusterObstacles(failover.enabled, pooler.enabled, {
    ...{ network: reason, disk: reason, clock: reason },
    ...(context.runtime.isHere ? {} : { processes: elsewhere }),
  });
  const play = planPlay(options, { members: members.length, agents: failover.enabled }, obstacles);
  try {
    return await runJob({ play, context, lab: undefined, signal, progress });
  } finally {
    await removeTraces(context, AbortSignal.timeout(30_000)).catch((error: unknown) =>
      progress.note(`the tables of the workloads are still there: ${String(error)}`),
    );
  }
}

function planPlay(
  { scenarios, seed, rounds, work, progress }: RunOptions,
  { members, agents }: Pick<LabClusterOptions, 'members' | 'agents'>,
  impossible: Obstacles,
): ChaosPlay {
  const plan = planRun(scenarios, seed, rounds, { members, agents, impossible });
  progress.note(`seed ${seed}: ${scenarios.join(', ')}${rounds === 1 ? '' : `, ${rounds} times`}`);
  return { ...work, plan };
}

function clusterObstacles(agents: boolean, pooler: boolean, obstacles: Obstacles): Obstacles {
  return {
    ...(agents ? {} : { agents: 'the cluster has no agents' }),
    ...(pooler ? {} : { pooler: 'the cluster has no pooler' }),
    ...obstacles,
  };
}

async function runWhere(job: LabJob, lab: Lab, { signal, progress }: RunOptions): Promise<ChaosResult> {
  const { network } = lab.description;
  if (network === undefined) return await runLabJob(job, signal, progress);
  return await runInside(network.namespace, job, signal, progress);
}

/** Compiled code, also when we run from the sources (in tests). */
const insideProgram = fileURLToPath(new URL('./run-inside.js', import.meta.url)).replace('/chaos/src/', '/chaos/dist/');

/** How long the process inside may take to heal everything after it was interrupted. */
const abortMilliseconds = 60_000;

async function runInside(
  namespace: string,
  job: LabJob,
  signal: AbortSignal,
  progress: Progress,
): Promise<ChaosResult> {
  const [program = '', ...args] = inNamespace(namespace, [process.execPath, insideProgram]);
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const send = (message: ToInside) => void (child.connected && child.send(message));
  let patience: NodeJS.Timeout | undefined;
  const onAbort = () => {
    send({ kind: 'abort' });
    patience = setTimeout(() => child.kill('SIGKILL'), abortMilliseconds);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await new Promise<ChaosResult>((resolve, reject) => {
      child.once('error', reject);
      child.on('message', (message: FromInside) => {
        if (message.kind === 'done') resolve(message.result);
        else if (message.kind === 'failed') reject(rebuild(message));
        else progress[message.kind](message.text);
      });
      // Messages that were sent before the end arrive before `close`.
      child.once('close', (code, ended) => reject(insideEnded(ended ?? `exit ${code}`)));
      send({ kind: 'job', job });
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(patience);
    if (child.exitCode === null && child.signalCode === null) {
      if (child.connected) child.disconnect();
      child.kill('SIGKILL');
    }
  }
}

function rebuild({ error, exitCode }: Extract<FromInside, { kind: 'failed' }>): HoldfastError {
  return new HoldfastError({ ...error, exitCode: exitCode as ExitCodeValue });
}
