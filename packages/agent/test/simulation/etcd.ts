import type { EtcdKeyValue, EtcdTransaction } from '@holdfast/components';
import { etcdHost, type Network } from './network.js';
import type { SimulatedProcess, Step } from './process.js';
import type { VirtualTime } from './virtual-time.js';

export interface EtcdEvent extends EtcdKeyValue {
  readonly deleted: boolean;
}

export interface EtcdBatch {
  readonly revision: number;
  readonly events: readonly EtcdEvent[];
}

export interface Snapshot {
  readonly revision: number;
  readonly entries: readonly EtcdKeyValue[];
}

/** What was asked was answered, or nothing came back: then it may have been done or not. */
export type Answer<Value> = { readonly value: Value } | undefined;

const leaseCheck = 500;
const watchAgain = 1000;

/**
 * etcd as one linearizable store (https://etcd.io/docs/v3.4/learning/api_guarantees). Its own members are not simulated: it has a quorum or
 * it has none, and a host reaches it or does not.
 *
 * - A transaction is one revision; its events come in the order of its operations (subrevisions) and never in two watch responses.
 * - A lease that expires or is revoked deletes its keys, each as an event. Without a quorum none expires, and a new leader begins all
 *   of them anew (lessor.Promote).
 * - A read is linearizable: it shows the store at a moment between question and answer.
 */
export class SimulatedEtcd {
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #keys = new Map<string, EtcdKeyValue>();
  readonly #leases = new Map<string, { ttl: number; until: number }>();
  readonly #history: EtcdBatch[] = [];
  readonly #watches: Watch[] = [];
  #revision = 1;
  #leaseCount = 0;
  quorum = true;

  constructor(time: VirtualTime, network: Network) {
    this.#time = time;
    this.#network = network;
    const expire = () => {
      if (this.quorum) {
        for (const [id, { until }] of this.#leases) if (until <= time.now) this.#endLease(id);
      }
      time.after(leaseCheck, expire);
    };
    time.after(leaseCheck, expire);
  }

  loseQuorum(): void {
    this.quorum = false;
  }

  regainQuorum(): void {
    if (this.quorum) return;
    this.quorum = true;
    for (const lease of this.#leases.values()) lease.until = this.#time.now + lease.ttl;
  }

  /** A request of `host`: done when it arrives, if there is a quorum; undefined when no answer came within `timeout`. */
  ask<Value>(host: string, timeout: number, perform: () => Value): Step<Answer<Value>> {
    return (resume) => {
      this.#time.after(timeout, () => resume(undefined));
      this.#network.send(host, etcdHost, () => {
        if (!this.quorum) return;
        const value = perform();
        this.#network.send(etcdHost, host, () => resume({ value }));
      });
    };
  }

  get(key: string): EtcdKeyValue | undefined {
    return this.#keys.get(key);
  }

