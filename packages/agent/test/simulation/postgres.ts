import type { Network } from './network.js';
import { SimulatedProcess } from './process.js';
import { Replication, replicationTimeout, type WalRecord } from './replication.js';
import type { VirtualTime } from './virtual-time.js';

/** synchronous_standby_names (PostgreSQL manual, 20.6.2). `first` waits for all that it names, as Patroni writes it. */
export type SyncNames =
  | { readonly kind: 'none' }
  | { readonly kind: 'star' }
  | { readonly kind: 'first'; readonly names: readonly string[] }
  | { readonly kind: 'any'; readonly count: number; readonly names: readonly string[] };

interface Waiting {
  readonly position: number;
  readonly acknowledge: (waited: boolean) => void;
}

/** How long the checkpointer takes to notice a reload: nearly always at once, in the middle of a checkpoint not. */
const notices = { usual: 60, late: 700, isLate: 0.1 };

/** wal_retrieve_retry_interval */
const reconnect = 100;

/**
 * PostgreSQL's server processes and data directory.
 * - A commit is flushed here, then waits for its synchronous standbys, then is acknowledged (27.2.8). It stays in the log either way.
 * - A standby takes the log of its upstream only if its own is the beginning of it (timelines, 26.2). Promoting keeps all that was received,
 *   ends the receiver, and begins a timeline.
 * - Commits wait only once the checkpointer has noticed that standbys are named; when none is any more, it releases all that waits
 *   (syncrep.c, SyncRepUpdateSyncStandbysDefined).
 */
export class SimulatedPostgres {
  readonly name: string;
  readonly process: SimulatedProcess;
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #peer: (name: string) => SimulatedPostgres | undefined;
  /** On disk. */
  wal: WalRecord[] = [];
  timeline = 1;
  syncNames: SyncNames = { kind: 'none' };
  standbySignal = true;
  upstream: string | undefined;
  /** primary_conninfo in postgresql.auto.conf, which goes before `upstream`: a standby to receive from. */
  #detour: string | undefined;
  /** Its postmaster.pid is left behind: it did not shut down. */
  crashed = false;
  /** In memory. */
  ready = false;
  recovering = true;
  /** Whether commits wait for synchronous standbys at all (syncrep.c, sync_standbys_defined): the checkpointer sets it. */
  commitsWait = false;
  senders: Replication[] = [];
  /** Whom it receives from or did last, and on which timeline. */
  stream: string | undefined;
  #receiver: Replication | undefined;
  #waiting: Waiting[] = [];
  #pids = 0;
  /** Tells the agent beside it that its connection broke. */
  onEnd: () => void = () => {};

  constructor(
    name: string,
    time: VirtualTime,
    network: Network,
    peer: (name: string) => SimulatedPostgres | undefined,
  ) {
    this.name = name;
    this.#time = time;
    this.#network = network;
    this.#peer = peer;
    this.process = new SimulatedProcess(time);
  }

  get isPrimary(): boolean {
    return this.process.running && this.ready && !this.recovering;
  }

