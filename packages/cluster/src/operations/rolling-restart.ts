import type { ClusterContext } from '../context.js';
import { actionTimedOut, noLeader } from '../errors.js';
import { allStreaming } from '../up/wait-until-up.js';
import { fetchView } from '../view/fetch-view.js';
import type { ClusterView } from '../view/view.js';
import { type ActionResult, waitForView } from '../view/wait-for-view.js';
import { findReachableMember } from './find-member.js';
import { lockCluster } from './lock-cluster.js';
import { describe } from './promotion.js';
import { type RestartOptions, restartNow } from './restart.js';

export interface RollingRestartResult extends ActionResult {
  /** In the order in which they were restarted. */
  readonly restarted: readonly string[];
  /** Members on which a changed setting waits for yet another restart. */
  readonly pendingRestart: readonly string[];
  readonly newLeader: string | undefined;
  /** How long clients of the pooler waited at most; undefined: they were not made to. */
  readonly pausedMilliseconds: number | undefined;
}

/**
 * Who is restarted, in this order: replicas, then synchronous standbys, so that each has another one to hand its duty to, the primary last.
 * Pure. A member that does not answer is refused: HF_CLUSTER_MEMBER_UNREACHABLE.
 */
export function planRollingRestart(
  view: ClusterView,
  request: { readonly pendingOnly?: boolean | undefined },
): readonly string[] {
  if (view.leader === undefined) throw noLeader(view.spec.name, 'a rolling restart');
  const members = view.members.map(({ name }) => findReachableMember(view, name));
  const rank = (name: string) => (name === view.leader ? 2 : view.synchronousStandbys.includes(name) ? 1 : 0);
  return members
    .filter(({ pendingRestart }) => !request.pendingOnly || pendingRestart === true)
    .map(({ name }) => name)
    .sort((one, other) => rank(one) - rank(other) || one.localeCompare(other, 'en', { numeric: true }));
}

const settleMilliseconds = 120_000;

/**
 * Restarts PostgreSQL of every member, one at a time. Between any two the cluster is whole again: everybody streams, and where replication
 * is synchronous there is a standby for it. The primary steps down before its restart. HF_LOCKED while somebody else is at it.
 */
export async function restartAll(
  context: ClusterContext,
  options: RestartOptions & { readonly pendingOnly?: boolean | undefined; readonly inPlace?: boolean | undefined },
): Promise<RollingRestartResult> {
  await using _lock = await lockCluster(context, 'holdfast restart --all', options.signal);
  const from = performance.now();
  const before = await fetchView(context, options.signal);
  const restarted: string[] = [];
  const pauses: number[] = [];
  let newLeader: string | undefined;
  for (const member of planRollingRestart(before, options)) {
    await untilWhole(context, options);
    const result = await restartNow(context, { ...options, pendingOnly: false, member });
    restarted.push(member);
    newLeader = result.newLeader ?? newLeader;
    if (result.pausedMilliseconds !== undefined) pauses.push(result.pausedMilliseconds);
  }
  const after = restarted.length > 0 ? await untilWhole(context, options) : before;
  return {
    before,
    after,
    restarted,
    pendingRestart: after.members.filter(({ pendingRestart }) => pendingRestart === true).map(({ name }) => name),
    newLeader,
    pausedMilliseconds: pauses.length > 0 ? Math.max(...pauses) : undefined,
    durationMilliseconds: Math.round(performance.now() - from),
  };
}

async function untilWhole(
  context: ClusterContext,
  { signal, progress, ...options }: RestartOptions,
): Promise<ClusterView> {
  const timeoutMilliseconds = options.timeoutMilliseconds ?? settleMilliseconds;
  const first = await fetchView(context, signal);
  if (allStreaming(first)) return first;
  progress.step('waiting until every member streams');
  const { view, reached } = await waitForView(context, allStreaming, { signal, timeoutMilliseconds });
  if (!reached) throw actionTimedOut('The rolling restart', timeoutMilliseconds, describe(view));
  return view;
}
