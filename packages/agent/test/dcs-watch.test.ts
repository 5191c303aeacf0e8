import { setTimeout as sleep } from 'node:timers/promises';
import type { EtcdClient, EtcdKeyValue, EtcdWatchBatch } from '@holdfast/components';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DcsWatch } from '../src/dcs-watch.js';
import { EtcdCluster } from '../src/etcd-cluster.js';

const prefix = '/service/main/';

/** One key, and whoever watches it. */
class Store {
  revision = 1;
  entry: EtcdKeyValue | undefined;
  readonly watchers = new Set<(batch: EtcdWatchBatch) => void>();

  put(value: string): void {
    this.revision++;
    const entry = { key: `${prefix}leader`, value, modRevision: String(this.revision), lease: '7' };
    this.entry = entry;
    for (const tell of this.watchers) tell({ revision: entry.modRevision, events: [{ ...entry, deleted: false }] });
  }
}

/** A member of etcd before that store. Counts what it is asked. */
class Member {
  isUp = true;
  /** Before each answer; a watch begins at once. */
  delay = 0;
  /** `ends`: it answers questions, and ends every watch at once. `deaf`: the watch stays, and tells nothing. */
  watch: 'sound' | 'ends' | 'deaf' = 'sound';
  readonly asked = { snapshots: 0, watches: 0 };
  readonly client: EtcdClient;

  constructor(url: string, store: Store) {
    const answer = async (signal: AbortSignal) => {
      await sleep(this.delay, undefined, { signal });
      if (!this.isUp) throw new Error(`${url} is down`);
    };
    const client: Pick<EtcdClient, 'url' | 'get' | 'snapshot' | 'watch'> = {
      url,
      get: async (_, signal) => {
        await answer(signal);
        return store.entry;
      },
      snapshot: async (_, signal) => {
        this.asked.snapshots++;
        await answer(signal);
        return { revision: String(store.revision), entries: store.entry === undefined ? [] : [store.entry] };
      },
      watch: (_, { signal }) => {
        this.asked.watches++;
        return this.#batches(store, signal);
      },
    };
    this.client = client as EtcdClient;
  }

  async *#batches(store: Store, signal: AbortSignal): AsyncGenerator<EtcdWatchBatch, void> {
    if (this.watch === 'ends' || !this.isUp) throw new Error('the watch ended');
    const batches: EtcdWatchBatch[] = [];
    let wake = () => {};
    const tell = (batch: EtcdWatchBatch) => {
      if (this.watch === 'deaf') return;
      batches.push(batch);
      wake();
    };
    store.watchers.add(tell);
    signal.addEventListener('abort', () => wake(), { once: true });
    try {
      for (;;) {
        signal.throwIfAborted();
        const batch = batches.shift();
        if (batch !== undefined) yield batch;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      store.watchers.delete(tell);
    }
  }
}

