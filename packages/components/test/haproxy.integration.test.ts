import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterSpec } from '@holdfast/spec';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  agentUser,
  apiUser,
  createHaproxyClient,
  gateQuestion,
  haproxyStatsUrl,
  planCluster,
  type Unit,
} from '../src/index.js';
import { exampleInput, exampleLayout, exampleSpec, examples } from './example.js';
import { onFreePorts } from './free-ports.js';
import { Client, expectRefusal, FakeMember, startupMessage } from './haproxy-peers.js';
import {
  Disposables,
  prepareUnit,
  type RunningUnit,
  runOnce,
  startUnit,
  temporaryDirectory,
  testSecrets,
  unitOf,
  waitReady,
  waitUntil,
} from './run-unit.js';

const installed = existsSync(exampleLayout().tools.haproxy);
const never = new AbortController().signal;

describe.skipIf(!installed)('haproxy.cfg', () => {
  const check = async (directory: string, options: (typeof examples)[string]) => {
    const plan = planCluster(exampleInput({ ...options, stateDirectory: directory }));
    const unit = unitOf(plan.units, 'haproxy');
    return { unit, argv: [unit.argv[0], '-c', '-f', unit.files[0]?.path ?? ''] };
  };

  it.each(Object.entries(examples))('of %s is accepted without a warning', async (_, options) => {
    await using directory = await temporaryDirectory();
    const { unit, argv } = await check(directory.path, options);
    const { code, output } = await runOnce(unit, { argv });
    expect(output).not.toMatch(/WARNING|ALERT/);
    expect(code).toBe(0);
  });

  it('is accepted below a folder with blanks and quotes in its name', async () => {
    await using directory = await temporaryDirectory();
    const { unit, argv } = await check(join(directory.path, `it's a "$HOME" \\ folder`), {});
    expect(await runOnce(unit, { argv })).toMatchObject({ code: 0 });
  });

  it('is refused when it is broken', async () => {
    await using directory = await temporaryDirectory();
    const { unit, argv } = await check(directory.path, {});
    const broken = { ...unit, files: unit.files.map((file) => ({ ...file, content: `${file.content}\nnonsense\n` })) };
    expect((await runOnce(broken, { argv })).code).not.toBe(0);
  });
});

/** Where Patroni alone says who is the primary. */
const withoutAgents = (spec: ClusterSpec): ClusterSpec => ({ ...spec, failover: { ...spec.failover, enabled: false } });

describe.skipIf(!installed)('HAProxy with agents', async () => {
  const all = new Disposables();
  const spec = await onFreePorts(exampleSpec());
  const says = new Map<string, string | undefined>();
  const client = (username: string, password: string) =>
    createHaproxyClient({ url: haproxyStatsUrl(spec.haproxy), username, password });
  const agent = client(agentUser, testSecrets['haproxy-admin']);

  beforeAll(async () => {
    for (const member of spec.members) {
      const fake = all.use(new FakeMember(member.name, member.port, member.patroniPort));
      // As a thawed Patroni does, each says that it is the primary.
      fake.role = 'primary';
      const gate = createServer((socket) => {
        socket
          .on('error', () => {})
          .on('data', (question) => {
            const answer = String(question) === `${gateQuestion}\n` ? says.get(member.name) : 'wrong question';
            if (answer === undefined) socket.destroy();
            else socket.end(`${answer}\n`);
          });
      }).listen(member.agentPort, '127.0.0.1');
      all.use({ [Symbol.asyncDispose]: async () => void gate.close() });
    }
    const directory = all.use(await temporaryDirectory());
    const unit = unitOf(planCluster({ spec, layout: exampleLayout(directory.path) }).units, 'haproxy');
    await waitReady(unit, all.use(startUnit(unit)));
  });
  afterAll(() => all[Symbol.asyncDispose]());

  async function reaches(wanted: string): Promise<void> {
    await waitUntil(
      wanted,
      async () => {
        const rows = await agent.statistics(never);
        const ups = rows.filter(
          ({ proxy, server, status }) => proxy === 'primary' && /^pg/.test(server) && /^UP/.test(status),
        );
        return ups.map(({ server }) => server).join() === wanted;
      },
      10,
    );
  }

  it('believes the agents, whatever each Patroni says, and keeps what it knew when one does not answer', async () => {
    for (const name of ['pg2', 'pg3']) says.set(name, 'down');
    says.set('pg1', 'up');
    await reaches('pg1');
    says.set('pg1', undefined);
    await sleep(500);
    await reaches('pg1');
  });

  it('keeps a member down that was marked, until its own agent says up', async () => {
    says.set('pg1', undefined);
    await agent.mark('primary', 'pg1', 'agent-down', never);
    await reaches('');
    await sleep(500);
    await reaches('');
    says.set('pg1', 'up');
    await reaches('pg1');
  });

  it('lets nobody mark servers who may only look', async () => {
    const reader = client(apiUser, testSecrets['haproxy-stats']);
    await expect(reader.mark('primary', 'pg1', 'agent-down', never)).rejects.toMatchObject({
      code: 'HF_HAPROXY_REFUSED',
    });
    await reaches('pg1');
  });
});

