import type { SynchronousMode } from '@holdfast/spec';
import { type Fault, noTear, quiet, type Schedule, type Who, warmUp } from './faults.js';

/** When the first fault of a scenario strikes; a little later for each seed, so that it meets every phase of Patroni's loop. */
function moment(seed: number): number {
  return warmUp + 2000 + ((seed * 37) % 1000);
}

function scenario(
  seed: number,
  mode: SynchronousMode,
  faults: readonly Fault[],
  rest: Partial<Schedule> = {},
): Schedule {
  return { seed, members: 3, mode, standbys: 1, tear: noTear, noise: quiet, faults, ...rest };
}

/** One thing happens to one member, for a while. */
export function single(seed: number, mode: SynchronousMode, what: 'crash' | 'freeze' | 'cut', who: Who): Schedule {
  const when = { at: moment(seed), lasts: 6000, who };
  const fault: Fault =
    what === 'cut' ? { ...when, kind: what, from: 'all', direction: 'both' } : { ...when, kind: what, what: 'all' };
  return scenario(seed, mode, [fault]);
}

/** The primary alone is cut off from the other members, not from etcd; both it and its standby are slow to hear from etcd. */
export function slowCut(seed: number): Schedule {
  const at = moment(seed);
  return scenario(seed, 'on', [
    { kind: 'slow', who: 0, most: 100 + ((seed * 7) % 300), at: at - 1500, lasts: 8000 },
    { kind: 'slow', who: 'synchronous', most: 300 + ((seed * 7) % 500), at: at - 1500, lasts: 8000 },
    { kind: 'cut', who: 0, from: 'members', direction: 'both', at, lasts: 8000 },
  ]);
}

/**
 * The same with a quick primary whose Patroni's threads get their turns late: its loop may look between two events of one revision. Cut off
 * just before a turn of its loop is due, so that this one comes after the others have acted.
 */
export function tornCut(seed: number): Schedule {
  const at = moment(seed);
  const faults: readonly Fault[] = [
    { kind: 'slow', who: 'synchronous', most: 150 + ((seed * 7) % 200), at: at - 1500, lasts: 8000 },
    { kind: 'cut', who: 0, from: 'members', direction: 'both', at, lasts: 8000 },
  ];
  return scenario(seed, 'on', faults, { tear: { chance: 1, most: 500 } });
}

/** Cut off from the other members, and from etcd as well at about the moment at which the others act. */
export function cutTwice(seed: number): Schedule {
  const at = moment(seed);
  return scenario(seed, seed % 2 === 0 ? 'on' : 'strict', [
    { kind: 'cut', who: 0, from: 'members', direction: 'both', at, lasts: 8000 },
    { kind: 'cut', who: 0, from: 'etcd', direction: 'both', at: at + 380 + ((seed * 13) % 110), lasts: 8000 },
  ]);
}

/** The standby that nobody waits for is cut off from the primary; then the primary dies. */
export function laggingStandby(seed: number): Schedule {
  const at = moment(seed);
  return scenario(seed, seed % 2 === 0 ? 'on' : 'strict', [
    { kind: 'cut', who: 'asynchronous', from: 0, direction: 'both', at, lasts: 2000 },
    { kind: 'crash', who: 0, what: 'all', at: at + 400, lasts: 8000 },
  ]);
}

/**
 * The synchronous standby loses the primary, which takes the other one instead; it hears nothing of that from etcd but can still write
 * there. Then the primary dies, at a moment when the other standby's Patroni does not run.
 */
export function staleCandidate(seed: number): Schedule {
  const at = moment(seed);
  return scenario(seed, seed % 2 === 0 ? 'on' : 'strict', [
    { kind: 'cut', who: 'synchronous', from: 'etcd', direction: 'in', at, lasts: 9000 },
    { kind: 'cut', who: 'synchronous', from: 0, direction: 'both', at, lasts: 9000 },
    { kind: 'crash', who: 'synchronous', what: 'patroni', at: at + 4400, lasts: 6000 },
    { kind: 'crash', who: 0, what: 'all', at: at + 5000, lasts: 20_000 },
  ]);
}

/**
 * WAL reaches the other standby and not the synchronous one, which is cut off from the primary alone; commits wait. Before anybody gives
 * up on that standby the primary dies, or freezes, or is cut off as a whole.
 */
export function standbyAhead(seed: number): Schedule {
  const at = moment(seed);
  const ends = { at: at + 140 + ((seed * 53) % 250), lasts: 8000, who: 'primary' } as const;
  const faults: readonly Fault[] = [
    { ...ends, kind: 'crash', what: 'all' },
    { ...ends, kind: 'freeze', what: 'all' },
    { ...ends, kind: 'cut', from: 'all', direction: 'both' },
  ];
  return scenario(seed, seed % 2 === 0 ? 'on' : 'strict', [
    { kind: 'cut', who: 'synchronous', from: 0, direction: 'both', at, lasts: 8000 },
    ...faults.slice(seed % 3, (seed % 3) + 1),
  ]);
}

/** The primary and one other member do not hear each other; everybody else hears both. */
export function oneLink(seed: number, mode: SynchronousMode): Schedule {
  const at = moment(seed);
  return scenario(seed, mode, [{ kind: 'cut', who: 0, from: seed % 2, direction: 'both', at, lasts: 5000 }]);
}
