import type { SynchronousMode } from '@holdfast/spec';
import type { SimulatedEtcd } from './etcd.js';
import type { Network } from './network.js';
import type { ClusterView, MemberData, Tear } from './patroni-cache.js';
import { DcsError, PatroniDcs, ttl } from './patroni-dcs.js';
import { isHealthiest } from './patroni-race.js';
import { askFailsafe, type Caller, type Status } from './patroni-rest.js';
import { processMultisync, SyncHandler } from './patroni-sync.js';
import type { SimulatedPostgres, SyncNames } from './postgres.js';
import { SimulatedProcess, type Step, type Work } from './process.js';
import type { VirtualTime } from './virtual-time.js';

const loopWait = 1000;
const none: SyncNames = { kind: 'none' };

export interface PatroniOptions {
  readonly mode: SynchronousMode;
  readonly standbys: number;
  readonly tear: Tear;
  readonly peers: () => readonly SimulatedPatroni[];
  readonly onRewind: () => void;
}

/**
 * One Patroni 4.0.7: ha.py, its cycle, as far as an automatic failover, replication and etcd are concerned; what is said at each part names
 * the function that it follows. Its waits are shortened as our launcher does. No switchovers, no bootstrap, no pause.
 */
export class SimulatedPatroni {
  readonly name: string;
  readonly process: SimulatedProcess;
  readonly postgres: SimulatedPostgres;
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #etcd: SimulatedEtcd;
  readonly #options: PatroniOptions;
  #dcs: PatroniDcs;
  #sync: SyncHandler;
  #view: ClusterView | undefined;
  #oldMembers: readonly string[] = [];
  #event = false;
  #wakeLoop: (() => void) | undefined;
  /** An asynchronous action. */
  #busy: string | undefined;
  #role: 'primary' | 'promoted' | 'replica' | 'demoted' = 'replica';
  #sawRunning = false;
  #crash = false;
  #rewind: 'check' | 'need' | 'none' = 'check';
  #leaderUntil = 0;
  #failsafe = { name: '', until: 0 };
  #tookBack = 0;

  constructor(
    postgres: SimulatedPostgres,
    time: VirtualTime,
    network: Network,
    etcd: SimulatedEtcd,
    options: PatroniOptions,
  ) {
    this.name = postgres.name;
    this.postgres = postgres;
    this.process = new SimulatedProcess(time);
    this.#time = time;
    this.#network = network;
    this.#etcd = etcd;
    this.#options = options;
    this.#dcs = this.#newDcs();
    this.#sync = this.#newSync();
  }

