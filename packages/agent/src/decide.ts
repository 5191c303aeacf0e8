import { type Handover, planHandover, planRelease } from '@holdfast/components';
import { type CatchUp, decideCatchUp, mostCatchUp } from './catch-up.js';
import { currentReport, type Evidence, findEvidence, isSilent } from './evidence.js';
import { judgeGate } from './gate.js';
import { type AgentView, handsOver } from './view.js';

/** What an agent may do. */
export type Action =
  /** Hand the lock of `from` to `to`. */
  | {
      readonly kind: 'seal';
      readonly from: string;
      readonly to: string;
      readonly handover: Handover;
      readonly because: string;
    }
  | CatchUp
  /** Take the lock of `from` and let Patroni's race decide. */
  | { readonly kind: 'release'; readonly from: string; readonly handover: Handover; readonly because: string }
  | { readonly kind: 'end-wal-sender'; readonly standby: string; readonly pid: number; readonly because: string }
  /** Have this member's Patroni look now, instead of at its next turn. */
  | { readonly kind: 'wake-patroni'; readonly because: string }
  /** Stop this member's PostgreSQL at once. */
  | { readonly kind: 'fence'; readonly because: string }
  /** Have etcd led from another host. */
  | { readonly kind: 'move-etcd-leader' };

/** The candidate's own agent acts at once; the others only when it does not. */
const othersWait = 150;
/** After an attempt: until its effect is seen, or it failed. */
const sealPause = 300;
/**
 * Asynchronous replication: a failover may lose what the dead member's own restart would bring back, so its supervisor gets the time
 * to do that first.
 */
const asynchronousPatience = 2000;
const wakePause = 250;
/** Patroni takes /sync over before it promotes; its first try fails when it looked at its cache in the middle of the handover. */
const promotionBegins = 50;
/** Patroni demotes itself within its loop; the agent only when it does not. */
const deposedPatience = 1500;
/** The receiver reports every second (wal_receiver_status_interval). */
const replyIsLate = 5000;
const calmBeforeMove = 2000;
const movePause = 2000;

/**
 * Decides what to do, from what is known. Pure: the same view gives the same actions.
 *
 * Invariants:
 * 1. The lock is handed only to a synchronous standby of its present holder, as /sync lists it in the very revision that the
 *    transaction is guarded by, and only where every listed standby must acknowledge (modes `on` and `strict`, FIRST-style). From
 *    then on the old holder, be it dead, frozen, cut off or alive, can acknowledge nothing that the new one lacks.
 * 2. In every other mode the lock is taken only from a member that is dead by positive evidence, and goes to whom Patroni's own race finds.
 * 3. Silence counts only by the ears of most of the other members, in time in which they themselves ran.
 * 4. A member's PostgreSQL is stopped only if it is a primary that is not known to hold the lock, and never because
 *    others are silent or etcd is, as long as another member still hears this one.
 * 5. In a paused cluster nothing is done.
 * 6. Catching up adds to the candidate's WAL and takes nothing away, and puts a seal off by no more than `mostCatchUp`.
 */
export function decide(view: AgentView): readonly Action[] {
  if (view.dcs === undefined || view.dcs.keys.paused) return [];
  return [...failOver(view), ...freeCommits(view), ...wakePatroni(view), ...fence(view), ...moveEtcdLeader(view)];
}

/** The reason to take the lock from its holder, if there is one. Pure. */
export function suspicion(view: AgentView): { readonly holder: string; readonly evidence: Evidence } | undefined {
  const holder = view.dcs?.keys.leader;
  if (holder === undefined || view.dcs?.keys.paused) return undefined;
  const evidence = findEvidence(view, holder);
  return evidence === undefined ? undefined : { holder, evidence };
}

function failOver(view: AgentView): readonly Action[] {
  const suspect = suspicion(view);
  const keys = view.dcs?.keys;
  if (suspect === undefined || keys === undefined) return [];
  if (view.memory.sinceSeal !== undefined && view.memory.sinceSeal < sealPause) return [];
  const { holder, evidence } = suspect;
  const suspected = view.memory.suspected ?? 0;
  const because = evidence.because;
  if (handsOver(view.settings.mode)) {
    // A switchover that somebody asked for is left to Patroni as long as its leader may be alive.
    if (keys.failoverPending && evidence.kind === 'silent') return [];
    const to = chooseCandidate(view, holder);
    if (to === undefined) return [];
    // Only the candidate can know whether it should catch up first, and does.
    if (to !== view.me && suspected < mostCatchUp + othersWait) return [];
    if (to === view.me) {
      const first = decideCatchUp(view, holder);
      if (first !== 'none') return first === 'wait' ? [] : [first];
    }
    const handover = planHandover(keys, to);
    return handover === undefined ? [] : [{ kind: 'seal', from: holder, to, handover, because }];
  }
  // Patroni restarts a PostgreSQL of its own that crashed; only a member that is gone as a whole is released.
  if (evidence.kind !== 'dead' || holder === view.me || view.own.postgres !== 'standby') return [];
  if (view.others.get(holder)?.refusing === undefined) return [];
  const patience = view.settings.mode === 'off' ? asynchronousPatience : 0;
  const turn = view.settings.members.filter((name) => name !== holder).indexOf(view.me);
  if (suspected < patience + turn * othersWait) return [];
  const handover = planRelease(keys);
  return handover === undefined ? [] : [{ kind: 'release', from: holder, handover, because }];
}

