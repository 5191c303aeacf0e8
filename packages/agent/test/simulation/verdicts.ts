import type { Acknowledged } from './clients.js';
import type { Outcome } from './world.js';

/**
 * Acknowledged by somebody who had to ask a synchronous standby first, or in strict mode through HAProxy, and gone. Not counted where Patroni
 * itself took a lock back that it no longer had: its update_leader creates the missing key from a view of before, with no race and no look at
 * timelines, and goes on with its old log (Etcd3._update_leader, Ha.recover). That needs a frozen Patroni and a leader key that ran out, in
 * failsafe mode or while the next leader fails too; agents or none, it is the same.
 */
export function lostWrites(outcome: Outcome, mode: string): readonly Acknowledged[] {
  if (outcome.tookBack > 0) return [];
  return outcome.lost.filter(({ waited, routed }) => waited || (routed && mode === 'strict'));
}

/**
 * What an old primary acknowledged after a newer one had acknowledged a write, and the newer one had not received before its promotion.
 * What it had received may still be acknowledged late: the standby's answer was under way, or waited for a frozen primary.
 */
export function lateWrites({ acknowledged, promotions }: Outcome): readonly Acknowledged[] {
  return promotions.flatMap(({ at: promoted, who, has }) => {
    const first = acknowledged.find((each) => each.by === who && each.at >= promoted && each.waited);
    if (first === undefined) return [];
    const again = (name: string) => promotions.some((each) => each.who === name && each.at >= promoted);
    return acknowledged.filter(
      ({ by, at, waited, write }) => by !== who && waited && at > first.at && !again(by) && !has.has(write),
    );
  });
}

export function countActions({ actions }: Outcome, ...kinds: readonly string[]): number {
  return actions.filter(({ action }) => kinds.includes(action.kind)).length;
}

/** Members that were no primary in this run and had to be rewound all the same. */
export function rewoundStandbys({ rewinds, promotions }: Outcome): readonly string[] {
  return rewinds.map(({ who }) => who).filter((name) => !promotions.some(({ who }) => who === name));
}
