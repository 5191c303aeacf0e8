import { HoldfastError } from '@holdfast/spec';
import type { ClusterContext, Progress } from '../context.js';
import { actionFailed, actionTimedOut } from '../errors.js';
import { type DrainOptions, whilePoolerPaused } from '../pooler/paused-pooler.js';
import { fetchView } from '../view/fetch-view.js';
import type { ClusterView } from '../view/view.js';
import { type ActionResult, waitForView } from '../view/wait-for-view.js';
import { findReachableMember, patroniOf } from './find-member.js';
import { lockCluster } from './lock-cluster.js';
import { startTimeOf } from './member-connection.js';
import { describe } from './promotion.js';
import { prepareOldPrimary } from './standby-readiness.js';
import { moveLeader } from './switchover.js';
import { waitUntilWritableBy } from './wait-until-writable.js';

export interface RestartRequest {
  readonly member: string;
  /** Only when a changed parameter waits for a restart. */
  readonly pendingOnly?: boolean | undefined;
  /** A primary is restarted as the primary; otherwise another member takes over first. */
  readonly inPlace?: boolean | undefined;
}

export interface RestartOptions extends DrainOptions {
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** For each member; default 120 s. */
  readonly timeoutMilliseconds?: number | undefined;
}

export interface RestartResult extends ActionResult {
  readonly restarted: boolean;
  /** Who is the primary now, where that changed. */
  readonly newLeader: string | undefined;
  /** How long clients of the pooler waited; undefined: they were not made to. */
  readonly pausedMilliseconds: number | undefined;
}

/**
 * How the member's PostgreSQL is to be restarted, or a refusal. Pure. `replica`: nobody who writes notices. `step down`: another member
 * becomes the primary first. `in place`: the primary, while clients of the pooler wait.
 */
export function planRestart(
  view: ClusterView,
  request: RestartRequest,
): 'nothing' | 'replica' | 'step down' | 'in place' {
  const member = findReachableMember(view, request.member);
  if (request.pendingOnly && member.pendingRestart !== true) return 'nothing';
  if (member.name !== view.leader) return 'replica';
  return request.inPlace || view.members.length === 1 ? 'in place' : 'step down';
}

/** `restartNow` as a command of its own: nobody else changes the cluster meanwhile (HF_LOCKED). */
export async function restartMember(
  context: ClusterContext,
  options: RestartRequest & RestartOptions,
): Promise<RestartResult> {
  await using _lock = await lockCluster(context, `holdfast restart ${options.member}`, options.signal);
  return await restartNow(context, options);
}

/** Restarts PostgreSQL of one member and waits until it serves again. The caller holds the cluster's lock. */
export async function restartNow(
  context: ClusterContext,
  options: RestartRequest & RestartOptions,
): Promise<RestartResult> {
  const from = performance.now();
  const before = await fetchView(context, options.signal);
  const way = planRestart(before, options);
  const done = way === 'nothing' ? undefined : await restartBy(way, context, before, options);
  return {
    before,
    after: done?.after ?? before,
    restarted: way !== 'nothing',
    newLeader: done?.newLeader,
    pausedMilliseconds: done?.pausedMilliseconds,
    durationMilliseconds: Math.round(performance.now() - from),
  };
}

const defaultMilliseconds = 120_000;

interface Done {
  readonly after: ClusterView;
  readonly newLeader?: string;
  readonly pausedMilliseconds?: number | undefined;
}

async function restartBy(
  way: 'replica' | 'step down' | 'in place',
  context: ClusterContext,
  before: ClusterView,
  options: RestartRequest & RestartOptions,
): Promise<Done> {
  if (way === 'replica') return { after: await restartThroughPatroni(context, before, options) };
  if (way === 'in place') return await restartInPlace(context, before, options);
  const startedAt = await startTimeOf(context, options.member);
  const { newLeader, pausedMilliseconds } = await moveLeader(context, {
    signal: options.signal,
    progress: options.progress,
    drainMilliseconds: options.drainMilliseconds,
    force: options.force,
  });
  const { signal, timeoutMilliseconds = defaultMilliseconds } = options;
  const after = await untilItServes(context, options.member, { signal, timeoutMilliseconds });
  // Stepping down has ended its PostgreSQL; it runs as a replica since.
  const restarted = startedAt !== undefined && (await startTimeOf(context, options.member)) !== startedAt;
  const last = restarted ? after : await restartThroughPatroni(context, after, options);
  return { after: last, newLeader, pausedMilliseconds };
}

async function restartInPlace(
  context: ClusterContext,
  before: ClusterView,
  options: RestartRequest & RestartOptions,
): Promise<Done> {
  const old = await prepareOldPrimary(context, options.member, options);
  let restarting: Promise<ClusterView> | undefined;
  const { pausedMilliseconds } = await whilePoolerPaused(context, before, options, async () => {
    restarting = restartThroughPatroni(context, before, options);
    // Without knowing the old one there is no telling the new one from it until Patroni is done.
    if (old === undefined) await restarting;
    await waitUntilWritableBy(restarting, context, ({ startedAt }) => startedAt !== old?.startedAt, {
      signal: options.signal,
      timeoutMilliseconds: writableMilliseconds,
    });
  });
  return { after: (await restarting) ?? before, pausedMilliseconds };
}

/** Clients then go on waiting in HAProxy. */
const writableMilliseconds = 20_000;

/**
 * Patroni's own restart: a synchronous standby has another one named first (patroni/ha.py, while_not_sync_standby). Waits until the
 * member serves.
 */
async function restartThroughPatroni(
  context: ClusterContext,
  before: ClusterView,
  { member, signal, progress, timeoutMilliseconds }: RestartRequest & RestartOptions,
): Promise<ClusterView> {
  const timeout = timeoutMilliseconds ?? defaultMilliseconds;
  const end = performance.now() + timeout;
  progress.step(`restarting PostgreSQL of ${member}`);
  const limit = AbortSignal.timeout(timeout);
  try {
    await patroniOf(context, member).restart(AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted) throw actionTimedOut('The restart', timeout, describe(before));
    const words = error instanceof HoldfastError ? (error.detail ?? error.message) : String(error);
    throw actionFailed('The restart', words, error);
  }
  return await untilItServes(context, member, { signal, timeoutMilliseconds: Math.max(1000, end - performance.now()) });
}

async function untilItServes(
  context: ClusterContext,
  member: string,
  options: { readonly signal: AbortSignal; readonly timeoutMilliseconds: number },
): Promise<ClusterView> {
  const { view, reached } = await waitForView(context, (each) => serves(each, member), options);
  if (!reached) throw actionTimedOut('The restart', options.timeoutMilliseconds, describe(view));
  return view;
}

/** Pure. */
function serves(view: ClusterView, member: string): boolean {
  return view.members.some(
    ({ name, state, role }) => name === member && (role === 'primary' ? state === 'running' : state === 'streaming'),
  );
}