/** Of the holder's synchronous standbys that are there and able, the one that has most; undefined: none. */
function chooseCandidate(view: AgentView, holder: string): string | undefined {
  const keys = view.dcs?.keys;
  if (keys === undefined || keys.sync.leader !== holder) return undefined;
  const able = keys.sync.standbys.flatMap((name) => {
    const position = standbyPosition(view, name);
    return name === holder || position === undefined || isTagged(keys.members.get(name)?.tags, 'nofailover')
      ? []
      : [{ name, position }];
  });
  const order = (name: string) => view.settings.members.indexOf(name);
  return able.sort((one, other) => other.position - one.position || order(one.name) - order(other.name))[0]?.name;
}

/** How far a standby whose PostgreSQL and Patroni are known to answer has got; undefined: it cannot take over now. */
function standbyPosition(view: AgentView, name: string): number | undefined {
  if (name === view.me) {
    return view.own.postgres === 'standby' && view.own.patroni ? view.own.position : undefined;
  }
  const sight = view.others.get(name);
  const said = sight === undefined ? undefined : currentReport(sight);
  return said?.postgres === 'standby' && said.patroni ? said.position : undefined;
}

function isTagged(tags: unknown, tag: string): boolean {
  return typeof tags === 'object' && tags !== null && (tags as Record<string, unknown>)[tag] === true;
}

/** A synchronous standby that no longer answers holds every commit up; without its WAL sender Patroni names another one. */
function freeCommits(view: AgentView): readonly Action[] {
  const { own, dcs, settings } = view;
  if (dcs === undefined || own.postgres !== 'primary' || dcs.keys.leader !== view.me) return [];
  if (!handsOver(settings.mode)) return [];
  const stalled = (standby: string, replyAge: number) => isSilent(view, standby) || replyAge > replyIsLate;
  const others = own.senders.filter((each) => each.streaming && !stalled(each.standby, each.replyAge));
  // Strict mode would wait for it anyway when nobody else is there.
  if (settings.mode === 'strict' && others.length === 0) return [];
  return own.senders.flatMap((sender): readonly Action[] => {
    const needed = sender.synchronous || dcs.keys.sync.standbys.includes(sender.standby);
    if (!needed || view.memory.endedSenders.has(sender.pid) || !stalled(sender.standby, sender.replyAge)) return [];
    const because = isSilent(view, sender.standby) ? 'it is silent' : 'it has not replied for 5 s';
    return [{ kind: 'end-wal-sender', standby: sender.standby, pid: sender.pid, because }];
  });
}

/** Patroni looks once a loop; where commits or the next failover wait for what it will find, it is asked to look now. */
function wakePatroni(view: AgentView): readonly Action[] {
  const { own, dcs, memory, settings } = view;
  if (dcs === undefined || dcs.keys.leader !== view.me || !own.patroni) return [];
  if (settings.mode === 'off' || (memory.sinceWake !== undefined && memory.sinceWake < wakePause)) return [];
  if (own.postgres === 'standby' && (memory.leading ?? 0) >= promotionBegins && dcs.keys.sync.leader !== view.me) {
    return [{ kind: 'wake-patroni', because: 'it holds the lock and has not begun to promote' }];
  }
  if (own.postgres !== 'primary') return [];
  const streaming = own.senders.filter((each) => each.streaming && !isSilent(view, each.standby));
  if (streaming.length === 0) return [];
  const { standbys, leader } = dcs.keys.sync;
  const lost = standbys.filter((name) => !own.senders.some((each) => each.streaming && each.standby === name));
  if (lost.length > 0) return [{ kind: 'wake-patroni', because: `${lost.join(', ')} does not stream any more` }];
  if (leader === view.me && standbys.length === 0) {
    return [{ kind: 'wake-patroni', because: 'a standby streams and none is synchronous yet' }];
  }
  return [];
}

function fence(view: AgentView): readonly Action[] {
  const { own, settings, memory } = view;
  if (settings.fence === undefined || own.postgres !== 'primary') return [];
  if (memory.sinceFence !== undefined && memory.sinceFence < deposedPatience) return [];
  if (own.deposed !== undefined && own.deposed >= deposedPatience) {
    return [{ kind: 'fence', because: 'the lock is held by another member and this PostgreSQL is still a primary' }];
  }
  if (own.proof === undefined || own.proof < settings.fence) return [];
  return [{ kind: 'fence', because: `nothing has shown for ${settings.fence} ms that this member holds the lock` }];
}

/**
 * Electing a leader of etcd takes a second or two in which nobody can take over and Patroni can change nothing: neither the primary's host
 * nor that of its synchronous standby should take etcd's leader with it.
 */
function moveEtcdLeader(view: AgentView): readonly Action[] {
  const { dcs, memory } = view;
  if (dcs === undefined || !dcs.etcdLeaderMisplaced || judgeGate(view) !== 'up') return [];
  const calm = memory.leading !== undefined && memory.leading >= calmBeforeMove;
  const rested = memory.sinceMove === undefined || memory.sinceMove >= movePause;
  return calm && rested ? [{ kind: 'move-etcd-leader' }] : [];
}
