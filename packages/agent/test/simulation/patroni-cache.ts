import type { EtcdKeyValue } from '@holdfast/components';
import type { EtcdBatch, EtcdEvent, Snapshot } from './etcd.js';
import type { SimulatedProcess } from './process.js';
import type { VirtualTime } from './virtual-time.js';

export const prefix = '/service/demo/';
/** How probable it is that time passes between two events of one revision, and how much: a thread waits for its turn. */
export interface Tear {
  readonly chance: number;
  readonly most: number;
}

/** patroni/dcs/__init__.py, class Cluster, as far as it matters here. */
export interface ClusterView {
  readonly leader: { readonly name: string; readonly session: string } | undefined;
  readonly sync: {
    readonly leader: string | undefined;
    readonly standbys: readonly string[];
    readonly quorum: number;
    readonly version: string | undefined;
  };
  readonly members: ReadonlyMap<string, MemberData & { readonly session: string }>;
  readonly failsafe: readonly string[] | undefined;
  /** From /history: the newest timeline that a leader has written down. */
  readonly timeline: number;
  /** From /status. */
  readonly lastPosition: number;
}

export interface MemberData {
  readonly state: 'running' | 'starting' | 'stopped';
  readonly role: string;
  readonly position: number;
}

/**
 * patroni/dcs/etcd3.py, class KVCache: a thread's copy of all keys, fed by a watch. It stays ready, and stale, while packets are dropped.
 * The events of one revision are applied one by one, each under the lock; the main loop may copy in between (copy, _process_event).
 */
export class PatroniCache {
  readonly #time: VirtualTime;
  readonly #process: SimulatedProcess;
  readonly #name: string;
  readonly #wake: () => void;
  readonly #tear: Tear;
  readonly #entries = new Map<string, EtcdKeyValue>();
  #pending: EtcdEvent[] = [];
  #busy = false;

  constructor(time: VirtualTime, process: SimulatedProcess, name: string, tear: Tear, wake: () => void) {
    this.#time = time;
    this.#process = process;
    this.#name = name;
    this.#tear = tear;
    this.#wake = wake;
  }

  fill({ entries }: Snapshot): void {
    this.#entries.clear();
    for (const entry of entries) this.#entries.set(entry.key, entry);
  }

  take({ events }: EtcdBatch): void {
    this.#pending.push(...events);
    if (!this.#busy) this.#apply();
  }

  /** What this Patroni itself wrote (PatroniEtcd3Client.call_rpc). */
  set(entry: EtcdKeyValue): boolean {
    const old = this.#entries.get(entry.key);
    if (old !== undefined && Number(old.modRevision) >= Number(entry.modRevision)) return false;
    this.#entries.set(entry.key, entry);
    return true;
  }

  delete(key: string, revision: number): boolean {
    const old = this.#entries.get(key);
    if (old !== undefined && Number(old.modRevision) >= revision) return false;
    this.#entries.delete(key);
    return true;
  }

  view(): ClusterView {
    const value = (key: string) => this.#entries.get(prefix + key)?.value;
    const leader = this.#entries.get(`${prefix}leader`);
    const sync = this.#entries.get(`${prefix}sync`);
    const state = JSON.parse(sync?.value ?? '{}') as { leader?: string; sync_standby?: string; quorum?: number };
    const members = new Map<string, MemberData & { session: string }>();
    for (const [key, entry] of this.#entries) {
      if (!key.startsWith(`${prefix}members/`)) continue;
      members.set(key.slice(prefix.length + 8), { ...(JSON.parse(entry.value) as MemberData), session: entry.lease });
    }
    return {
      leader: leader === undefined ? undefined : { name: leader.value, session: leader.lease },
      sync: {
        leader: state.leader || undefined,
        standbys: state.leader ? (state.sync_standby ?? '').split(',').filter(Boolean) : [],
        quorum: state.quorum ?? 0,
        version: sync?.modRevision,
      },
      members,
      failsafe: JSON.parse(value('failsafe') ?? 'null') ?? undefined,
      timeline: Number(value('history') ?? 1),
      lastPosition: Number(JSON.parse(value('status') ?? '{}').optime ?? 0),
    };
  }

  #apply(): void {
    this.#busy = true;
    for (let event = this.#pending.shift(); event !== undefined; event = this.#pending.shift()) {
      this.#note(event);
      if (this.#pending.length > 0 && this.#time.chance() < this.#tear.chance) {
        this.#process.after(this.#time.between(0, this.#tear.most), () => this.#apply());
        return;
      }
    }
    this.#busy = false;
  }

  #note(event: EtcdEvent): void {
    const old = this.#entries.get(event.key)?.value;
    const changed = event.deleted ? this.delete(event.key, Number(event.modRevision)) : this.set(event);
    if (!changed || old === (event.deleted ? undefined : event.value)) return;
    const follows = this.#entries.get(`${prefix}leader`)?.value !== this.#name;
    if (event.key === `${prefix}leader` || (event.key === `${prefix}status` && !event.deleted && follows)) this.#wake();
  }
}
