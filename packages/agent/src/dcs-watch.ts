import { setTimeout as sleep } from 'node:timers/promises';
import { type EtcdClient, type EtcdKeyValue, type PatroniKeys, readPatroniKeys } from '@holdfast/components';
import type { EtcdCluster } from './etcd-cluster.js';
import { errorText, logEvent } from './log.js';

const retryMilliseconds = 100;
const snapshotMilliseconds = 1500;

/** Patroni's keys as etcd tells them: read once, then followed by a watch; begun anew whenever the watch breaks. */
export class DcsWatch {
  readonly #etcd: EtcdCluster;
  readonly #prefix: string;
  readonly #changed: () => void;
  #entries = new Map<string, EtcdKeyValue>();
  #keys: PatroniKeys | undefined;
  #restart = new AbortController();
  #followed: EtcdClient | undefined;

  constructor(etcd: EtcdCluster, prefix: string, changed: () => void) {
    this.#etcd = etcd;
    this.#prefix = prefix;
    this.#changed = changed;
  }

  /** The newest that is known; undefined before the first reading. */
  get keys(): PatroniKeys | undefined {
    return this.#keys;
  }

  /** The member of etcd whose word this is. */
  get followed(): EtcdClient | undefined {
    return this.#followed;
  }

  /** The watch lags behind what somebody read, or there is a better member to follow: begin anew. */
  begin(because: string): void {
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
        if (signal.aborted) return;
        logEvent('watch-broken', { error: errorText(error) });
        await sleep(retryMilliseconds, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { client, snapshot } = await this.#etcd.ask(
      async (each, limit) => ({ client: each, snapshot: await each.snapshot(this.#prefix, limit) }),
      snapshotMilliseconds,
      signal,
    );
    this.#entries = new Map(snapshot.entries.map((entry) => [entry.key, entry]));
    this.#followed = client;
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
      this.#etcd.avoid(client);
      throw error;
    }
  }

  #publish(): void {
    this.#keys = readPatroniKeys(this.#prefix, [...this.#entries.values()]);
    this.#changed();
  }
}
