import type { Answer, SimulatedEtcd } from './etcd.js';
import { type ClusterView, type MemberData, PatroniCache, prefix, type Tear } from './patroni-cache.js';
import type { SimulatedProcess, Step, Work } from './process.js';
import type { VirtualTime } from './virtual-time.js';

export const ttl = 20_000;
const loopWait = 1000;
const retryTimeout = 9000;
const attemptTimeout = 3000;

/** etcd did not answer within retry_timeout. */
export class DcsError extends Error {}

/** patroni/dcs/etcd3.py, class Etcd3: the lease, the leader key, /sync, and the cache in front of them. */
export class PatroniDcs {
  readonly #name: string;
  readonly #process: SimulatedProcess;
  readonly #time: VirtualTime;
  readonly #etcd: SimulatedEtcd;
  readonly #cache: PatroniCache;
  #lease: string | undefined;
  #refreshed = 0;
  /** How often the lock that it believed to hold was gone and it took it anew, without a race or a look at anybody's log. */
  createdByUpdate = 0;

  constructor(
    parts: { name: string; process: SimulatedProcess; time: VirtualTime; etcd: SimulatedEtcd },
    tear: Tear,
    wake: () => void,
  ) {
    this.#name = parts.name;
    this.#process = parts.process;
    this.#time = parts.time;
    this.#etcd = parts.etcd;
    this.#cache = new PatroniCache(parts.time, parts.process, parts.name, tear, wake);
  }

  get view(): ClusterView {
    return this.#cache.view();
  }

  /** A lease, all keys, and a watch from there on. */
  *connect(): Work<void> {
    for (;;) {
      const lease = yield* this.#ask(() => this.#etcd.grant(ttl));
      const read = yield* this.#ask(() => this.#etcd.snapshot());
      if (lease !== undefined && read !== undefined) {
        this.#lease = lease.value;
        this.#cache.fill(read.value);
        this.#etcd.watch(this.#name, this.#process, read.value.revision, (batch) => this.#cache.take(batch));
        return;
      }
      yield this.#process.sleep(1000);
    }
  }

  /** Etcd3.watch: the next cycle refreshes the lease again. */
  cycleEnds(): void {
    this.#refreshed = 0;
  }

  /** AbstractDCS.write_sync_state: a compare-and-swap where the key's revision is known. Answers the new one; undefined: it had changed. */
  *writeSync(standbys: readonly string[], version: string | undefined): Work<string | undefined> {
    const key = `${prefix}sync`;
    const names = [...standbys].sort().join(',');
    const value = JSON.stringify({ leader: this.#name, sync_standby: names || null, quorum: 0 });
    const compare = version === undefined ? [] : [{ key, modRevision: version }];
    const revision = yield* this.#retry(() => this.#etcd.transact({ compare, success: [{ put: key, value }] }));
    if (revision === undefined) return undefined;
    this.#cache.set({ key, value, modRevision: `${revision}`, lease: '0' });
    return `${revision}`;
  }

  /** Etcd3._update_leader: while the key, as cached, hangs on its own lease, only the lease is kept alive and nobody looks at the key. */
  *updateLeader(session: string | undefined): Work<boolean> {
    const held = yield* this.#refreshLease(true);
    const lease = this.#lease;
    if (lease === undefined) return false;
    if (held && session === lease) return true;
    const key = `${prefix}leader`;
    const success = [{ put: key, value: this.#name, lease }];
    const create = () => {
      const revision = this.#etcd.transact({ compare: [], success }, [key]);
      if (revision !== undefined) this.createdByUpdate += 1;
      return revision;
    };
    const revision = yield* this.#retry(
      () => this.#etcd.transact({ compare: [{ key, value: this.#name }], success }) ?? create(),
    );
    if (revision === undefined) return false;
    this.#cache.set({ key, value: this.#name, modRevision: `${revision}`, lease });
    return true;
  }

  /** Etcd3.attempt_to_acquire_leader: the key is created or not. */
  *acquire(): Work<boolean> {
    yield* this.#refreshLease(false);
    const lease = this.#lease ?? '0';
    const key = `${prefix}leader`;
    const transaction = { compare: [], success: [{ put: key, value: this.#name, lease }] };
    const revision = yield* this.#retry(() => this.#etcd.transact(transaction, [key]));
    if (revision === undefined) return false;
    this.#cache.set({ key, value: this.#name, modRevision: `${revision}`, lease });
    return true;
  }

  /** Ha.touch_member: errors are only logged. */
  *touchMember(data: MemberData): Work<void> {
    try {
      yield* this.#refreshLease(false);
    } catch (error) {
      if (error instanceof DcsError) return;
      throw error;
    }
    const { session, ...before } = this.view.members.get(this.#name) ?? { session: undefined };
    if (session === this.#lease && JSON.stringify(before) === JSON.stringify(data)) return;
    const key = `${prefix}members/${this.#name}`;
    const answer = yield* this.#ask(() =>
      this.#etcd.hasLease(this.#lease ?? '') ? this.#etcd.put(key, JSON.stringify(data), this.#lease) : undefined,
    );
    // LeaseNotFound
    if (answer !== undefined && answer.value === undefined) this.#lease = undefined;
  }

  /** /status, /history, /failsafe: one attempt. */
  *put(key: string, value: string): Work<void> {
    const answer = yield* this.#ask(() => this.#etcd.put(prefix + key, value));
    if (answer?.value === undefined) return;
    this.#cache.set({ key: prefix + key, value, modRevision: `${answer.value}`, lease: '0' });
  }

  /** Etcd3._do_refresh_lease; false: it has a new one. */
  *#refreshLease(force: boolean): Work<boolean> {
    const lease = this.#lease;
    if (!force && lease !== undefined && this.#refreshed + loopWait > this.#time.now) return true;
    const alive = lease !== undefined && (yield* this.#retry(() => this.#etcd.keepAlive(lease)));
    if (!alive) this.#lease = yield* this.#retry(() => this.#etcd.grant(ttl));
    this.#refreshed = this.#time.now;
    return alive;
  }

  *#ask<Value>(perform: () => Value): Work<Answer<Value>> {
    return (yield this.#etcd.ask(this.#name, attemptTimeout, perform) as Step) as Answer<Value>;
  }

  /** Until it is answered or retry_timeout is over. What was not answered may have been done all the same. */
  *#retry<Value>(perform: () => Value): Work<Value> {
    const deadline = this.#time.now + retryTimeout;
    while (this.#time.now < deadline) {
      const answer = yield* this.#ask(perform);
      if (answer !== undefined) return answer.value;
    }
    throw new DcsError();
  }
}
