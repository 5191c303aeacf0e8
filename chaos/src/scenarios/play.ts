import { setTimeout as sleep } from 'node:timers/promises';
import { fetchView, judgeHealth, type Progress, waitForView } from '@holdfast/cluster';
import { ExitCode, HoldfastError } from '@holdfast/spec';
import { notHealthyAgain } from '../errors.js';
import type { Fault, FaultWorld } from '../faults/fault.js';
import { faultKind } from '../faults/kinds.js';
import type { Recorder } from '../history/recorder.js';
import { findTarget } from './find-target.js';
import { healthLimitMilliseconds, type Round, type RunPlan, type Step } from './plan.js';
import type { RouteWatch } from './watch-routes.js';

export interface Stage {
  readonly world: FaultWorld;
  readonly recorder: Recorder;
  readonly routes: RouteWatch;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface PlayedRounds {
  readonly played: readonly string[];
  readonly skipped: readonly { readonly scenario: string; readonly reason: string }[];
  /** Faults that could not be injected because what they aim at was not there. */
  readonly missed: number;
}

/** How long healing one fault may take. */
const healLimitMilliseconds = 60_000;

/**
 * Plays the plan's rounds until they or the time is over; at the end, also when interrupted, every fault is healed. Throws
 * HF_CHAOS_NOT_HEALTHY when the cluster does not recover.
 */
export async function playRounds(plan: RunPlan, deadline: number, stage: Stage): Promise<PlayedRounds> {
  const open = new Map<number, OpenFault>();
  const played: string[] = [];
  const skipped: { scenario: string; reason: string }[] = [];
  const count = { missed: 0 };
  try {
    for (const [index, round] of plan.rounds.entries()) {
      if (performance.now() > deadline) break;
      if (round.impossible !== undefined) {
        skipped.push({ scenario: round.scenario, reason: round.impossible });
        stage.progress.note(`${round.scenario} skipped: ${round.impossible}`);
        continue;
      }
      stage.progress.step(`Round ${index + 1} of ${plan.rounds.length}: ${round.scenario}`);
      await playRound(round, open, count, stage);
      played.push(round.scenario);
    }
  } finally {
    for (const id of [...open.keys()]) await heal(id, open, stage);
  }
  return { played, skipped, missed: count.missed };
}

interface OpenFault {
  readonly name: string;
  readonly fault: Fault;
}

async function playRound(
  { scenario, steps }: Round,
  open: Map<number, OpenFault>,
  count: { missed: number },
  stage: Stage,
): Promise<void> {
  const { recorder, routes } = stage;
  recorder.record({ type: 'event', event: 'note', phase: 'at', name: `round: ${scenario}` });
  const before = routes.route();
  for (const step of steps) {
    stage.signal.throwIfAborted();
    await take(step, before, open, count, stage);
  }
}

async function take(
  step: Step,
  before: string | undefined,
  open: Map<number, OpenFault>,
  count: { missed: number },
  stage: Stage,
): Promise<void> {
  const { signal, routes } = stage;
  switch (step.kind) {
    case 'inject':
      if (!(await inject(step, before, open, stage))) count.missed++;
      return;
    case 'heal':
      await heal(step.id, open, stage);
      return;
    case 'pause':
      await sleep(step.milliseconds, undefined, { signal });
      return;
    case 'await-promotion': {
      const end = performance.now() + step.milliseconds;
      const promoted = () => routes.route() !== undefined && routes.route() !== before;
      while (!promoted() && performance.now() < end) await sleep(20, undefined, { signal });
      return;
    }
    case 'await-health':
      await awaitHealth(stage.world, signal, step.milliseconds);
  }
}

/** False: there was nobody to inject it into, which later faults of a round may meet. */
async function inject(
  { id, fault: name, role }: Extract<Step, { kind: 'inject' }>,
  before: string | undefined,
  open: Map<number, OpenFault>,
  { world, recorder, routes, progress, signal }: Stage,
): Promise<boolean> {
  const event = { type: 'event', event: 'fault', name, id } as const;
  try {
    const target = await findTarget(world, role, { route: routes.route(), before }, signal);
    const fault = faultKind(name).create(world, target, id);
    // First, so that it is healed although it was injected by half.
    open.set(id, { name, fault });
    recorder.record({
      ...event,
      phase: 'begin',
      targets: fault.targets,
      details: { role, description: fault.description },
    });
    await fault.inject(signal);
    progress.note(fault.description);
    return true;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.exitCode !== ExitCode.state) throw error;
    progress.note(`${name} missed: ${error.message}`);
    recorder.record({ type: 'event', event: 'note', phase: 'at', name: `${name} missed: ${error.message}` });
    return false;
  }
}

/** Has a time limit of its own and not the run's signal: an interrupted run must heal as well. */
async function heal(id: number, open: Map<number, OpenFault>, { recorder, progress }: Stage): Promise<void> {
  const found = open.get(id);
  if (found === undefined) return;
  await found.fault.heal(AbortSignal.timeout(healLimitMilliseconds));
  open.delete(id);
  recorder.record({
    type: 'event',
    event: 'fault',
    phase: 'end',
    name: found.name,
    id,
    targets: found.fault.targets,
  });
  progress.note(`healed: ${found.fault.description}`);
}

/** Throws HF_CHAOS_NOT_HEALTHY with what is wrong. */
export async function awaitHealth(
  { context }: FaultWorld,
  signal: AbortSignal,
  timeoutMilliseconds = healthLimitMilliseconds,
): Promise<void> {
  const { reached } = await waitForView(context, (view) => judgeHealth(view).level === 'healthy', {
    signal,
    timeoutMilliseconds,
    intervalMilliseconds: 250,
  });
  if (!reached) throw notHealthyAgain(timeoutMilliseconds, judgeHealth(await fetchView(context, signal)).reasons);
}
