import { type EtcdKeyValue, type PatroniKeys, readPatroniKeys } from '@holdfast/components';
import type { Answer, SimulatedEtcd, Snapshot } from './etcd.js';
import { prefix } from './patroni-cache.js';
import type { SimulatedProcess, Step, Work } from './process.js';
import type { VirtualTime } from './virtual-time.js';

const snapshotTimeout = 1500;
const readTimeout = 1000;
const proofEvery = { leader: 150, other: 1000 };

/** What an agent knows of etcd (src/dcs-watch.ts), and its readings of the lock (src/agent.ts, #readLock). */
export class AgentDcs {
  readonly #name: string;
  readonly #process: SimulatedProcess;
  readonly #time: VirtualTime;
  readonly #etcd: SimulatedEtcd;
  readonly #entries = new Map<string, EtcdKeyValue>();
  keys: PatroniKeys | undefined;

  constructor(name: string, process: SimulatedProcess, time: VirtualTime, etcd: SimulatedEtcd) {
    this.#name = name;
    this.#process = process;
    this.#time = time;
    this.#etcd = etcd;
  }

  /** Read once, then followed. */
  *follow(changed: () => void): Work<void> {
    for (;;) {
      const step = this.#etcd.ask(this.#name, snapshotTimeout, () => this.#etcd.snapshot());
      const read = (yield step as Step) as Answer<Snapshot>;
      if (read === undefined) {
        yield this.#process.sleep(100);
        continue;
      }
      for (const entry of read.value.entries) this.#entries.set(entry.key, entry);
      this.#publish(changed);
      this.#etcd.watch(this.#name, this.#process, read.value.revision, ({ events }) => {
        for (const event of events) {
          if (event.deleted) this.#entries.delete(event.key);
          else this.#entries.set(event.key, event);
        }
        this.#publish(changed);
      });
      return;
    }
  }

  *readLock(take: (leader: EtcdKeyValue | undefined, askedAt: number) => void, concerned: () => boolean): Work<void> {
    for (;;) {
      yield* this.readOnce(take);
      yield this.#process.sleep(concerned() ? proofEvery.leader : proofEvery.other);
    }
  }

  *readOnce(take: (leader: EtcdKeyValue | undefined, askedAt: number) => void): Work<void> {
    const askedAt = this.#time.now;
    const step = this.#etcd.ask(this.#name, readTimeout, () => this.#etcd.get(`${prefix}leader`));
    const answer = (yield step as Step) as Answer<EtcdKeyValue | undefined>;
    if (answer !== undefined) take(answer.value, askedAt);
  }

  #publish(changed: () => void): void {
    this.keys = readPatroniKeys(prefix, [...this.#entries.values()]);
    changed();
  }
}
