import type { SynchronousMode } from '@holdfast/spec';
import type { ClusterView } from './patroni-cache.js';
import { askStatuses, type Caller } from './patroni-rest.js';
import type { SimulatedPostgres } from './postgres.js';
import type { Work } from './process.js';

/**
 * Ha.is_healthiest_node, Ha._is_healthiest_node: whether to try for a lock that nobody holds. A primary that still runs may, unless it knows
 * of a newer timeline; in the synchronous modes only who is in /sync; nobody while another one says that it is a primary, or has more.
 */
export function* isHealthiest(
  racer: {
    readonly postgres: SimulatedPostgres;
    readonly mode: SynchronousMode;
    readonly view: ClusterView | undefined;
    readonly knownBefore: readonly string[];
  },
  rest: Caller,
): Work<boolean> {
  const { postgres, mode, view, knownBefore } = racer;
  if (view === undefined) return false;
  if (postgres.isPrimary) return postgres.timeline >= view.timeline;
  if (view.failsafe !== undefined && !view.failsafe.includes(postgres.name)) return false;
  const { leader, standbys } = view.sync;
  const synchronous = mode !== 'off' && leader !== undefined;
  const mayRace = (name: string) => !synchronous || mode === 'quorum' || leader === name || standbys.includes(name);
  if (!mayRace(postgres.name) || postgres.timeline < view.timeline) return false;
  const known = new Set([...knownBefore, ...(view.failsafe ?? []), ...view.members.keys()]);
  known.delete(postgres.name);
  const mine = postgres.wal.length;
  const answers = yield* askStatuses(rest, [...known].filter(mayRace));
  return answers.every(
    ({ name, primary, position }) => !primary && (position <= mine || (synchronous && leader === name)),
  );
}