  /** Crash recovery and all; until then it refuses clients. */
  start(standby: boolean, startup = this.#time.between(100, 400)): void {
    this.process.start();
    this.crashed = false;
    this.ready = false;
    this.stream = undefined;
    this.commitsWait = this.syncNames.kind !== 'none';
    this.standbySignal = standby;
    this.recovering = standby;
    this.process.after(startup, () => {
      this.ready = true;
    });
    this.process.every(reconnect, () => this.#receive());
    this.process.every(1000, () => this.#housekeeping());
  }

  /** `crash`: SIGKILL of everything. Otherwise a shutdown in any mode; who waits for a commit gets none either way. */
  end(crash: boolean): void {
    if (!this.process.running) return;
    this.process.kill();
    this.crashed = crash;
    this.ready = false;
    this.#waiting = [];
    for (const each of this.senders.splice(0)) each.endSender();
    this.#dropReceiver();
    this.onEnd();
  }

  /** pg_ctl promote. */
  promote(done: () => void): void {
    this.process.after(this.#time.between(2, 10), () => this.#dropReceiver());
    this.process.after(this.#time.between(30, 150), () => {
      this.#dropReceiver();
      this.#detour = undefined;
      this.recovering = false;
      this.standbySignal = false;
      this.upstream = undefined;
      this.timeline += 1;
      // The checkpoint or end-of-recovery record: the new timeline is in the log.
      this.append(0);
      done();
    });
  }

  /** A change of primary_conninfo and a reload; undefined: follow nobody. */
  follow(upstream: string | undefined): void {
    if (this.upstream === upstream && this.#detour === undefined) return;
    this.upstream = upstream;
    this.#detour = undefined;
    this.#dropReceiver();
    this.process.after(1, () => this.#receive());
  }

  /** ALTER SYSTEM SET primary_conninfo and a reload; undefined: RESET. */
  receiveFrom(standby: string | undefined): void {
    if (this.#detour === standby || !this.recovering) return;
    this.#detour = standby;
    this.#dropReceiver();
    this.process.after(1, () => this.#receive());
  }

  get isOnDetour(): boolean {
    return this.#detour !== undefined;
  }

  setSyncNames(names: SyncNames): void {
    this.syncNames = names;
    this.releaseCommits();
    const late = this.#time.chance() < notices.isLate ? notices.late : notices.usual;
    this.process.after(this.#time.between(0, late), () => {
      this.commitsWait = this.syncNames.kind !== 'none';
      this.releaseCommits();
    });
  }

  append(write: number): number {
    this.wal.push({ write, timeline: this.timeline });
    for (const sender of this.senders) sender.push();
    return this.wal.length;
  }

  /** A client's commit; `acknowledge` runs when it is told so, and is told whether standbys had to have it. */
  write(id: number, acknowledge: (waited: boolean) => void): void {
    if (!this.isPrimary || !this.process.answers) return;
    const position = this.append(id);
    this.process.after(this.#time.between(0.2, 1), () => {
      if (this.#isReleased(position)) acknowledge(this.#mustWait);
      else this.#waiting.push({ position, acknowledge });
    });
  }

  releaseCommits(): void {
    if (this.#waiting.length === 0) return;
    const still: Waiting[] = [];
    for (const each of this.#waiting) {
      if (this.#isReleased(each.position)) each.acknowledge(this.#mustWait);
      else still.push(each);
    }
    this.#waiting = still;
  }

  /** pg_stat_replication.sync_state */
  syncState(sender: Replication): 'sync' | 'potential' | 'quorum' | 'async' {
    const names = this.syncNames;
    if (names.kind === 'none') return 'async';
    if (names.kind === 'star') return this.senders[0] === sender ? 'sync' : 'potential';
    if (!names.names.includes(sender.standby.name)) return 'async';
    return names.kind === 'any' ? 'quorum' : 'sync';
  }

  terminateSender(pid: number): void {
    const sender = this.senders.find((each) => each.pid === pid);
    if (sender === undefined) return;
    this.forget(sender);
    sender.endSender();
  }

  forget(sender: Replication): void {
    this.senders = this.senders.filter((each) => each !== sender);
    this.releaseCommits();
  }

  /** True: the log of this one is the beginning of the other's. */
  isPrefixOf(other: SimulatedPostgres): boolean {
    const length = this.wal.length;
    return length === 0 || (length <= other.wal.length && this.wal[length - 1] === other.wal[length - 1]);
  }

  /** pg_rewind: what the source has not got goes. */
  rewindTo(source: SimulatedPostgres): void {
    let length = Math.min(this.wal.length, source.wal.length);
    while (length > 0 && this.wal[length - 1] !== source.wal[length - 1]) length--;
    this.wal.length = length;
    this.timeline = this.wal[length - 1]?.timeline ?? 1;
  }

  get #mustWait(): boolean {
    return this.commitsWait && this.syncNames.kind !== 'none';
  }

  #isReleased(position: number): boolean {
    if (!this.commitsWait) return true;
    const has = (sender: Replication) => sender.flushed >= position;
    const names = this.syncNames;
    switch (names.kind) {
      case 'none':
        return true;
      case 'star': {
        const [first] = this.senders;
        return first !== undefined && has(first);
      }
      case 'first':
        return names.names.every((name) => this.senders.some((each) => each.standby.name === name && has(each)));
      case 'any':
        return (
          this.senders.filter((each) => names.names.includes(each.standby.name) && has(each)).length >= names.count
        );
    }
  }

  #receive(): void {
    const detour = this.#detour;
    const upstream = detour ?? this.upstream;
    if (!this.recovering || upstream === undefined || this.#receiver?.receiverOpen) return;
    const incarnation = this.process.incarnation;
    this.#network.send(this.name, upstream, () => {
      const peer = this.#peer(upstream);
      peer?.process.receive(() => {
        // A standby passes on what it has received (27.2.7).
        if (!(peer.isPrimary || (detour !== undefined && peer.ready))) return;
        if (this.process.incarnation !== incarnation || (this.#detour ?? this.upstream) !== upstream) return;
        if (!this.recovering || this.#receiver?.receiverOpen) return;
        if (!this.process.running || !this.#network.reaches(upstream, this.name) || !this.isPrefixOf(peer)) return;
        this.#receiver = new Replication(++peer.#pids, peer, this, this.#time, this.#network);
        peer.senders.push(this.#receiver);
        this.timeline = Math.max(this.timeline, peer.timeline);
        this.stream = `${upstream}/${this.timeline}`;
        this.#receiver.push();
      });
    });
  }

  #dropReceiver(): void {
    this.#receiver?.endReceiver();
    this.#receiver = undefined;
  }

  #housekeeping(): void {
    this.#receiver?.status();
    for (const sender of this.senders) {
      if (this.#time.now - sender.lastReply < replicationTimeout) continue;
      this.forget(sender);
      sender.endSender();
    }
  }
}