  snapshot(): Snapshot {
    return { revision: this.#revision, entries: [...this.#keys.values()] };
  }

  grant(ttl: number): string {
    this.#leaseCount += 1;
    const id = `${1000 + this.#leaseCount}`;
    this.#leases.set(id, { ttl, until: this.#time.now + ttl });
    return id;
  }

  /** False: there is no such lease any more. */
  keepAlive(id: string): boolean {
    const lease = this.#leases.get(id);
    if (lease === undefined) return false;
    lease.until = this.#time.now + lease.ttl;
    return true;
  }

  revoke(id: string): void {
    this.#endLease(id);
  }

  hasLease(id: string): boolean {
    return this.#leases.has(id);
  }

  /** Undefined: not all comparisons held, or a key of `absent` is there (create_revision 0), or a lease is gone. */
  transact(transaction: EtcdTransaction, absent: readonly string[] = []): number | undefined {
    const holds = transaction.compare.every((each) => {
      const found = this.#keys.get(each.key);
      if ('modRevision' in each) return (found?.modRevision ?? '0') === each.modRevision;
      if ('lease' in each) return (found?.lease ?? '0') === each.lease;
      return found?.value === each.value;
    });
    if (!holds || absent.some((key) => this.#keys.has(key))) return undefined;
    const leases = transaction.success.flatMap((each) =>
      'put' in each && each.lease !== undefined && each.lease !== '0' ? [each.lease] : [],
    );
    // etcd refuses a put with a lease that is not there, the transaction with it.
    if (leases.some((lease) => !this.#leases.has(lease))) return undefined;
    this.#revision += 1;
    const events: EtcdEvent[] = [];
    for (const each of transaction.success) {
      if ('delete' in each) {
        if (this.#keys.delete(each.delete)) events.push(this.#deletion(each.delete));
        continue;
      }
      const { put: key, value, lease = '0' } = each;
      const entry = { key, value, modRevision: `${this.#revision}`, lease };
      this.#keys.set(key, entry);
      events.push({ ...entry, deleted: false });
    }
    this.#publish(events);
    return this.#revision;
  }

  put(key: string, value: string, lease = '0'): number | undefined {
    return this.transact({ compare: [], success: [{ put: key, value, lease }] });
  }

  /** Every batch after `from`, in order, to a process on `host`; what it missed while it was cut off comes later. */
  watch(host: string, process: SimulatedProcess, from: number, take: (batch: EtcdBatch) => void): void {
    const watch = new Watch(this.#time, this.#network, this.#history, { host, process, take, from });
    this.#watches.push(watch);
    watch.pump();
  }

  #deletion(key: string): EtcdEvent {
    return { key, value: '', modRevision: `${this.#revision}`, lease: '0', deleted: true };
  }

  #endLease(id: string): void {
    if (!this.#leases.delete(id)) return;
    const keys = [...this.#keys.values()].filter(({ lease }) => lease === id).map(({ key }) => key);
    if (keys.length === 0) return;
    this.#revision += 1;
    for (const key of keys) this.#keys.delete(key);
    this.#publish(keys.map((key) => this.#deletion(key)));
  }

  #publish(events: readonly EtcdEvent[]): void {
    if (events.length === 0) return;
    this.#history.push({ revision: this.#revision, events });
    for (let index = this.#watches.length - 1; index >= 0; index--) {
      const watch = this.#watches[index];
      if (watch?.ended) this.#watches.splice(index, 1);
      else watch?.pump();
    }
  }
}

/** One watch: resumed from its revision after a cut, as a client does. */
class Watch {
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #history: readonly EtcdBatch[];
  readonly #to: { host: string; process: SimulatedProcess; take: (batch: EtcdBatch) => void };
  readonly #incarnation: number;
  #next: number;
  #busy = false;

  constructor(
    time: VirtualTime,
    network: Network,
    history: readonly EtcdBatch[],
    to: { host: string; process: SimulatedProcess; take: (batch: EtcdBatch) => void; from: number },
  ) {
    this.#time = time;
    this.#network = network;
    this.#history = history;
    this.#to = to;
    this.#incarnation = to.process.incarnation;
    const index = history.findIndex(({ revision }) => revision > to.from);
    this.#next = index === -1 ? history.length : index;
  }

  get ended(): boolean {
    return this.#to.process.incarnation !== this.#incarnation;
  }

  pump(): void {
    if (this.#busy || this.ended || this.#next >= this.#history.length) return;
    this.#busy = true;
    const { host, process, take } = this.#to;
    const reachable = () => this.#network.reaches(etcdHost, host) && this.#network.reaches(host, etcdHost);
    if (!reachable()) {
      this.#again(this.#time.between(100, watchAgain));
      return;
    }
    this.#time.after(this.#network.delay(etcdHost, host), () => {
      if (this.ended) return;
      if (!reachable()) {
        this.#again(this.#time.between(100, watchAgain));
        return;
      }
      const batches = this.#history.slice(this.#next);
      this.#next = this.#history.length;
      for (const batch of batches) process.receive(() => take(batch));
      this.#busy = false;
      this.pump();
    });
  }

  #again(milliseconds: number): void {
    this.#time.after(milliseconds, () => {
      this.#busy = false;
      this.pump();
    });
  }
}
