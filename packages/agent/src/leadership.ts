import type { RunningClock } from './running-clock.js';
import type { AgentReport } from './view.js';

/** Reports are remembered for so many sequences; far more than a proof may be old. */
const remembered = 200;

/**
 * What proves that this member holds Patroni's lock, and how old that is. Every proof counts from the moment its question was sent: what
 * was true when the answer was made was true no earlier than that.
 *
 * - etcd: a linearizable read of the leader key named this member.
 * - the others: so many members' agents have heard this agent's report of that moment, or refuse connections altogether, that the rest
 *   are not most of the others; nobody can have found this member silent since. Counts only on top of a reading of etcd,
 *   for as long as the listeners see no other holder: it bridges the time in which etcd elects a leader of its own, and that in which this
 *   host alone does not reach etcd and Patroni's failsafe_mode goes on, although the lock has run out meanwhile.
 */
export class Leadership {
  readonly #me: string;
  readonly #others: number;
  readonly #clock: RunningClock;
  readonly #sent = new Map<number, number>();
  readonly #heard = new Map<string, number>();
  #readAt: number | undefined;
  /** Of the leader key, as far as anybody has told. */
  #newest = 0n;
  #deposedSince: number | undefined;

  constructor(me: string, others: number, clock: RunningClock) {
    this.#me = me;
    this.#others = others;
    this.#clock = clock;
  }

  sent(sequence: number): void {
    this.#sent.set(sequence, this.#clock.real());
    this.#sent.delete(sequence - remembered);
  }

  /** Another member's agent said what it heard and sees. */
  heard(report: AgentReport): void {
    const sequence = report.heard[this.#me];
    const at = sequence === undefined ? undefined : this.#sent.get(sequence);
    const others = report.leader !== undefined && report.leader.name !== this.#me;
    if (at !== undefined && !others) this.#heard.set(report.member, at);
    if (report.leader !== undefined) this.holder(report.leader.name, report.leader.revision);
  }

  /** A member's agent refused a connection that was attempted at `at`: it does not run, and finds nobody silent. */
  refused(member: string, at: number): void {
    this.#heard.set(member, Math.max(at, this.#heard.get(member) ?? 0));
  }

  /** Somebody saw that the lock is `name`'s, in that revision of its key. */
  holder(name: string, revision: string): void {
    const seen = BigInt(revision);
    if (name !== this.#me && seen > this.#newest) this.#depose(seen);
  }

  /** etcd's answer to a question asked at `askedAt` (real time). Without a holder nobody is deposed; there is only no new proof. */
  read(name: string | undefined, revision: string, askedAt: number): void {
    if (name === undefined) return;
    const seen = BigInt(revision);
    if (name !== this.#me) this.#depose(seen);
    else if (seen >= this.#newest) {
      this.#newest = seen;
      this.#readAt = askedAt;
      this.#deposedSince = undefined;
    }
  }

  #depose(revision: bigint): void {
    this.#deposedSince ??= this.#clock.running();
    this.#newest = revision > this.#newest ? revision : this.#newest;
  }

  /** Running time since it is known that another member holds the lock; undefined: it is not. */
  get deposed(): number | undefined {
    return this.#deposedSince === undefined ? undefined : this.#clock.running() - this.#deposedSince;
  }

  /** Age of the newest proof in real time; undefined: none. */
  get proof(): number | undefined {
    if (this.#readAt === undefined || this.#deposedSince !== undefined) return undefined;
    const times = [...this.#heard.values()].sort((one, other) => other - one);
    const needed = Math.ceil(this.#others / 2);
    const byOthers = times[needed - 1];
    return this.#clock.real() - Math.max(this.#readAt, byOthers ?? 0);
  }
}
