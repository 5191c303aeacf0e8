import type { Span, WriteHistory } from './history.js';
import { firstBegunAfter } from './history.js';

/** What happened inside during a round, monotonic milliseconds. */
export interface TraceEvent {
  readonly at: number;
  /** The leader key in etcd went, or has another holder; PostgreSQL was told to promote itself, takes writes; what an agent logged. */
  readonly kind: 'key-gone' | 'key-taken' | 'promoting' | 'writable' | 'agent';
  /** Who: the member, or the agent's member. */
  readonly who: string;
  /** The agent's word for it. */
  readonly event?: string;
}

/** The parts that a gap consists of, in their order. */
export const partNames = ['detect', 'seal', 'lock', 'call', 'promote', 'route', 'write'] as const;
export type PartName = (typeof partNames)[number];

/** Whose each part is, from what to what, and what it would take to make it shorter. */
export const partWords: Readonly<
  Record<PartName, { readonly whose: string; readonly from: string; readonly shorter: string }>
> = {
  detect: {
    whose: 'agents',
    from: 'fault → an agent begins to act (without agents: Patroni’s lease ends)',
    shorter:
      'evidence sooner, or a shorter failover.silence, at the price of failing over for a pause that would have ended',
  },
  seal: {
    whose: 'agents, etcd',
    from: 'an agent acts → the leader key is handed to the candidate, or free',
    shorter: 'fewer calls before the transaction, or a disk that syncs faster under etcd',
  },
  lock: {
    whose: 'Patroni',
    from: 'leader key free → somebody has it (only where it was not handed over)',
    shorter: 'a Patroni that looks at the key at once instead of at its next look',
  },
  call: {
    whose: 'Patroni',
    from: 'leader key handed over or taken → PostgreSQL is told to promote itself',
    shorter: 'a Patroni that does less between its waking up and the promotion',
  },
  promote: {
    whose: 'PostgreSQL',
    from: 'told → takes writes',
    shorter: 'a disk that syncs faster; see the floor',
  },
  route: {
    whose: 'HAProxy, agents',
    from: 'PostgreSQL takes writes → the client is connected',
    shorter: 'HAProxy told instead of asking, or a shorter haproxy.checkInterval',
  },
  write: {
    whose: 'PostgreSQL, the next standby',
    from: 'connected → acknowledged',
    shorter: 'the other standby following the new primary sooner; in mode on the commit waits for the disk only',
  },
};

export type Parts = Readonly<Partial<Record<PartName, number>>>;

/**
 * Milliseconds of each part of a failover. A part whose end was not seen is left out and its time counts to the next that was. Undefined:
 * the primary did not change through etcd, so that there is nothing to take apart. Pure.
 */
export function splitGap(fault: Span, history: WriteHistory, events: readonly TraceEvent[]): Parts | undefined {
  const first = firstBegunAfter(history, fault.struck);
  if (first === undefined) return undefined;
  const after = events
    .filter(({ at }) => at >= fault.begun && at <= first.acknowledged)
    .toSorted((one, other) => one.at - other.at);
  const taken = after.find(({ kind }) => kind === 'key-taken');
  if (taken === undefined) return undefined;
  const gone = after.find(({ kind, at }) => kind === 'key-gone' && at <= taken.at);
  const acted = after.find(
    ({ kind, event, at }) => kind === 'agent' && (event === 'seal' || event === 'release') && at <= (gone ?? taken).at,
  );
  // PostgreSQL's log has whole milliseconds, of another clock.
  const ofNew = (sought: TraceEvent['kind']) =>
    after.find(({ kind, who, at }) => kind === sought && who === taken.who && at >= taken.at - 5)?.at;
  // One that is cut while its write waits for a standby connects again: that waiting is not the way's.
  const connects = history.connects.filter((at) => at > fault.begun && at <= first.begun);
  const writable = ofNew('writable');
  const connected = connects.find((at) => writable !== undefined && at >= writable) ?? connects.at(-1);
  const free = gone?.at ?? taken.at;
  const ends: readonly (readonly [PartName, number | undefined])[] = [
    ['detect', acted?.at ?? free],
    ['seal', acted && free],
    ['lock', gone && taken.at],
    ['call', ofNew('promoting')],
    ['promote', writable],
    ['route', connected],
    ['write', first.acknowledged],
  ];
  const parts: Partial<Record<PartName, number>> = {};
  let from = fault.begun;
  for (const [name, end] of ends) {
    if (end === undefined) continue;
    // An end that the other clock puts before its beginning is the same moment.
    parts[name] = Math.max(0, end - from);
    from = Math.max(from, end);
  }
  return parts;
}