describe.skipIf(!installed)('HAProxy, running as planned', async () => {
  const queueMilliseconds = 1500;
  const all = new Disposables();
  const base = await onFreePorts(exampleSpec({ change: withoutAgents }));
  const spec = { ...base, haproxy: { ...base.haproxy, queueMilliseconds } };
  const { readWritePort, readOnlyPort } = spec.haproxy;
  const members = spec.members.map((member) => new FakeMember(member.name, member.port, member.patroniPort));
  for (const member of members) all.use(member);
  const statistics = createHaproxyClient({
    url: haproxyStatsUrl(spec.haproxy),
    username: apiUser,
    password: testSecrets['haproxy-stats'],
  });
  let unit: Unit;
  let running: RunningUnit;

  beforeAll(async () => {
    const directory = all.use(await temporaryDirectory());
    unit = unitOf(planCluster({ spec, layout: exampleLayout(directory.path) }).units, 'haproxy');
    running = all.use(startUnit(unit));
    await waitReady(unit, running);
  });
  afterAll(() => all[Symbol.asyncDispose]());

  async function status(proxy: string): Promise<readonly string[]> {
    const rows = await statistics.statistics(never);
    return rows.filter((row) => row.proxy === proxy && /^pg\d$/.test(row.server)).map((row) => row.status);
  }

  type Roles = readonly FakeMember['role'][];
  async function become(roles: Roles): Promise<void> {
    members.forEach((member, index) => {
      member.role = roles[index] ?? 'down';
    });
    await settled(roles);
  }
  async function settled(roles: Roles): Promise<void> {
    for (const [proxy, role] of [
      ['primary', 'primary'],
      ['replicas', 'replica'],
    ] as const) {
      const wanted = roles.map((each) => (each === role ? 'UP' : 'DOWN'));
      await waitUntil(`${proxy} is ${wanted}`, async () => String(await status(proxy)) === String(wanted), 10);
    }
  }

  beforeEach(() => become(['primary', 'replica', 'replica']));

  it('sends writers to the primary and readers to the replicas', async () => {
    using writer = new Client(readWritePort);
    await writer.talksTo('pg1');
    const names = new Set<string>();
    for (let round = 0; round < 4; round++) {
      using reader = new Client(readOnlyPort);
      await waitUntil('an answer', async () => reader.received.length >= 3, 5);
      names.add(reader.received.toString().slice(0, 3));
    }
    expect([...names].sort()).toEqual(['pg2', 'pg3']);
  });

  it('sends readers to the primary only while there is no replica', async () => {
    await become(['primary', 'down', 'down']);
    using alone = new Client(readOnlyPort);
    await alone.talksTo('pg1');
    await become(['primary', 'down', 'replica']);
    using reader = new Client(readOnlyPort);
    await reader.talksTo('pg3');
  });

  it('shuts the sessions of a demoted primary and leaves the others alone', async () => {
    using writer = new Client(readWritePort);
    using reader = new Client(readOnlyPort);
    await writer.talksTo('pg1');
    await waitUntil('an answer', async () => reader.received.length >= 3, 5);
    await become(['replica', 'replica', 'replica']);
    await Promise.race([writer.ended, sleep(3000).then(() => Promise.reject(new Error('still open')))]);
    expect(reader.socket.closed).toBe(false);
  });

  it('shuts the sessions of a primary that shuts down, while Patroni still holds the lock for it', async () => {
    using writer = new Client(readWritePort);
    await writer.talksTo('pg1');
    await become(['stopping', 'replica', 'replica']);
    await Promise.race([writer.ended, sleep(3000).then(() => Promise.reject(new Error('still open')))]);
  });

  it('sends nobody to a member that is about to be promoted', async () => {
    await become(['promoting', 'replica', 'replica']);
    using writer = new Client(readWritePort);
    await sleep(400);
    expect(writer.received).toHaveLength(0);
    await become(['primary', 'replica', 'replica']);
    await writer.talksTo('pg1');
  });

  it('shuts the sessions of a primary that does not answer any more', async () => {
    using writer = new Client(readWritePort);
    await writer.talksTo('pg1');
    const [primary] = members;
    if (primary !== undefined) primary.role = 'silent';
    await Promise.race([writer.ended, sleep(5000).then(() => Promise.reject(new Error('still open')))]);
  });

  it('holds a client while there is no primary, then lets it through', async () => {
    await become(['replica', 'replica', 'replica']);
    using writer = new Client(readWritePort);
    await sleep(500);
    expect(writer.received).toHaveLength(0);
    expect(writer.socket.closed).toBe(false);
    await become(['replica', 'primary', 'replica']);
    await writer.talksTo('pg2');
    expect(writer.received.toString()).toContain('hello');
    await become(['replica', 'replica', 'replica']);
    await writer.ended;
  });

  it('holds a client while two members say that they are the primary', async () => {
    await become(['primary', 'primary', 'replica']);
    using writer = new Client(readWritePort);
    await sleep(300);
    expect(writer.received).toHaveLength(0);
    await become(['replica', 'primary', 'replica']);
    await writer.talksTo('pg2');
  });

  it('tells a client that waited too long what PostgreSQL would tell it', async () => {
    await become(['replica', 'replica', 'replica']);
    const began = performance.now();
    using writer = new Client(readWritePort, startupMessage);
    await writer.ended;
    const waited = performance.now() - began;
    expect(waited).toBeGreaterThan(queueMilliseconds - 50);
    expect(waited).toBeLessThan(queueMilliseconds + 1500);
    expectRefusal(writer.received);
  });

  it('tells it to a client that asked for encryption first, too', async () => {
    await become(['replica', 'replica', 'replica']);
    using writer = new Client(readWritePort, Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
    writer.socket.once('data', () => writer.socket.write(startupMessage));
    await writer.ended;
    expect(writer.received.toString('latin1', 0, 1)).toBe('N');
    expectRefusal(writer.received.subarray(1));
  });

  it('shows its metrics and statistics to who knows the password', async () => {
    const url = haproxyStatsUrl(spec.haproxy);
    const authorization = `Basic ${btoa(`${apiUser}:${testSecrets['haproxy-stats']}`)}`;
    for (const path of ['/', '/;csv', '/metrics']) {
      expect((await fetch(`${url}${path}`)).status).toBe(401);
      expect((await fetch(`${url}${path}`, { headers: { authorization: 'Basic eDp5' } })).status).toBe(401);
    }
    const metrics = await (await fetch(`${url}/metrics`, { headers: { authorization } })).text();
    expect(metrics).toContain('haproxy_server_status{proxy="primary",server="pg1",state="UP"} 1');
    const wrong = createHaproxyClient({ url, username: apiUser, password: 'wrong' });
    await expect(wrong.statistics(never)).rejects.toMatchObject({ code: 'HF_HAPROXY_REFUSED' });
    expect(await statistics.statistics(never)).toContainEqual({
      proxy: 'read-write',
      server: 'FRONTEND',
      status: 'OPEN',
      currentSessions: expect.any(Number),
      queued: 0,
    });
  });

  it('keeps sessions over a reload, and then follows the new file', async () => {
    using writer = new Client(readWritePort);
    await writer.talksTo('pg1');
    const [file] = unit.files;
    const before = await pid();
    prepareUnit(unit);
    await writeFile(file?.path ?? '', `${file?.content}\n# changed\n`);
    running.process.kill('SIGUSR2');
    await waitUntil('the new worker answers', async () => (await pid()) !== before);
    // Right after the start nobody is checked; no writer may land on a replica then.
    for (let round = 0; round < 10; round++) {
      using early = new Client(readWritePort);
      await early.talksTo('pg1');
    }
    await settled(['primary', 'replica', 'replica']);
    writer.received = Buffer.alloc(0);
    writer.socket.write('still here');
    await waitUntil('an echo', async () => writer.received.toString() === 'still here', 5);

    async function pid(): Promise<string> {
      const authorization = `Basic ${btoa(`${apiUser}:${testSecrets['haproxy-stats']}`)}`;
      const page = await fetch(`${haproxyStatsUrl(spec.haproxy)}/metrics`, { headers: { authorization } });
      return /^haproxy_process_start_time_seconds (.*)$/m.exec(await page.text())?.[1] ?? '';
    }
  });

  it('holds a client that comes back before anyone noticed that the primary died', async () => {
    const [primary, successor] = members;
    using before = new Client(readWritePort);
    await before.talksTo('pg1');
    await primary?.[Symbol.asyncDispose]();
    await before.ended;
    using writer = new Client(readWritePort);
    await sleep(1000);
    expect(writer.socket.closed).toBe(false);
    if (successor !== undefined) successor.role = 'primary';
    await writer.talksTo('pg2');
  });
});

describe.skipIf(!installed)('/writable', async () => {
  const all = new Disposables();
  const slowly = (spec: ClusterSpec): ClusterSpec => ({
    ...spec,
    haproxy: { ...spec.haproxy, checkMilliseconds: 1000 },
  });
  const spec = await onFreePorts(exampleSpec({ change: (each) => slowly(withoutAgents(each)) }));
  const [first, ...others] = spec.members.map((member) =>
    all.use(new FakeMember(member.name, member.port, member.patroniPort)),
  );
  afterAll(() => all[Symbol.asyncDispose]());
  const url = `${haproxyStatsUrl(spec.haproxy)}/writable`;
  const answer = async () => (await fetch(url).catch(() => undefined))?.status;

  it('is 200 with a primary and a replica that were checked, from the first answer on', async () => {
    const directory = all.use(await temporaryDirectory());
    const unit = unitOf(planCluster({ spec, layout: exampleLayout(directory.path) }).units, 'haproxy');
    await waitReady(unit, all.use(startUnit(unit)));
    // Members that are not up, as in a first start: unchecked, HAProxy takes them for usable ones.
    for (const end = performance.now() + 2500; performance.now() < end; await sleep(20))
      expect(await answer()).toBe(503);
    if (first !== undefined) first.role = 'primary';
    await sleep(2000);
    expect(await answer()).toBe(503);
    for (const other of others) other.role = 'replica';
    await waitUntil('a cluster that can be written to', async () => (await answer()) === 200, 5);
  });
});

describe.skipIf(!installed)('HAProxy, with too little processor time', async () => {
  const all = new Disposables();
  const spec = await onFreePorts(exampleSpec({ change: withoutAgents }));
  const members = spec.members.map((member) => all.use(new FakeMember(member.name, member.port, member.patroniPort)));

  beforeAll(async () => {
    const directory = all.use(await temporaryDirectory());
    const unit = stalling(unitOf(planCluster({ spec, layout: exampleLayout(directory.path) }).units, 'haproxy'));
    await waitReady(unit, all.use(startUnit(unit)));
  });
  afterAll(() => all[Symbol.asyncDispose]());

  it('lets a client that it holds through as soon as there is a primary', async () => {
    const url = haproxyStatsUrl(spec.haproxy);
    const statistics = createHaproxyClient({ url, username: apiUser, password: testSecrets['haproxy-stats'] });
    await waitUntil('nobody is the primary', async () => {
      const rows = (await statistics.statistics(never)).filter(({ proxy }) => proxy === 'held');
      return rows.every(({ status }) => status.startsWith('DOWN'));
    });
    using writer = new Client(spec.haproxy.readWritePort);
    await sleep(300);
    expect(writer.received).toHaveLength(0);
    const [primary] = members;
    if (primary !== undefined) primary.role = 'primary';
    await writer.talksTo('pg1');
  });
});

/** The thread is busy whenever the script looks at the clock, for longer than it means to wait after that. */
function stalling(unit: Unit): Unit {
  // HAProxy interrupts a script after 10000 instructions: few, slow ones.
  const stall = `
local now = core.now
function core.now()
  local began = os.clock()
  while os.clock() - began < 0.05 do
    local _ = ('x'):rep(1000000)
  end
  return now()
end
`;
  const slow = (file: Unit['files'][number]) => ({ ...file, content: file.content + stall });
  return { ...unit, files: unit.files.map((file) => (file.path.endsWith('.lua') ? slow(file) : file)) };
}
