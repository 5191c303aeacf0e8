import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEtcdClient, etcdClientUrl, planCluster } from '../src/index.js';
import { exampleLayout, exampleSpec } from './example.js';
import { onFreePorts } from './free-ports.js';
import { Disposables, startUnit, temporaryDirectory, waitReady, waitUntil } from './run-unit.js';

const installed = existsSync(exampleLayout().tools.etcd);

describe.skipIf(!installed)('three etcd members, started as planned', async () => {
  const never = new AbortController().signal;
  const stack = new Disposables();
  const spec = await onFreePorts(exampleSpec());
  const clients = spec.etcd.members.map((member) => createEtcdClient({ url: etcdClientUrl(member) }));
  const [first] = clients;
  if (first === undefined) throw new Error('no members');

  beforeAll(async () => {
    const directory = stack.use(await temporaryDirectory());
    const plan = planCluster({ spec, layout: exampleLayout(directory.path) });
    const units = plan.units.filter((unit) => unit.component === 'etcd');
    const running = units.map((unit) => [unit, stack.use(startUnit(unit))] as const);
    await Promise.all(running.map(([unit, process]) => waitReady(unit, process)));
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  it('agree on one leader and on who they are', async () => {
    const statuses = await Promise.all(clients.map((client) => client.status(never)));
    expect(new Set(statuses.map((status) => status.memberId)).size).toBe(3);
    expect(new Set(statuses.map((status) => status.leaderId)).size).toBe(1);
    expect(statuses.map((status) => status.memberId)).toContain(statuses[0]?.leaderId);
    expect(statuses[0]?.version).toMatch(/^3\.\d+\.\d+$/);
    expect(statuses[0]?.databaseBytes).toBeGreaterThan(0);
  });

  it('list themselves as the spec names them', async () => {
    const members = await first.members(never);
    expect([...members].map((member) => member.name).sort()).toEqual(['etcd1', 'etcd2', 'etcd3']);
    for (const member of spec.etcd.members) {
      const found = members.find((each) => each.name === member.name);
      expect(found?.clientUrls).toEqual([`http://127.0.0.1:${member.clientPort}`]);
      expect(found?.peerUrls).toEqual([`http://127.0.0.1:${member.peerPort}`]);
    }
  });

  it('raise no alarm', async () => {
    expect(await first.alarms(never)).toEqual([]);
  });

  it('keep what one of them is told, UTF-8 included', async () => {
    await first.put('/test/größe', '{"wört": "✓"}', never);
    for (const client of clients) {
      const found = await client.get('/test/größe', never);
      expect(found).toMatchObject({ key: '/test/größe', value: '{"wört": "✓"}' });
      expect(Number(found?.modRevision)).toBeGreaterThan(0);
    }
    expect(await first.get('/test/nothing', never)).toBeUndefined();
  });

  it('delete a prefix and nothing beside it', async () => {
    for (const key of ['/s/main/a', '/s/main/b', '/s/main0', '/s/mai', '/s/main2/a']) await first.put(key, 'x', never);
    expect((await first.getPrefix('/s/main/', never)).map((each) => each.key)).toEqual(['/s/main/a', '/s/main/b']);
    expect(await first.deletePrefix('/s/main/', never)).toBe(2);
    expect(await first.deletePrefix('/s/main/', never)).toBe(0);
    expect((await first.getPrefix('/s/', never)).map((each) => each.key)).toEqual(['/s/mai', '/s/main0', '/s/main2/a']);
    await expect(first.deletePrefix('', never)).rejects.toThrow(RangeError);
  });

  it('answer a wrong request with HF_ETCD_REFUSED and their own words', async () => {
    await expect(first.removeMember('1234567', never)).rejects.toMatchObject({
      code: 'HF_ETCD_REFUSED',
      detail: expect.stringContaining('member not found'),
    });
  });

  it('move their leader when it is asked to', async () => {
    const { leaderId } = await first.status(never);
    const statuses = await Promise.all(clients.map((client) => client.status(never)));
    const leader = clients[statuses.findIndex((status) => status.memberId === leaderId)];
    const target = statuses.find((status) => status.memberId !== leaderId)?.memberId ?? '';
    await leader?.moveLeader(target, never);
    await waitUntil('the new leader is known', async () => (await first.status(never)).leaderId === target);
  });

  it('take a member in and let it go', async () => {
    // etcd refuses until its members have known each other for five seconds.
    await waitUntil('a member is added', async () => {
      await first.addMember('http://127.0.0.1:1', never);
      return true;
    });
    const added = (await first.members(never)).find((member) => member.name === '');
    expect(added?.peerUrls).toEqual(['http://127.0.0.1:1']);
    await first.removeMember(added?.id ?? '', never);
    expect(await first.members(never)).toHaveLength(3);
  });
});
