import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEtcdClient, type EtcdClient, etcdClientUrl, planCluster } from '@holdfast/components';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { exampleLayout, exampleSpec } from '../../components/test/example.js';
import { onFreePorts } from '../../components/test/free-ports.js';
import { Disposables, startUnit, temporaryDirectory, unitOf, waitReady } from '../../components/test/run-unit.js';
import { DcsWatch } from '../src/dcs-watch.js';
import { EtcdCluster } from '../src/etcd-cluster.js';

const installed = existsSync(exampleLayout().tools.etcd);
const prefix = '/service/main/';

/** A real etcd by two ways: straight, and by one that answers questions and ends every watch at once. */
describe.skipIf(!installed)('the watch on a real etcd', () => {
  const stack = new Disposables();
  let straight: EtcdClient;
  let bad: Server;
  let watches = 0;

  beforeAll(async () => {
    const spec = await onFreePorts(exampleSpec({ members: 1, etcdMembers: 1 }));
    const directory = stack.use(await temporaryDirectory());
    const unit = unitOf(planCluster({ spec, layout: exampleLayout(directory.path) }).units, 'etcd1');
    await waitReady(unit, stack.use(startUnit(unit)));
    const [member] = spec.etcd.members;
    if (member === undefined) throw new Error('no members');
    const url = etcdClientUrl(member);
    straight = createEtcdClient({ url });
    bad = createServer(async (request, response) => {
      if (request.url === '/v3/watch') {
        watches++;
        response.end();
        return;
      }
      const body = Buffer.concat(await request.toArray()).toString();
      const answer = await fetch(`${url}${request.url}`, { method: 'POST', body });
      response.end(await answer.text());
    }).listen(0, '127.0.0.1');
    await once(bad, 'listening');
  });
  afterAll(async () => {
    bad.close();
    await stack[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('follows another way where the first one ends every watch, and goes back to it no more than now and then', async () => {
    const first = createEtcdClient({ url: `http://127.0.0.1:${(bad.address() as AddressInfo).port}` });
    const etcd = new EtcdCluster([first, straight]);
    const over = new AbortController();
    const watch = new DcsWatch(etcd, prefix, () => {});
    const key = `${prefix}leader`;
    await straight.put(key, 'pg1', over.signal);
    const read = async () => {
      while (!over.signal.aborted) {
        const answer = await etcd
          .ask(async (client, signal) => ({ client, leader: await client.get(key, signal) }), 1000, over.signal)
          .catch(() => undefined);
        if (answer !== undefined) watch.check(answer.client, answer.leader?.modRevision);
        await sleep(100, undefined, { signal: over.signal }).catch(() => undefined);
      }
    };
    const running = Promise.all([watch.run(over.signal), read()]);
    const slowest: number[] = [];
    for (let round = 0; round < 25; round++) {
      const began = performance.now();
      await straight.put(key, `pg${round}`, over.signal);
      while (watch.keys?.raw.leader?.value !== `pg${round}`) {
        if (performance.now() - began > 5000) throw new Error(`round ${round} was not told`);
        await sleep(5);
      }
      slowest.push(performance.now() - began);
      await sleep(250);
    }
    over.abort();
    await running;
    // At the start, and once after the 3 s for which a member is avoided and one more in which it answers.
    expect(watches).toBeLessThanOrEqual(3);
    expect(slowest.sort((one, other) => one - other)[12]).toBeLessThan(150);
  });
});
