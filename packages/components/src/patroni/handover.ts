import type { EtcdTransaction } from '../clients.js';
import type { PatroniKeys } from './keys.js';

/** A change of the leader key that is either made as a whole or not at all. */
export interface Handover {
  readonly transaction: EtcdTransaction;
  /** To revoke once the transaction succeeded: the old leader's. */
  readonly lease: string;
}

/**
 * Hands Patroni's lock from its holder to a synchronous standby. Pure.
 *
 * Patroni's lock is the key `leader`: its value is the holder's name, its lease the holder's own, the one that its member key
 * hangs on as well (patroni/dcs/etcd3.py, touch_member and _do_attempt_to_acquire_leader). Put with the candidate's name and lease, it
 * is the candidate's lock, as if it had won the race: its Patroni wakes up on the change, finds itself the holder (Ha.has_lock) and
 * promotes (Ha.process_healthy_cluster, enforce_primary_role); all others follow it at once. There is no moment without a holder, so
 * nobody races, the old holder neither.
 *
 * Invariant: if the transaction succeeds, the candidate was listed in /sync and its Patroni held that lease in the very revision before, and the
 * old holder cannot take another synchronous standby any more, because Patroni does so only by a compare-and-swap on the
 * revision of /sync (Ha._process_multisync_replication), which is written anew here with the same content. The leader comes
 * first: Patroni applies the events of a revision one by one, in this order, and may look in between (KVCache._process_event, copy). Who then
 * saw the new /sync and the old leader would be the old holder, with the revision that lets it change /sync after all.
 *
 * Undefined: there is no leader, no /sync of this leader, or the candidate is not listed in it or has no member key with a lease.
 */
export function planHandover(keys: PatroniKeys, candidate: string): Handover | undefined {
  const { leader, sync } = keys.raw;
  const member = keys.raw.members.get(candidate);
  if (leader === undefined || sync === undefined || member === undefined || member.lease === '0') return undefined;
  if (keys.sync.leader !== leader.value || !keys.sync.standbys.includes(candidate)) return undefined;
  const from = keys.raw.members.get(leader.value);
  return {
    transaction: {
      compare: [
        { key: leader.key, modRevision: leader.modRevision },
        { key: leader.key, value: leader.value },
        { key: sync.key, modRevision: sync.modRevision },
        { key: member.key, lease: member.lease },
      ],
      success: [
        { put: leader.key, value: candidate, lease: member.lease },
        { put: sync.key, value: sync.value },
        ...(from === undefined ? [] : [{ delete: from.key }]),
      ],
    },
    lease: leader.lease,
  };
}

/**
 * Takes the lock from its holder and gives it to nobody, so that Patroni's ordinary race decides: what asynchronous and quorum mode
 * need, where the members ask each other for their positions. Only for a holder that is known to be dead. Pure. Undefined: no leader.
 */
export function planRelease(keys: PatroniKeys): Handover | undefined {
  const { leader } = keys.raw;
  if (leader === undefined) return undefined;
  const from = keys.raw.members.get(leader.value);
  return {
    transaction: {
      compare: [
        { key: leader.key, modRevision: leader.modRevision },
        { key: leader.key, value: leader.value },
      ],
      success: [{ delete: leader.key }, ...(from === undefined ? [] : [{ delete: from.key }])],
    },
    lease: leader.lease,
  };
}
