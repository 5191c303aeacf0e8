import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterContext, Progress } from '@holdfast/cluster';
import { statePaths } from '@holdfast/components';
import { connectionUrl, HoldfastError } from '@holdfast/spec';
import { checkHistoryFile } from './check-history.js';
import type { Validity, Verdict } from './checkers/verdict.js';
import { clusterNotUp } from './errors.js';
import type { FaultWorld } from './faults/fault.js';
import { openHistory, type Recorder } from './history/recorder.js';
import type { WorkloadName } from './history/records.js';
import type { LabDescription } from './lab/lab.js';
import { renderReport } from './report/render-report.js';
import { renderVerdictText, verdictJson } from './report/render-verdict.js';
import { longestRunMilliseconds, type RunPlan } from './scenarios/plan.js';
import { awaitHealth, type PlayedRounds, playRounds } from './scenarios/play.js';
import { watchRoutes } from './scenarios/watch-routes.js';
import { describeWorkload, dropChaosSchema, type RunningWorkload, startWorkload } from './workloads/start-workload.js';

/** What to play, with which work. Plain data. */
export interface ChaosPlay {
  readonly plan: RunPlan;
  /** No round begins after so long. */
  readonly durationMilliseconds: number;
  readonly workloads: readonly WorkloadName[];
  /** Of each workload. */
  readonly clients: number;
  /** Operations a second and client. */
  readonly rate: number;
  /** Folder for the report, absolute. */
  readonly output: string;
  /** The command that plays the same again, for the report. */
  readonly replayCommand: string;
}

export interface ChaosResult {
  readonly seed: string;
  readonly output: string;
  readonly valid: Validity;
  readonly verdict: Verdict;
  /** The verdict for a terminal. */
  readonly text: string;
  readonly rounds: PlayedRounds;
  /** What went wrong with the run itself, as with a cluster that did not recover. */
  readonly trouble: { readonly code: string; readonly message: string; readonly exitCode: number } | null;
}

export interface JobOptions {
  readonly play: ChaosPlay;
  readonly context: ClusterContext;
  readonly lab: LabDescription | undefined;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** How long clients work before the first fault and after the last one. */
const calmMilliseconds = 2000;

/** Plays against a healthy, running cluster and judges what its clients saw. Writes plan, history, verdict and report. */
export async function runJob(options: JobOptions): Promise<ChaosResult> {
  const { play, context, signal, progress } = options;
  const { seed } = play.plan;
  await mkdir(play.output, { recursive: true, mode: 0o755 });
  await writeFile(join(play.output, 'plan.json'), `${JSON.stringify(play.plan, null, 2)}\n`);
  const history = join(play.output, 'history.ndjson');

  progress.step('Waiting for a healthy cluster');
  const world: FaultWorld = { context, lab: options.lab };
  await awaitHealth(world, signal);
  let rounds: PlayedRounds = { played: [], skipped: [], missed: 0 };
  let trouble: HoldfastError | undefined;
  {
    await using recorder = await openHistory(history, {
      seed,
      cluster: context.spec.name,
      synchronousMode: context.spec.synchronous.mode,
      members: Object.fromEntries(context.spec.members.map(({ name, host, port }) => [`${host}:${port}`, name])),
      workloads: play.workloads.map((name) => describeWorkload(name, play)),
    });
    const workloads = await startWorkloads(options, recorder);
    try {
      rounds = await underLoad(world, recorder, options);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof HoldfastError)) throw error;
      trouble = error;
    } finally {
      await Promise.all(workloads.map(async (workload) => await workload.stop()));
    }
    progress.step('Reading everything back');
    const deadlineMilliseconds = trouble === undefined ? 60_000 : 15_000;
    await Promise.all(workloads.map(async (workload) => await workload.finalRead({ deadlineMilliseconds, signal })));
  }

  progress.step('Checking the history');
  const { history: read, verdict } = await checkHistoryFile(history, signal);
  await writeFile(join(play.output, 'verdict.json'), `${JSON.stringify(verdictJson(read, verdict), null, 2)}\n`);
  const notes = [
    ...rounds.skipped.map(({ scenario, reason }) => `Skipped: ${scenario}: ${reason}.`),
    ...(trouble === undefined ? [] : [describe(trouble)]),
  ];
  const meta = { historyPath: history, replayCommand: play.replayCommand, notes };
  await writeFile(join(play.output, 'report.html'), renderReport(read, verdict, meta));
  if (verdict.valid !== true || trouble !== undefined) await keepLogs(context.stateDirectory, play.output);
  return {
    ...{ seed, output: play.output, valid: verdict.valid, verdict, rounds },
    text: renderVerdictText(read, verdict),
    trouble:
      trouble === undefined ? null : { code: trouble.code, message: describe(trouble), exitCode: trouble.exitCode },
  };
}

async function underLoad(
  world: FaultWorld,
  recorder: Recorder,
  { play, signal, progress }: JobOptions,
): Promise<PlayedRounds> {
  await using routes = watchRoutes(world, recorder);
  const calm = async () => await sleep(calmMilliseconds, undefined, { signal });
  await calm();
  const deadline = performance.now() + Math.min(play.durationMilliseconds, longestRunMilliseconds);
  const rounds = await playRounds(play.plan, deadline, { world, recorder, routes, progress, signal });
  progress.step('Waiting for the cluster to be healthy again');
  await awaitHealth(world, signal);
  await calm();
  return rounds;
}

async function startWorkloads({ play, context, signal }: JobOptions, recorder: Recorder) {
  const { spec } = context;
  const password = passwordOf(context);
  const started: RunningWorkload[] = [];
  try {
    for (const name of play.workloads) {
      started.push(
        await startWorkload(name, {
          ...{ clients: play.clients, rate: play.rate, seed: play.plan.seed, recorder, signal },
          url: connectionUrl(spec, 'rw', { password }),
          readOnlyUrl: connectionUrl(spec, 'ro', { password }),
        }),
      );
    }
  } catch (error) {
    await Promise.allSettled(started.map(async (workload) => await workload.stop()));
    throw error;
  }
  return started;
}

/** Removes the tables of the workloads. */
export async function removeTraces(context: ClusterContext, signal: AbortSignal): Promise<void> {
  await dropChaosSchema(connectionUrl(context.spec, 'rw', { password: passwordOf(context) }), signal);
}

function passwordOf({ secrets, spec }: ClusterContext): string {
  if (secrets === undefined) throw clusterNotUp(spec.name);
  return secrets.postgres;
}

/** Copies the logs of the units to the report; the lab's go with it. */
export async function keepLogs(stateDirectory: string, output: string): Promise<void> {
  await cp(statePaths(stateDirectory).logs, join(output, 'logs'), { recursive: true });
}

function describe({ message, detail }: HoldfastError): string {
  return detail === undefined ? message : `${message}\n${detail}`;
}
