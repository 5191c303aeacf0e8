import type { AgentView } from './view.js';

/**
 * Whether this member is the primary that clients may be sent to.
 * - `up`: PostgreSQL is a primary, and that this member holds the lock is proven by something younger than `fresh`
 * - `down`: it is not the primary, or nothing has proven it for `unproven`
 * - `unsure`: in between; whoever asks gets no answer and keeps what it knew
 */
export type GateVerdict = 'up' | 'down' | 'unsure';

/**
 * Pure. Invariant: `up` is never said by an agent that anybody may have sealed. A seal on silence needs most of the others to have heard
 * nothing of this member for `silence`, while a proof is no older than `fresh` < `silence` at its beginning, and is one of: etcd's own
 * answer to a linearizable read that this member holds the lock; or another member's agent having heard this one, so many of them
 * that the rest are not most. Both age in real time, so that a paused agent wakes up without one.
 * The answer of etcd may be from just before a seal, and whoever was sealed may not learn of it: so nobody says `up` before the lock has been
 * seen to be its own for `fresh`; by then what the last holder could go by has expired.
 */
export function judgeGate(view: AgentView): GateVerdict {
  const { own, settings, dcs, memory } = view;
  if (own.postgres === 'unknown') return 'unsure';
  if (own.postgres !== 'primary') return 'down';
  const holder = dcs?.keys.leader;
  if (own.deposed !== undefined || (holder !== undefined && holder !== view.me)) return 'down';
  // Commits that nobody waits for would be lost by a second failure: strict mode lets clients in only when it holds.
  if (settings.mode === 'strict' && !own.commitsWait) return 'down';
  // It has only just started, or etcd has not answered since: a primary that others may well know is not taken down for that.
  if (own.proof === undefined) return 'unsure';
  if (own.proof > settings.unproven) return 'down';
  // A lock that ran out while Patroni went on without etcd (failsafe_mode) is nobody's; Patroni takes it back within its loop.
  if (dcs !== undefined && holder === undefined) return 'unsure';
  return own.proof <= settings.fresh && (memory.leading ?? 0) >= settings.fresh ? 'up' : 'unsure';
}
