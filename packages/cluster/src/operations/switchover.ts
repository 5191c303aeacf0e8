import type { ClusterContext } from '../context.js';
import {
  actionTimedOut,
  alreadyLeader,
  candidateRefused,
  leaderSilent,
  noCandidate,
  noLeader,
  pausedNeedsCandidate,
} from '../errors.js';
import { type DrainOptions, whilePoolerPaused } from '../pooler/paused-pooler.js';
import { fetchView } from '../view/fetch-view.js';
import type { ClusterView } from '../view/view.js';
import { waitForView } from '../view/wait-for-view.js';
import { byPreference, switchoverObstacle } from './candidate.js';
import { findMember, patroniOf, spokesman } from './find-member.js';
import { handOver, mayHandOver } from './handover.js';
import { lockCluster } from './lock-cluster.js';
import { askForPromotion, describe, followUp, type PromotionOptions, type PromotionResult } from './promotion.js';
import { prepareOldPrimary, waitForReplay } from './standby-readiness.js';
import { waitUntilWritableBy } from './wait-until-writable.js';

export interface SwitchoverPlan {
  readonly leader: string;
  readonly candidate: string;
}

/**
 * Decides who takes over from the leader, or refuses. Pure. Without `to`: a synchronous standby where there are any, else the member
 * that lags least. In a synchronous mode nobody but a synchronous standby is ever chosen or accepted.
 */
export function planSwitchover(view: ClusterView, request: { readonly to?: string | undefined }): SwitchoverPlan {
  const named = request.to === undefined ? undefined : findMember(view, request.to);
  const { leader } = view;
  if (leader === undefined) throw noLeader(view.spec.name, 'a switchover');
  if (view.members.find(({ name }) => name === leader)?.state === 'unreachable') throw leaderSilent(leader);
  if (named) {
    if (named.name === leader) throw alreadyLeader(leader);
    const obstacle = switchoverObstacle(view, named);
    if (obstacle) throw candidateRefused(named.name, obstacle);
    return { leader, candidate: named.name };
  }
  if (view.paused) throw pausedNeedsCandidate();
  const others = view.members.filter(({ name }) => name !== leader);
  const [candidate] = others.filter((member) => !switchoverObstacle(view, member)).sort(byPreference(view));
  if (!candidate) {
    throw noCandidate(
      'a switchover',
      others.map((member) => `${member.name}: ${switchoverObstacle(view, member)}`),
    );
  }
  return { leader, candidate: candidate.name };
}

export interface SwitchoverOptions extends PromotionOptions, DrainOptions {
  /** Default: see planSwitchover. */
  readonly to?: string | undefined;
}

export interface SwitchoverResult extends PromotionResult {
  /** By one transaction of etcd, or by Patroni's own switchover (see mayHandOver). */
  readonly method: 'handover' | 'patroni';
  /** How long clients of the pooler waited; undefined: they were not made to. */
  readonly pausedMilliseconds: number | undefined;
}

/** `moveLeader` as a command of its own: nobody else changes the cluster meanwhile (HF_LOCKED). */
export async function switchover(context: ClusterContext, options: SwitchoverOptions): Promise<SwitchoverResult> {
  await using _lock = await lockCluster(context, 'holdfast switchover', options.signal);
  return await moveLeader(context, options);
}

/**
 * Hands the leader's role over while the pooler holds its clients, and waits until the new primary takes writes and, for a while, until
 * the old one follows it. The caller holds the cluster's lock. Throws HF_SWITCHOVER_…, HF_CLUSTER_…, HF_POOLER_… when it is
 * refused, fails or takes too long.
 */
export async function moveLeader(context: ClusterContext, options: SwitchoverOptions): Promise<SwitchoverResult> {
  const before = await viewToSwitchIn(context, options);
  const plan = planSwitchover(before, options);
  const method = mayHandOver(before, plan) ? 'handover' : 'patroni';
  const old = await prepareOldPrimary(context, plan.leader, options);
  const from = performance.now();
  const timeline = old?.timeline ?? before.timeline ?? 0;
  let action: Promise<void> | undefined;
  const switching = async () => {
    const began = performance.now();
    action =
      method === 'handover' ? handOverNow(context, plan, options) : switchByPatroni(context, before, plan, options);
    const limits = { signal: options.signal, timeoutMilliseconds: writableMilliseconds };
    if (!(await waitUntilWritableBy(action, context, (server) => server.timeline > timeline, limits)))
      options.progress.note(`no write came through within ${writableMilliseconds / 1000} s; clients go on waiting`);
    return Math.round(performance.now() - began);
  };
  const { result: milliseconds, pausedMilliseconds } = await whilePoolerPaused(context, before, options, switching);
  await action;
  const view = await untilPrimary(context, plan, options);
  const rest = await followUp(context, before, { view, milliseconds, from, candidate: plan.candidate }, options);
  return { ...rest, method, pausedMilliseconds };
}

/** Clients wait longer than this only for a cluster that is in trouble, and then in HAProxy. */
const writableMilliseconds = 20_000;
const replayMilliseconds = 500;

async function handOverNow(context: ClusterContext, plan: SwitchoverPlan, options: SwitchoverOptions): Promise<void> {
  const { signal, progress } = options;
  await waitForReplay(context, plan, { signal, timeoutMilliseconds: replayMilliseconds });
  progress.step(`switchover: ${plan.leader} → ${plan.candidate}`);
  await handOver(context, plan, signal);
}

async function switchByPatroni(
  context: ClusterContext,
  before: ClusterView,
  plan: SwitchoverPlan,
  options: SwitchoverOptions,
): Promise<void> {
  const client = patroniOf(context, spokesman(before));
  const ask = (signal: AbortSignal) => client.switchover(plan, signal);
  await askForPromotion(context, before, { name: 'switchover', candidate: plan.candidate, ask }, options);
}

/** The first view that shows the new primary. */
async function untilPrimary(
  context: ClusterContext,
  { leader }: SwitchoverPlan,
  options: SwitchoverOptions,
): Promise<ClusterView> {
  const isThere = (view: ClusterView) =>
    view.members.some(({ name, role, state }) => role === 'primary' && state === 'running' && name !== leader);
  const timeoutMilliseconds = options.timeoutMilliseconds ?? (context.spec.patroni.ttl + 20) * 1000;
  const { view, reached } = await waitForView(context, isThere, { signal: options.signal, timeoutMilliseconds });
  if (!reached) throw actionTimedOut('The switchover', timeoutMilliseconds, describe(view));
  return view;
}

/**
 * True while only time is missing: after a change of the primary Patroni names no synchronous standby for some seconds, and until
 * then it would refuse everybody. Pure.
 */
export function awaitsSynchronousStandby(view: ClusterView): boolean {
  const leader = view.members.find(({ name }) => name === view.leader);
  return (
    view.spec.synchronous.mode !== 'off' &&
    leader?.role === 'primary' &&
    leader.state === 'running' &&
    view.synchronousStandbys.length === 0 &&
    view.members.some(({ state }) => state === 'streaming')
  );
}

/** The view to decide in: at once, or, where a synchronous standby is about to be named, then. */
async function viewToSwitchIn(context: ClusterContext, { signal, progress }: PromotionOptions): Promise<ClusterView> {
  const view = await fetchView(context, signal);
  if (!awaitsSynchronousStandby(view)) return view;
  progress.step('waiting for a synchronous standby');
  const timeoutMilliseconds = (2 * context.spec.patroni.loopWait + 10) * 1000;
  const settled = await waitForView(context, (each) => !awaitsSynchronousStandby(each), {
    signal,
    timeoutMilliseconds,
  });
  return settled.view;
}