  start(): void {
    this.process.start();
    this.#tookBack += this.#dcs.createdByUpdate;
    this.#dcs = this.#newDcs();
    this.#sync = this.#newSync();
    this.#view = undefined;
    this.#busy = undefined;
    this.#crash = false;
    this.#sawRunning = this.postgres.process.running;
    this.#role = this.postgres.isPrimary ? 'primary' : 'replica';
    this.#rewind = 'check';
    this.#leaderUntil = 0;
    this.#failsafe = { name: '', until: 0 };
    this.process.run(this.#loop());
  }

  /** A request to its REST API that wakes the loop (patroni/api.py, Ha.wakeup). */
  wake(): void {
    this.#event = true;
    this.#wakeLoop?.();
  }

  /** GET /primary: HAProxy's check. */
  get saysPrimary(): boolean {
    return this.process.answers && this.postgres.isPrimary && this.#role === 'primary' && this.#isLeader;
  }

  /** GET /patroni */
  get status(): Status {
    const { isPrimary, wal, ready, process } = this.postgres;
    return { name: this.name, primary: isPrimary, position: wal.length, running: ready && process.answers };
  }

  /** See PatroniDcs.createdByUpdate. */
  get tookBack(): number {
    return this.#tookBack + this.#dcs.createdByUpdate;
  }

  /** POST /failsafe; Ha.update_failsafe */
  acceptFailsafe(name: string): boolean {
    if (this.postgres.isPrimary && this.#role === 'primary') return false;
    this.#failsafe = { name, until: this.#time.now + ttl };
    return true;
  }

  *#loop(): Work<void> {
    yield this.process.sleep(this.#time.between(100, 400));
    yield* this.#dcs.connect();
    for (;;) {
      yield* this.#cycle();
      this.#dcs.cycleEnds();
      const follows = this.#leader !== undefined && !this.#hasLock && !this.#busy;
      yield this.#untilEvent(loopWait + (follows ? 500 : 0));
      this.#event = false;
    }
  }

  #untilEvent(milliseconds: number): Step {
    return (resume) => {
      if (this.#event) milliseconds = 1;
      this.#wakeLoop = () => resume(undefined);
      this.#time.after(milliseconds, () => resume(undefined));
    };
  }

  /** Ha._run_cycle */
  *#cycle(): Work<void> {
    try {
      this.#load();
      if (this.#view?.members.has(this.name) === false) yield* this.#touchMember();
      yield* this.#act();
      if (this.#isLeader) this.#failsafe.until = 0;
      yield* this.#touchMember();
    } catch (error) {
      if (!(error instanceof DcsError)) throw error;
      yield* this.#handleDcsError();
    }
  }

  *#act(): Work<void> {
    const { postgres } = this;
    if (this.#busy !== undefined) {
      yield* this.#longAction();
    } else if (!postgres.process.running) {
      if (this.#sawRunning) this.#crash = true;
      yield* this.#recover();
    } else if (!postgres.ready) {
      // Ha.handle_starting_instance
      if (this.#hasLock && !(yield* this.#updateLeader())) yield* this.#demote(false);
    } else {
      this.#sawRunning = true;
      this.#crash = false;
      if (this.#leader === undefined) yield* this.#unhealthy();
      else yield* this.#healthy();
    }
  }

  /** Ha.load_cluster_from_dcs, with Failsafe.update_cluster */
  #load(): void {
    const view = this.#dcs.view;
    if (view.leader !== undefined || this.#oldMembers.length === 0) this.#oldMembers = [...view.members.keys()];
    const { name, until } = this.#failsafe;
    const told = view.leader === undefined && until > this.#time.now && name !== this.name;
    this.#view = told ? { ...view, leader: { name, session: '' } } : view;
    if (!this.#hasLock) this.#leaderUntil = 0;
  }

  get #leader(): ClusterView['leader'] {
    return this.#view?.leader;
  }

  get #hasLock(): boolean {
    return this.#leader?.name === this.name;
  }

  get #isLeader(): boolean {
    return this.#leaderUntil > this.#time.now;
  }

  /** Ha.process_healthy_cluster */
  *#healthy(): Work<void> {
    if (!this.#hasLock) yield* this.#follow(false);
    else if (yield* this.#updateLeader()) yield* this.#enforcePrimary();
    else if (this.postgres.isPrimary) yield* this.#demote(false);
  }

  /** Ha.process_unhealthy_cluster */
  *#unhealthy(): Work<void> {
    const { mode } = this.#options;
    const racer = { postgres: this.postgres, mode, view: this.#view, knownBefore: this.#oldMembers };
    if (!(yield* isHealthiest(racer, this.#rest))) {
      yield* this.#follow(true);
      return;
    }
    const acquired = yield* this.#dcs.acquire();
    this.#leaderUntil = acquired ? this.#time.now + ttl : 0;
    if (!acquired) {
      yield* this.#follow(true);
      return;
    }
    this.#load();
    yield* this.#enforcePrimary();
  }

  /** Ha.enforce_primary_role */
  *#enforcePrimary(): Work<void> {
    const { postgres } = this;
    if (postgres.isPrimary) {
      this.#role = 'primary';
      yield* this.#processSync();
      // Ha.update_cluster_history
      if (this.#view?.timeline !== postgres.timeline) yield* this.#dcs.put('history', `${postgres.timeline}`);
      return;
    }
    if (!postgres.process.running || !(yield* this.#prePromote())) return;
    this.#failsafe.until = 0;
    this.#busy = 'promote';
    this.#role = 'promoted';
    const incarnation = this.process.incarnation;
    postgres.promote(() => {
      if (this.process.incarnation !== incarnation) return;
      this.process.receive(() =>
        this.#finish(() => {
          this.#role = 'primary';
        }),
      );
    });
    this.#watchEnd(postgres.process.incarnation);
  }

  /** The asynchronous executor: its end wakes the loop. */
  #finish(then: () => void): void {
    this.#busy = undefined;
    then();
    this.wake();
  }

  /** A PostgreSQL that ends under a promotion ends it. */
  #watchEnd(incarnation: number): void {
    this.process.after(50, () => {
      if (this.#busy !== 'promote') return;
      if (this.postgres.process.incarnation !== incarnation) this.#finish(() => {});
      else this.#watchEnd(incarnation);
    });
  }

  /** Ha.process_sync_replication_prepromote: /sync by compare-and-swap, or no promotion. */
  *#prePromote(): Work<boolean> {
    const { mode } = this.#options;
    const synchronous = mode === 'on' || mode === 'strict';
    if (synchronous && (yield* this.#dcs.writeSync([], this.#view?.sync.version)) === undefined) return false;
    yield* this.#sync.setNames(mode === 'strict' ? { kind: 'star' } : none);
    return true;
  }

  /** Ha.process_sync_replication. Quorum mode only so far that there is a /sync and something to wait for. */
  *#processSync(): Work<void> {
    const view = this.#view;
    const { mode } = this.#options;
    if (view === undefined || mode === 'off') return;
    if (mode !== 'quorum') {
      yield* processMultisync(view, this.#dcs, this.#sync, { strict: mode === 'strict' });
      return;
    }
    const names = this.postgres.senders.map(({ standby }) => standby.name).sort();
    const known = view.sync.leader === this.name && view.sync.standbys.join() === names.join();
    if (!known && (yield* this.#dcs.writeSync(names, view.sync.version)) === undefined) return;
    yield* this.#sync.setNames(names.length === 0 ? none : { kind: 'any', count: 1, names });
  }

  /** Ha.update_lock */
  *#updateLeader(): Work<boolean> {
    const updated = yield* this.#dcs.updateLeader(this.#leader?.session);
    this.#leaderUntil = updated ? this.#time.now + ttl : 0;
    if (!updated) return false;
    yield* this.#dcs.put('status', JSON.stringify({ optime: this.postgres.wal.length }));
    const members = JSON.stringify([...(this.#view?.members.keys() ?? [])].sort());
    if (JSON.stringify(this.#view?.failsafe) !== members) yield* this.#dcs.put('failsafe', members);
    return true;
  }

  /** Ha.follow */
  *#follow(refresh: boolean): Work<void> {
    if (refresh) this.#load();
    if (this.postgres.isPrimary) {
      yield* this.#demote(false);
      return;
    }
    if (this.#role === 'primary' || this.#role === 'promoted') this.#role = 'demoted';
    if (this.#tryRewind()) return;
    const target = this.#hasLock ? undefined : this.#leader?.name;
    // Config.check_recovery_conf sees through a change of postgresql.auto.conf as well.
    if (this.postgres.upstream === target && !this.postgres.isOnDetour) return;
    this.postgres.follow(target);
    this.#rewind = 'check';
  }

  /** Ha._handle_rewind_or_reinitialize, Rewind._check_timeline_and_lsn: only with a leader that says that it is a primary. */
  #tryRewind(): boolean {
    const leader = this.#leader?.name ?? '';
    const source = this.#options.peers().find(({ name }) => name === leader)?.postgres;
    if (source === undefined || this.#hasLock || this.#view?.members.get(leader)?.role !== 'primary') return false;
    const reachable = this.#network.reaches(this.name, leader) && this.#network.reaches(leader, this.name);
    if (!reachable || !source.isPrimary || !source.process.answers) return false;
    if (this.#rewind === 'check') this.#rewind = this.postgres.isPrefixOf(source) ? 'none' : 'need';
    if (this.#rewind !== 'need') return false;
    this.#options.onRewind();
    this.postgres.end(false);
    this.#busy = 'running pg_rewind';
    this.process.after(this.#time.between(300, 1500), () =>
      this.#finish(() => {
        this.postgres.rewindTo(source);
        this.#rewind = 'none';
      }),
    );
    return true;
  }

  /** Ha.recover: PostgreSQL does not run. */
  *#recover(): Work<void> {
    const { postgres } = this;
    const locked = this.#hasLock && (yield* this.#updateLeader());
    if (locked && this.#crash && this.#role === 'primary' && !postgres.standbySignal) {
      this.#crash = false;
      postgres.start(false);
      return;
    }
    this.#load();
    if (!this.#hasLock) {
      if (this.#tryRewind()) return;
      yield* this.#sync.setNames(none);
    }
    this.#crash = false;
    this.#role = 'replica';
    this.#startStandby(this.#hasLock ? undefined : this.#leader?.name);
  }

  /** Ha.demote: immediate-nolock, or offline when there is no DCS; then a standby, which is rewound later if it must be. */
  *#demote(offline: boolean): Work<void> {
    yield this.process.sleep(this.#time.between(5, 60));
    this.postgres.end(false);
    this.#role = 'demoted';
    this.#leaderUntil = 0;
    if (!offline) this.#load();
    this.postgres.setSyncNames(none);
    this.#startStandby(offline || this.#hasLock ? undefined : this.#leader?.name);
  }

  #startStandby(upstream: string | undefined): void {
    this.postgres.upstream = upstream;
    this.postgres.start(true);
    this.#rewind = 'check';
    this.#sawRunning = true;
  }

  /** Ha.handle_long_action_in_progress */
  *#longAction(): Work<void> {
    if (this.#hasLock && (yield* this.#updateLeader())) return;
    if (this.#role !== 'primary' && this.#role !== 'promoted') return;
    this.#busy = undefined;
    yield* this.#demote(false);
  }

  /** Ha._handle_dcs_error, Ha.check_failsafe_topology: on as a leader only if all members agree. */
  *#handleDcsError(): Work<void> {
    if (!this.postgres.isPrimary) return;
    const topology = this.#dcs.view.failsafe;
    const others = topology?.filter((name) => name !== this.name) ?? [];
    if (topology?.includes(this.name) && (yield* askFailsafe(this.#rest, others))) {
      this.#leaderUntil = this.#time.now + ttl;
      this.#failsafe = { name: this.name, until: this.#time.now + ttl };
      return;
    }
    this.#failsafe.until = 0;
    yield* this.#demote(true);
  }

  *#touchMember(): Work<void> {
    const { process, ready, wal } = this.postgres;
    const state = process.running ? (ready ? 'running' : 'starting') : 'stopped';
    const data: MemberData = { state, role: this.#role, position: wal.length };
    yield* this.#dcs.touchMember(data);
  }

  get #rest(): Caller {
    return { name: this.name, time: this.#time, network: this.#network, peers: this.#options.peers() };
  }

  #newDcs(): PatroniDcs {
    const parts = { name: this.name, process: this.process, time: this.#time, etcd: this.#etcd };
    return new PatroniDcs(parts, this.#options.tear, () => this.wake());
  }

  #newSync(): SyncHandler {
    return new SyncHandler(this.postgres, this.process, this.#options.standbys);
  }
}
