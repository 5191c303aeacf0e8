import type { ClusterView, MemberView } from '../view/view.js';

/**
 * Why Patroni would not, or should not, promote this member in a switchover; undefined when it can. Pure.
 * Patroni itself demands, in every synchronous mode, that the candidate is listed in /sync.
 */
export function switchoverObstacle(view: ClusterView, member: MemberView): string | undefined {
  const common = promotionObstacle(member);
  if (common) return common;
  if (member.state !== 'streaming') return `it is ${member.state}, not streaming`;
  if (view.spec.synchronous.mode !== 'off' && !view.synchronousStandbys.includes(member.name)) {
    return 'it is not a synchronous standby';
  }
  if (member.lagBytes === undefined) return 'how far it lags behind is not known';
  const limit = view.spec.patroni.maximumLagOnFailover;
  if (member.lagBytes > limit)
    return `it lags ${member.lagBytes} bytes behind, more than the ${limit} that are allowed`;
  return undefined;
}

/** What rules a member out for any promotion. Pure. */
export function promotionObstacle(member: MemberView): string | undefined {
  if (member.state === 'unreachable') return 'its Patroni does not answer';
  if (member.role === 'unknown') return `it is ${member.state}`;
  if (isTagged(member, 'nofailover')) return 'it is tagged nofailover';
  return undefined;
}

/** Synchronous standbys first, then the least lag, then the name. Pure. */
export function byPreference(view: ClusterView): (one: MemberView, other: MemberView) => number {
  const rank = (member: MemberView) => (view.synchronousStandbys.includes(member.name) ? 0 : 1);
  const lag = (member: MemberView) => member.lagBytes ?? Number.MAX_SAFE_INTEGER;
  return (one, other) =>
    rank(one) - rank(other) || lag(one) - lag(other) || one.name.localeCompare(other.name, 'en', { numeric: true });
}

function isTagged(member: MemberView, tag: string): boolean {
  const value = member.tags[tag];
  return value === true || ['on', 'true', 'yes', '1'].includes(String(value).toLowerCase());
}
