import { existsSync } from 'node:fs';
import type { ClusterContext } from '@holdfast/cluster';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultWorld } from '../src/faults/fault.js';
import { faultKind } from '../src/faults/kinds.js';
import { insertSlowWire } from '../src/faults/slow-wire.js';
import { createWiredLab, type Echo, type WiredLab } from './support/wired-lab.js';

const isRoot = process.getuid?.() === 0;
const etcdPort = 2379;
const postgresPort = 5432;
const signal = AbortSignal.timeout(300_000);

describe.skipIf(!isRoot)('faults of the network, between real namespaces (needs root)', () => {
  let lab: WiredLab;
  let world: FaultWorld;
  beforeAll(async () => {
    lab = await createWiredLab(3, [etcdPort, postgresPort]);
    const names = lab.network.hosts.map((_, index) => index + 1);
    const spec = {
      members: names.map((index) => ({ name: `pg${index}` })),
      etcd: { members: names.map(() => ({ clientPort: etcdPort, peerPort: 2380 })) },
    };
    world = { context: { spec } as unknown as ClusterContext, lab: { folder: '/nowhere', network: lab.network } };
    // Opens the connections that are held.
    for (const from of ['host1', 'host2', 'host3', 'bridge']) await lab.ask(from);
  });
  afterAll(async () => {
    const { namespace } = lab.network;
    await lab[Symbol.asyncDispose]();
    expect(existsSync(`/run/netns/${namespace}`)).toBe(false);
  });

  const all = ['host1', 'host2', 'host3'];
  /** Hosts whose PostgreSQL port answers on a new connection, from that place. */
  const reached = async (from: string, port = postgresPort) => {
    const { fresh } = await lab.ask(from);
    return all.filter((host) => fresh[`${host}:${port}`] === 'echo');
  };
  const nobodyIsCutOff = async () => {
    for (const from of [...all, 'bridge']) {
      expect([from, await reached(from), await reached(from, etcdPort)]).toEqual([from, all, all]);
    }
  };
  let id = 0;
  const during = async (name: string, look: () => Promise<void>) => {
    await nobodyIsCutOff();
    const fault = faultKind(name).create(world, 'pg1', ++id);
    await fault.inject(signal);
    try {
      await look();
    } finally {
      await fault.heal(signal);
      await fault.heal(signal);
    }
    await nobodyIsCutOff();
  };

  it('isolate: nobody reaches the host, it reaches nobody but itself', async () => {
    await during('isolate', async () => {
      expect(await reached('host1')).toEqual(['host1']);
      expect(await reached('host2')).toEqual(['host2', 'host3']);
      expect(await reached('bridge')).toEqual(['host2', 'host3']);
    });
  });

  it('isolate: a connection that stands dies without a word, and lives on after', async () => {
    const held = async (from: string, target: string): Promise<Echo | undefined> => (await lab.ask(from)).held[target];
    expect(await held('host2', 'host1:5432')).toBe('echo');
    await during('isolate', async () => expect(await held('host2', 'host1:5432')).toBe('silent'));
    await expect.poll(async () => await held('host2', 'host1:5432'), { timeout: 10_000 }).toBe('echo');
  });

  it('isolate-from-hosts: clients still reach it', async () => {
    await during('isolate-from-hosts', async () => {
      expect(await reached('host1')).toEqual(['host1']);
      expect(await reached('host2')).toEqual(['host2', 'host3']);
      expect(await reached('bridge')).toEqual(all);
    });
  });

  it('isolate-from-etcd: no etcd client port, not even its own; everything else', async () => {
    await during('isolate-from-etcd', async () => {
      expect(await reached('host1', etcdPort)).toEqual([]);
      expect(await reached('host1')).toEqual(all);
      expect(await reached('host2', etcdPort)).toEqual(all);
    });
  });

  it('isolate-from-members: etcd is reached, the others’ PostgreSQL is not', async () => {
    await during('isolate-from-members', async () => {
      expect(await reached('host1', etcdPort)).toEqual(all);
      expect(await reached('host1')).toEqual(['host1']);
      expect(await reached('host3')).toEqual(['host2', 'host3']);
      expect(await reached('bridge')).toEqual(all);
    });
  });

  it('deafen and mute: no TCP connection comes about, either way', async () => {
    for (const name of ['deafen', 'mute']) {
      await during(name, async () => {
        expect(await reached('host1')).toEqual(['host1']);
        expect(await reached('bridge')).toEqual(['host2', 'host3']);
      });
    }
  });

  it('halve: the target is alone of three, clients reach both sides', async () => {
    await during('halve', async () => {
      expect(await reached('host1')).toEqual(['host1']);
      expect(await reached('host3')).toEqual(['host2', 'host3']);
      expect(await reached('bridge')).toEqual(all);
    });
  });

  it('ring: of three, the target reaches both others, and they not each other', async () => {
    await during('ring', async () => {
      expect(await reached('host1')).toEqual(all);
      expect(await reached('host2')).toEqual(['host1', 'host2']);
      expect(await reached('host3')).toEqual(['host1', 'host3']);
    });
  });

  it('two at once: healing one leaves the other', async () => {
    const one = faultKind('isolate').create(world, 'pg1', 101);
    const other = faultKind('isolate').create(world, 'pg2', 102);
    await one.inject(signal);
    await other.inject(signal);
    expect(await reached('bridge')).toEqual(['host3']);
    await one.heal(signal);
    expect(await reached('bridge')).toEqual(['host1', 'host3']);
    await other.heal(signal);
    await nobodyIsCutOff();
  });

  it('lose-packets: TCP still comes through, later', async () => {
    const fault = faultKind('lose-packets').create(world, 'pg1', 103);
    await fault.inject(signal);
    try {
      // A lost SYN is sent again after a second; some of so many are lost, and some not.
      await expect.poll(async () => await reached('bridge'), { timeout: 20_000 }).toContain('host1');
    } finally {
      await fault.heal(signal);
    }
    await expect.poll(async () => await reached('bridge'), { timeout: 10_000 }).toEqual(all);
  });

  const milliseconds = async (from: string) => {
    const began = performance.now();
    expect(await reached(from)).toEqual(all);
    return performance.now() - began;
  };

  it('slow-network: every answer takes longer, and is as fast as before after it', async () => {
    const before = await milliseconds('bridge');
    const fault = faultKind('slow-network').create(world, 'pg1', 104);
    await fault.inject(signal);
    try {
      // A lost packet takes longer than the question waits.
      await expect.poll(async () => await reached('bridge'), { timeout: 10_000 }).toEqual(all);
      expect(await milliseconds('bridge')).toBeGreaterThan(before + 100);
    } finally {
      await fault.heal(signal);
      await fault.heal(signal);
    }
    expect(await milliseconds('bridge')).toBeLessThan(before + 100);
    await nobodyIsCutOff();
  });

  it('a slow wire delays what the host sends, once, and neither other hosts nor its own loopback', async () => {
    const [host] = lab.network.hosts;
    if (host === undefined) throw new Error('the lab has no host');
    const quality = { delayMilliseconds: 150, jitterMilliseconds: 0, lossPercent: 0 };
    const wire = await insertSlowWire(lab.network, host, quality, signal);
    try {
      const trip = async (from: string, to: string) => (await lab.ask(from, [to])).milliseconds;
      // Two round trips: to connect, and to be answered. ARP may take one more.
      await trip('bridge', 'host1:5432');
      const [there, back, beside, within] = [
        await trip('bridge', 'host1:5432'),
        await trip('host1', 'host2:5432'),
        await trip('host2', 'host3:5432'),
        await trip('host1', 'host1:5432'),
      ];
      for (const slow of [there, back]) expect(slow).toBeGreaterThan(290);
      for (const slow of [there, back]) expect(slow).toBeLessThan(440);
      for (const fast of [beside, within]) expect(fast).toBeLessThan(140);
    } finally {
      await wire[Symbol.asyncDispose]();
    }
    await nobodyIsCutOff();
  });
});
