import type { ClusterContext } from '../context.js';
import {
  alreadyLeader,
  candidateRefused,
  leaderSilent,
  noCandidate,
  noLeader,
  pausedNeedsCandidate,
} from '../errors.js';
import { fetchView } from '../view/fetch-view.js';
import type { ClusterView } from '../view/view.js';
import { waitForView } from '../view/wait-for-view.js';
import { byPreference, switchoverObstacle } from './candidate.js';
import { findMember, patroniOf, spokesman } from './find-member.js';
import { type PromotionOptions, type PromotionResult, promote } from './promotion.js';

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

/**
 * Hands the leader's role over in an orderly way and waits until the new primary is there and, for a while, until the old one follows it.
 * Throws HF_SWITCHOVER_…, HF_CLUSTER_… when it is refused, fails or takes too long.
 */
export async function switchover(
  context: ClusterContext,
  options: PromotionOptions & { readonly to?: string | undefined },
): Promise<PromotionResult> {
  const before = await viewToSwitchIn(context, options);
  const plan = planSwitchover(before, options);
  const client = patroniOf(context, spokesman(before));
  const ask = (signal: AbortSignal) => client.switchover(plan, signal);
  return promote(context, before, { name: 'switchover', candidate: plan.candidate, ask }, options);
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
