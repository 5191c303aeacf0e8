import type { Operation } from '../history/operations.js';
import { type Check, checkBuilder, witness } from './verdict.js';

/**
 * Invariant: one primary at a time, as far as clients can tell. A reign is a member on a timeline; every acknowledged write on the read-write
 * port names the reign that answered it. Exactly these two things are checked:
 *
 * 1. No write that was *invoked* after a reign on a higher timeline had *acknowledged* its first write is acknowledged by another reign on a
 *    lower timeline. (A write whose interval overlaps that first acknowledgement cannot be ordered with it, so it proves nothing.)
 * 2. No two members acknowledge writes on the same timeline: a promotion always begins a new one, and a restart does not change the member.
 *
 * It sees only primaries that acknowledged something to a client of this history, and identities as they were when the connection was opened.
 * Complexity: O(n log n) in writes.
 */
export function checkSinglePrimary(operations: readonly Operation[]): readonly Check[] {
  const check = checkBuilder('single primary', 'At any time at most one member acknowledges writes.');
  const writes = operations.filter(isAcknowledgedWrite);
  const identified = writes.filter(({ server }) => server?.timeline !== undefined);
  const byCompletion = identified.toSorted((left, right) => left.completed - right.completed);

  const reigns = new Set<string>();
  const owners = new Map<number, Operation>();
  for (const operation of byCompletion) {
    const { member, timeline } = reignOf(operation);
    reigns.add(`${member}/${timeline}`);
    const owner = owners.get(timeline);
    if (owner === undefined) owners.set(timeline, operation);
    else if (reignOf(owner).member !== member) {
      check.found(
        'two primaries',
        `${reignOf(owner).member} and ${member} both acknowledged writes on timeline ${timeline}.`,
        () => [
          witness(owner, 'the first write on this timeline'),
          witness(operation, 'another member on the same timeline'),
        ],
      );
    }
  }

  // In the order of invocation, the highest timeline that had acknowledged something before.
  let highest: Operation | undefined;
  let next = 0;
  for (const operation of identified) {
    for (
      let done = byCompletion[next];
      done !== undefined && done.completed < operation.invoked;
      done = byCompletion[++next]
    ) {
      if (highest === undefined || reignOf(done).timeline > reignOf(highest).timeline) highest = done;
    }
    const newer = highest;
    if (newer === undefined || reignOf(newer).timeline <= reignOf(operation).timeline) continue;
    check.found(
      'two primaries',
      `${reignOf(operation).member} acknowledged a write on timeline ${reignOf(operation).timeline} that began after ${reignOf(newer).member} had acknowledged one on timeline ${reignOf(newer).timeline}.`,
      () => [witness(newer, 'the newer primary acknowledged'), witness(operation, 'and then the older one')],
    );
  }
  Object.assign(check.counts, {
    'acknowledged writes': writes.length,
    'server known': identified.length,
    reigns: reigns.size,
  });
  if (writes.length > 0 && identified.length === 0) check.unknown('no write names the server that acknowledged it');
  return [check.build()];
}

function reignOf({ server }: Operation): { readonly member: string; readonly timeline: number } {
  return { member: server?.member ?? '', timeline: server?.timeline ?? 0 };
}

/** Writes that the read-write port acknowledged; transactions that only read prove nothing. */
export function isAcknowledgedWrite(operation: Operation): boolean {
  return operation.outcome === 'ok' && operation.port === 'rw' && isWrite(operation);
}

/** Whether the operation would change something. */
export function isWrite({ action, value }: Operation): boolean {
  switch (action) {
    case 'add':
    case 'transfer':
    case 'write':
    case 'cas':
      return true;
    case 'transaction':
      return (value as readonly (readonly unknown[])[]).some(([kind]) => kind === 'append');
    default:
      return false;
  }
}