describe('the watch on etcd', () => {
  let store: Store;
  let members: Member[];
  let etcd: EtcdCluster;
  let watch: DcsWatch;
  let over: AbortController;
  let running: Promise<unknown>;

  beforeEach(() => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    store = new Store();
    members = ['one', 'two', 'three'].map((name) => new Member(`http://${name}`, store));
    etcd = new EtcdCluster(members.map(({ client }) => client));
    over = new AbortController();
    watch = new DcsWatch(etcd, prefix, () => {});
  });
  afterEach(async () => {
    over.abort();
    await running;
    vi.restoreAllMocks();
  });

  const member = (index: number): Member => {
    const found = members[index];
    if (found === undefined) throw new RangeError(`There is no member ${index}.`);
    return found;
  };
  const asked = () => members.map(({ asked: { watches } }) => watches);

  /** The watch, and the readings of the lock that check it. */
  function start(pause = 20): void {
    store.put('pg1');
    const read = async () => {
      while (!over.signal.aborted) {
        try {
          const question = async (client: EtcdClient, limit: AbortSignal) => ({
            client,
            leader: await client.get(`${prefix}leader`, limit),
          });
          const { client, leader } = await etcd.ask(question, 1000, over.signal);
          watch.check(client, leader?.modRevision);
        } catch {
          // The next one.
        }
        await sleep(pause, undefined, { signal: over.signal }).catch(() => undefined);
      }
    };
    running = Promise.all([watch.run(over.signal), read()]);
  }

  async function until(what: string, isSo: () => boolean, milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds;
    while (!isSo()) {
      if (performance.now() > end) throw new Error(`not ${what}: ${JSON.stringify(asked())}`);
      await sleep(5);
    }
  }
  const knows = (value: string) => () => watch.keys?.raw.leader?.value === value;

  it('tells of a change at once', async () => {
    start();
    await until('read', knows('pg1'), 1000);
    store.put('pg2');
    await until('told', knows('pg2'), 200);
    expect(asked()).toEqual([1, 0, 0]);
  });

  it('goes to another member that cannot be watched no more than now and then', async () => {
    member(0).watch = 'ends';
    start();
    await until('on another', () => watch.followed === member(1).client, 1000);
    // The member is avoided for 3 s and has to answer for 1 s before it is tried again.
    for (let index = 0; index < 30; index++) {
      store.put(`pg${index}`);
      await until(`told of ${index}`, knows(`pg${index}`), 400);
      await sleep(200);
    }
    const [first = 0, ...others] = asked();
    expect(first).toBeLessThanOrEqual(3);
    expect(Math.max(...others)).toBeLessThanOrEqual(4);
  }, 20_000);

  it('goes back to the first member once, also when answers take long', async () => {
    member(0).isUp = false;
    for (const each of members) each.delay = 150;
    start();
    await until('on another', () => watch.followed === member(1).client || watch.followed === member(2).client, 2000);
    member(0).isUp = true;
    await until('back', () => watch.followed === member(0).client, 10_000);
    const before = member(0).asked.snapshots;
    await sleep(1500);
    expect(watch.followed).toBe(member(0).client);
    expect(member(0).asked.snapshots).toBe(before);
  }, 20_000);

  it('leaves a member whose watch tells nothing', async () => {
    member(0).watch = 'deaf';
    start();
    await until('read', knows('pg1'), 1000);
    store.put('pg2');
    await until('told', knows('pg2'), 500);
    expect(watch.followed).not.toBe(member(0).client);
  });

  it('tries more slowly where no member can be watched, and still knows what is read', async () => {
    for (const each of members) each.watch = 'ends';
    start();
    await until('read', knows('pg1'), 1000);
    await sleep(3000);
    // After 100 ms three times, then after 200, 400, 800 and 1000.
    expect(asked().reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(9);
    store.put('pg2');
    await until('read anew', knows('pg2'), 300);
    for (const each of members) each.watch = 'sound';
    await until('followed', () => watch.followed !== undefined, 1500);
    store.put('pg3');
    await until('told', knows('pg3'), 200);
  }, 10_000);

  it('is up again as soon as etcd is', async () => {
    start();
    await until('read', knows('pg1'), 1000);
    for (const each of members) {
      each.isUp = false;
      each.watch = 'ends';
    }
    // What a reading would say that still was answered.
    watch.check(member(0).client, 'another');
    watch.check(member(0).client, 'another');
    await sleep(1500);
    expect(watch.followed).toBeUndefined();
    store.put('pg2');
    for (const each of members) {
      each.isUp = true;
      each.watch = 'sound';
    }
    await until('followed', knows('pg2'), 400);
  });
});

describe('asking the members of etcd', () => {
  const store = new Store();

  it('does not hold it against one that its question was given up', async () => {
    const members = ['one', 'two'].map((name) => new Member(`http://${name}`, store));
    const etcd = new EtcdCluster(members.map(({ client }) => client));
    const [one] = members;
    if (one === undefined) throw new Error('no members');
    one.delay = 60;
    const name = async (client: EtcdClient, signal: AbortSignal) => {
      await client.get('', signal);
      return client.url;
    };
    await expect(etcd.ask(name, 1000, AbortSignal.timeout(20))).rejects.toThrow();
    one.delay = 0;
    expect(await etcd.ask(name, 1000, new AbortController().signal)).toBe('http://one');
  });

  it('asks the preferred one first, even if it is avoided', async () => {
    const members = ['one', 'two'].map((each) => new Member(`http://${each}`, store));
    const etcd = new EtcdCluster(members.map(({ client }) => client));
    const [one] = members;
    if (one === undefined) throw new Error('no members');
    etcd.avoid(one.client);
    const url = async (client: EtcdClient) => client.url;
    const { signal } = new AbortController();
    expect(await etcd.ask(url, 1000, signal)).toBe('http://two');
    expect(await etcd.ask(url, 1000, signal, one.client)).toBe('http://one');
  });
});
