import { setTimeout as sleep } from 'node:timers/promises';
import { type EtcdClient, type EtcdKeyValue, type PatroniKeys, readPatroniKeys } from '@holdfast/components';
import type { EtcdCluster } from './etcd-cluster.js';
import { errorText, logEvent } from './log.js';
import { WayBack } from './way-back.js';

/** After a break; longer and longer when members can be read but not watched. A reading that shows something new ends it. */
const retryMilliseconds = { shortest: 100, longest: 1000 };
/** A watch that lasted so long was a sound one. */
const soundMilliseconds = 5000;
const snapshotMilliseconds = 1500;

/** Patroni's keys as etcd tells them: read once, then followed by a watch; begun anew whenever the watch breaks. */
export class DcsWatch {
  readonly #etcd: EtcdCluster;
  readonly #prefix: string;
  readonly #changed: () => void;
  readonly #wayBack = new WayBack();
  #entries = new Map<string, EtcdKeyValue>();
  #keys: PatroniKeys | undefined;
  #restart = new AbortController();
  #pause = new AbortController();
  #preferred: EtcdClient | undefined;
  #followed: { readonly client: EtcdClient; readonly since: number } | undefined;
  /** Readings in a row that were newer. */
  #missed = 0;
  /** Watches in a row that broke soon. */
  #broken = 0;

  constructor(etcd: EtcdCluster, prefix: string, changed: () => void) {
    this.#etcd = etcd;
    this.#prefix = prefix;
    this.#changed = changed;
  }

  /** The newest that is known; undefined before the first reading. */
  get keys(): PatroniKeys | undefined {
    return this.#keys;
  }

  /** The member of etcd whose word this is; undefined while there is none. */
  get followed(): EtcdClient | undefined {
    return this.#followed?.client;
  }

  /** What a reading of the lock says of the watch: who answered it, and the revision of the lock in it. */
  check(answered: EtcdClient, revision: string | undefined): void {
    const isNew = this.#keys?.raw.leader?.modRevision !== revision;
    this.#missed = isNew ? this.#missed + 1 : 0;
    const followed = this.#followed?.client;
    if (followed === undefined) {
      // All is being read anew as it is. Begun again by each reading, that would never end where etcd is slow.
      if (isNew) this.#pause.abort();
      return;
    }
    if (this.#missed >= 2) {
      this.#missed = 0;
      this.#etcd.avoid(followed);
      this.#begin('a reading of the lock is newer than the watch');
      return;
    }
    // The one beside this agent is the one that it cannot be cut off from.
    const [first] = this.#etcd.members;
    const heard = { answered: answered === first, followed: followed === first, now: performance.now() };
    if (!this.#wayBack.heard(heard)) return;
    this.#preferred = first;
    this.#begin('the first member of etcd answers again');
  }

  #begin(because: string): void {
    logEvent('watch-again', { because });
    this.#restart.abort(new Error(because));
  }

  /** Resolves when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#restart = new AbortController();
      const until = AbortSignal.any([signal, this.#restart.signal]);
      try {
        await this.#follow(until);
      } catch (error) {
        const followed = this.#followed;
        this.#followed = undefined;
        if (signal.aborted) return;
        if (followed !== undefined && performance.now() - followed.since >= soundMilliseconds) this.#broken = 0;
        // By our own wish: at once.
        if (this.#restart.signal.aborted) continue;
        logEvent('watch-broken', { error: errorText(error) });
        // Where nothing could be read that took its time by itself.
        if (followed !== undefined) this.#broken++;
        await this.#rest(followed === undefined ? 0 : this.#broken, signal);
      }
    }
  }

  /** As long as there are other members to try, not for long. `broken`: watches in a row that broke soon. */
  async #rest(broken: number, signal: AbortSignal): Promise<void> {
    const extra = Math.max(0, broken - this.#etcd.members.length);
    const milliseconds = Math.min(retryMilliseconds.shortest * 2 ** extra, retryMilliseconds.longest);
    this.#pause = new AbortController();
    const limit = AbortSignal.any([signal, this.#pause.signal]);
    await sleep(milliseconds, undefined, { signal: limit }).catch(() => undefined);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const preferred = this.#preferred;
    this.#preferred = undefined;
    const { client, snapshot } = await this.#etcd.ask(
      async (each, limit) => ({ client: each, snapshot: await each.snapshot(this.#prefix, limit) }),
      snapshotMilliseconds,
      signal,
      preferred,
    );
    this.#entries = new Map(snapshot.entries.map((entry) => [entry.key, entry]));
    this.#followed = { client, since: performance.now() };
    this.#missed = 0;
    this.#publish();
    try {
      const fromRevision = String(BigInt(snapshot.revision) + 1n);
      for await (const { events } of client.watch(this.#prefix, { fromRevision, signal })) {
        for (const event of events) {
          if (event.deleted) this.#entries.delete(event.key);
          else this.#entries.set(event.key, event);
        }
        if (events.length > 0) this.#publish();
      }
    } catch (error) {
      if (!signal.aborted) this.#etcd.avoid(client);
      throw error;
    }
  }

  #publish(): void {
    this.#keys = readPatroniKeys(this.#prefix, [...this.#entries.values()]);
    this.#changed();
  }
}
