import type { ClusterContext } from '../context.js';
import { alreadyLeader, candidateRefused, mayLoseData, noCandidate } from '../errors.js';
import { fetchView } from '../view/fetch-view.js';
import type { ClusterView, MemberView } from '../view/view.js';
import { byPreference, promotionObstacle } from './candidate.js';
import { findMember, patroniOf } from './find-member.js';
import { type PromotionOptions, type PromotionResult, promote } from './promotion.js';

export interface FailoverRequest {
  readonly to?: string | undefined;
  /** Go on although acknowledged writes may be lost. */
  readonly allowDataLoss?: boolean | undefined;
}

export interface FailoverPlan {
  readonly leader: string | undefined;
  readonly candidate: string;
  /** What may be lost, for people; undefined: nothing. */
  readonly risk: string | undefined;
}

/**
 * Decides who is promoted without the leader's help, or refuses. Pure. A risk of losing acknowledged writes is refused
 * (HF_FAILOVER_MAY_LOSE_DATA) unless it is allowed by name.
 */
export function planFailover(view: ClusterView, request: FailoverRequest): FailoverPlan {
  const candidate = chooseCandidate(view, request.to);
  const risk = dataLossRisk(view, candidate);
  if (risk && !request.allowDataLoss) throw mayLoseData(candidate.name, risk);
  return { leader: view.leader, candidate: candidate.name, risk };
}

function chooseCandidate(view: ClusterView, to: string | undefined): MemberView {
  if (to !== undefined) {
    const named = findMember(view, to);
    if (named.name === view.leader) throw alreadyLeader(named.name);
    const obstacle = promotionObstacle(named);
    if (obstacle) throw candidateRefused(named.name, obstacle);
    return named;
  }
  const others = view.members.filter(({ name }) => name !== view.leader);
  const [best] = others.filter((member) => !promotionObstacle(member)).sort(byPreference(view));
  if (best) return best;
  throw noCandidate(
    'a failover',
    others.map((member) => `${member.name}: ${promotionObstacle(member)}`),
  );
}

/**
 * Where every listed standby must acknowledge (`on`, `strict`) each of them has every acknowledged write; in `quorum` mode any of them
 * may be behind. Any other member has them only if a living primary says so: the last position that a dead one reported is old by
 * up to loop_wait.
 */
export function dataLossRisk(view: ClusterView, candidate: MemberView): string | undefined {
  const everyStandbyAcknowledges = view.spec.synchronous.mode === 'on' || view.spec.synchronous.mode === 'strict';
  if (everyStandbyAcknowledges && view.synchronousStandbys.includes(candidate.name)) return undefined;
  const primary = view.members.find(({ role }) => role === 'primary');
  if (!primary || primary.state === 'unreachable')
    return 'the primary does not answer, what it wrote last is not known';
  if (candidate.lagBytes === undefined) return `the position of ${candidate.name} is not known`;
  if (candidate.lagBytes > 0) return `${candidate.name} is ${candidate.lagBytes} bytes behind`;
  return undefined;
}

/** Manual failover: needs no leader. Throws like switchover, and HF_FAILOVER_MAY_LOSE_DATA. */
export async function failover(
  context: ClusterContext,
  options: PromotionOptions & FailoverRequest,
): Promise<PromotionResult> {
  const before = await fetchView(context, options.signal);
  const plan = planFailover(before, options);
  if (plan.risk) options.progress.note(`acknowledged writes may be lost: ${plan.risk}`);
  const client = patroniOf(context, plan.candidate);
  const ask = (signal: AbortSignal) => client.failover({ candidate: plan.candidate }, signal);
  return promote(context, before, { name: 'failover', candidate: plan.candidate, ask }, options);
}
