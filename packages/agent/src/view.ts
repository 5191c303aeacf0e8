import type { PatroniKeys } from '@holdfast/components';
import type { SynchronousMode } from '@holdfast/spec';

/**
 * What one agent knows at one moment; the only input of its decisions. Immutable.
 *
 * Two kinds of time, both in milliseconds. Silence is counted in running time: the sum of the agent's own ticks, each capped, so that
 * an agent that was itself paused or starved of the processor blames nobody for it. Proofs age in real time, by the
 * monotonic clock and the clock on the wall, whichever went further: an agent that was paused has lost its proofs.
 */
export interface AgentView {
  readonly me: string;
  readonly settings: AgentSettings;
  /** Undefined: etcd has not been read yet. */
  readonly dcs: DcsSight | undefined;
  /** By name, without me. */
  readonly others: ReadonlyMap<string, MemberSight>;
  readonly own: OwnSight;
  readonly memory: Memory;
}

export interface AgentSettings {
  readonly mode: SynchronousMode;
  readonly members: readonly string[];
  /** Running time without any answer after which a member is silent. */
  readonly silence: number;
  /** How old a proof of leadership may be; shorter than `silence`, so that it has expired before anybody may act on silence. */
  readonly fresh: number;
  /** Without a proof for so long the gate says down. */
  readonly unproven: number;
  /** Without a proof for so long PostgreSQL is stopped; undefined: never. */
  readonly fence: number | undefined;
}

/** Whether the lock is handed to a standby that /sync lists, since every commit waits for all of those. Pure. */
export function handsOver(mode: SynchronousMode): boolean {
  return mode === 'on' || mode === 'strict';
}

export interface DcsSight {
  readonly keys: PatroniKeys;
  /** etcd's leader is on a host whose loss would be felt, and there is another. */
  readonly etcdLeaderMisplaced: boolean;
}

/** What this agent knows of another member. */
export interface MemberSight {
  /** Running time since any of its agent, Patroni, PostgreSQL answered; undefined: never since this agent started. */
  readonly silent: number | undefined;
  /** Running time for which all three ports have refused connections: nobody listens, the host says so itself. Undefined: they do not. */
  readonly refusing: number | undefined;
  /** The same for its agent's port alone. */
  readonly agentRefusing: number | undefined;
  /** What its agent said last, and how long ago in running time. */
  readonly report: { readonly said: AgentReport; readonly age: number } | undefined;
}

/**
 * - `crashed`: its postmaster is gone without having shut down
 * - `stopped`: shut down in an orderly way, or never started
 * - `unknown`: it does not answer, or has not been asked yet
 */
export type PostgresState = 'primary' | 'standby' | 'crashed' | 'stopped' | 'unknown';

/** What an agent tells the others, ten times a second and at once when it changes. */
export interface AgentReport {
  readonly member: string;
  /** Counts this agent's reports. */
  readonly sequence: number;
  readonly postgres: PostgresState;
  /** Its Patroni answers. */
  readonly patroni: boolean;
  /** Bytes of WAL received (standby) or written (primary). */
  readonly position: number;
  /** Patroni's lock as it sees it. */
  readonly leader: { readonly name: string; readonly revision: string } | undefined;
  /** Members that it counts as silent. */
  readonly silent: readonly string[];
  /** The holder of the lock that it suspects, once `position` has been read since it does. Agents of before do not say. */
  readonly suspects?: string | undefined;
  /** See OwnSight. Agents of before do not say. */
  readonly stream?: string | undefined;
  /** The last sequence that it heard of each member. */
  readonly heard: Readonly<Record<string, number>>;
}

export interface OwnSight {
  readonly postgres: PostgresState;
  readonly patroni: boolean;
  readonly position: number;
  /** `position` has been read since the holder of the lock is suspected. */
  readonly positionIsNew: boolean;
  /** From which server and on which timeline a standby receives WAL, or did last since it runs. The same one: of the same log. */
  readonly stream: string | undefined;
  /** Standbys that stream from this PostgreSQL. */
  readonly senders: readonly WalSender[];
  /** Commits have been seen to wait for a standby, or to be going to: a standby knows before its promotion. */
  readonly commitsWait: boolean;
  /** Age of the newest proof that Patroni's lock is this member's; undefined: there is none. */
  readonly proof: number | undefined;
  /** Running time for which etcd has been saying that the lock is another's; undefined: it does not. */
  readonly deposed: number | undefined;
}

export interface WalSender {
  readonly standby: string;
  readonly pid: number;
  readonly streaming: boolean;
  readonly synchronous: boolean;
  /** Real time since the standby's last reply. */
  readonly replyAge: number;
}

/** What it did and saw before, as running time since; undefined: not lately. */
export interface Memory {
  /** How long there has been a reason to take the lock from its present holder. */
  readonly suspected: number | undefined;
  /** Of catching up with another standby since then. */
  readonly catchUp: 'running' | 'over' | undefined;
  readonly sinceSeal: number | undefined;
  readonly sinceWake: number | undefined;
  readonly sinceFence: number | undefined;
  readonly sinceMove: number | undefined;
  /** For how long this member has held the lock. */
  readonly leading: number | undefined;
  /** WAL senders that it has ended already. */
  readonly endedSenders: ReadonlySet<number>;
}
