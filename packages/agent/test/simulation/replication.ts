import { type Network, Stream } from './network.js';
import type { SimulatedPostgres } from './postgres.js';
import type { VirtualTime } from './virtual-time.js';

/** A record of the write-ahead log. Compared by identity: the same record at the same place means the same log up to there. */
export interface WalRecord {
  readonly write: number;
  readonly timeline: number;
}

/** wal_sender_timeout and wal_receiver_timeout (PostgreSQL manual, 20.6). */
export const replicationTimeout = 60_000;
const flush = { least: 0.2, most: 1.5 };

/**
 * One streaming connection: the primary's WAL sender and the standby's WAL receiver (PostgreSQL manual, 55.4). All in order; the
 * standby answers with how far it has flushed. A side that dies closes it if the network lets it; what was sent before arrives before.
 */
export class Replication {
  readonly pid: number;
  readonly standby: SimulatedPostgres;
  readonly #primary: SimulatedPostgres;
  readonly #time: VirtualTime;
  readonly #down: Stream;
  readonly #up: Stream;
  #sent: number;
  /** How many records the standby says it has flushed. */
  flushed: number;
  lastReply: number;
  senderOpen = true;
  receiverOpen = true;

  constructor(
    pid: number,
    primary: SimulatedPostgres,
    standby: SimulatedPostgres,
    time: VirtualTime,
    network: Network,
  ) {
    this.pid = pid;
    this.#primary = primary;
    this.standby = standby;
    this.#time = time;
    this.#down = new Stream(network, time, primary.name, standby.name, standby.process);
    this.#up = new Stream(network, time, standby.name, primary.name, primary.process);
    this.#sent = standby.wal.length;
    this.flushed = 0;
    this.lastReply = time.now;
    this.#reply();
  }

  /** Sends what the standby has not been sent yet. */
  push(): void {
    if (!this.senderOpen || this.#sent >= this.#primary.wal.length) return;
    const from = this.#sent;
    const records = this.#primary.wal.slice(from);
    this.#sent = this.#primary.wal.length;
    this.#down.send(() => {
      if (!this.receiverOpen || this.standby.wal.length !== from) return;
      this.standby.wal.push(...records);
      for (const each of this.standby.senders) each.push();
      this.standby.process.after(this.#time.between(flush.least, flush.most), () => this.#reply());
    });
  }

  /** wal_receiver_status_interval, or something was flushed. */
  #reply(): void {
    if (!this.receiverOpen) return;
    const flushed = this.standby.wal.length;
    this.#up.send(() => {
      if (!this.senderOpen) return;
      this.flushed = Math.max(this.flushed, flushed);
      this.lastReply = this.#time.now;
      this.#primary.releaseCommits();
    });
  }

  status(): void {
    if (this.receiverOpen && this.standby.process.answers) this.#reply();
  }

  /** The sender ends: it was terminated, timed out, or its PostgreSQL did. */
  endSender(): void {
    if (!this.senderOpen) return;
    this.senderOpen = false;
    this.#up.closed = true;
    this.#down.send(() => this.endReceiver());
  }

  /** The receiver ends: a promotion, another upstream, or its PostgreSQL did. What it has sent still arrives. */
  endReceiver(): void {
    if (!this.receiverOpen) return;
    this.receiverOpen = false;
    this.#up.send(() => {
      this.senderOpen = false;
      this.#primary.forget(this);
    });
  }
}
