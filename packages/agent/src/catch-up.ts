import { currentReport } from './evidence.js';
import type { AgentView } from './view.js';

/** Receive from the standby `from` what it has of the suspected primary's WAL, up to `position` (bytes). */
export interface CatchUp {
  readonly kind: 'catch-up';
  readonly from: string;
  readonly position: number;
  readonly because: string;
}

/** From a suspicion on: how long the candidate waits to hear how far the other standbys have got. */
const hearing = 100;
/** From a suspicion on: what catching up, the hearing included, may put a seal off by. */
export const mostCatchUp = 700;

/**
 * What a candidate does before it takes the lock. Pure.
 *
 * A standby that has received more than the one that is promoted must be rewound before it can follow, and where commits wait for
 * it, they wait for that: in strict mode always, in mode `on` when Patroni picks it in the moment in which it seems to follow. The primary
 * sends to both at once, so when it fails either may be ahead. Positions count that were read since the holder has been suspected: by then
 * its WAL has arrived. Nobody who is not a standby of the same server on the same timeline is asked: its log might be another one. Nobody
 * is waited for for long.
 */
export function decideCatchUp(view: AgentView, holder: string): CatchUp | 'wait' | 'none' {
  const { settings, own, memory } = view;
  const suspected = memory.suspected ?? 0;
  if (memory.catchUp === 'over' || suspected >= mostCatchUp) return 'none';
  if (memory.catchUp === 'running') return 'wait';
  const others = settings.members.flatMap((name) => {
    const sight = name === holder ? undefined : view.others.get(name);
    const said = sight === undefined ? undefined : currentReport(sight);
    const known = said?.postgres === 'standby' && said.stream !== undefined && said.stream === own.stream;
    return known ? [{ name, position: said.position, isNew: said.suspects === holder }] : [];
  });
  if (others.length === 0) return 'none';
  const known = own.positionIsNew && others.every(({ isNew }) => isNew);
  if (!known && suspected < hearing) return 'wait';
  const most = others.filter(({ isNew }) => isNew).sort((one, other) => other.position - one.position)[0];
  if (most === undefined || most.position <= own.position) return 'none';
  const because = `it has received ${most.position - own.position} bytes more`;
  return { kind: 'catch-up', from: most.name, position: most.position, because };
}
