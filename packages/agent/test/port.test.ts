import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentMember } from '@holdfast/components';
import { describe, expect, test } from 'vitest';
import { isProof, makeNonce, makeProof } from '../src/handshake.js';
import { MemberWatch } from '../src/member-watch.js';
import { AgentPort, type PortOptions } from '../src/port.js';
import { RunningClock } from '../src/running-clock.js';
import type { AgentReport } from '../src/view.js';

const report: AgentReport = {
  member: 'pg2',
  sequence: 3,
  postgres: 'standby',
  patroni: true,
  position: 42,
  leader: { name: 'pg1', revision: '9' },
  silent: [],
  heard: { pg1: 7 },
};

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function openPort(change: Partial<PortOptions> = {}) {
  const port = await freePort();
  const agent = new AgentPort({
    host: '127.0.0.1',
    port,
    me: 'pg2',
    members: ['pg1', 'pg2'],
    secret: 'the secret',
    onHttp: (request, response) => response.end(`${request.method} ${request.url}`),
    onGate: async () => 'up',
    ...change,
  });
  await agent.listen();
  return { agent, port };
}

/** Sends and answers all that comes until the other side ends, or for half a second. */
async function say(port: number, text: string): Promise<string> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    socket.on('error', () => {});
    const timer = setTimeout(() => socket.destroy(), 500);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}

function listenTo(port: number, secret: string) {
  const member: AgentMember = {
    name: 'pg2',
    host: '127.0.0.1',
    postgresPort: 1,
    patroniUrl: 'http://127.0.0.1:1',
    agentPort: port,
  };
  const clock = new RunningClock(60);
  const ticking = setInterval(() => clock.tick(), 10);
  const heard: AgentReport[] = [];
  const refusals: number[] = [];
  const stop = new AbortController();
  const watch = new MemberWatch({
    me: 'pg1',
    member,
    secret,
    clock,
    onReport: (each) => heard.push(each),
    onRefusal: (at) => refusals.push(at),
  });
  const running = watch.run(stop.signal);
  return {
    watch,
    heard,
    refusals,
    [Symbol.asyncDispose]: async () => {
      clearInterval(ticking);
      stop.abort();
      await running;
    },
  };
}

describe('the one port of an agent', () => {
  test('answers HTTP', async () => {
    const { agent, port } = await openPort();
    await using _agent = agent;
    const response = await fetch(`http://127.0.0.1:${port}/health`);
    expect(await response.text()).toBe('GET /health');
  });

  test('answers HAProxy with one line, or not at all', async () => {
    const { agent, port } = await openPort();
    await using _agent = agent;
    expect(await say(port, 'gate primary\n')).toBe('up\n');
    expect(await say(port, 'gate something else\n')).toBe('');
    const unsure = await openPort({ onGate: async () => undefined });
    await using _unsure = unsure.agent;
    expect(await say(unsure.port, 'gate primary\n')).toBe('');
  });

  test('tells reports to another agent, and to nobody without the secret', async () => {
    const { agent, port } = await openPort();
    await using _agent = agent;
    await using friend = listenTo(port, 'the secret');
    await using stranger = listenTo(port, 'another secret');
    const end = performance.now() + 5000;
    while (friend.heard.length === 0 && performance.now() < end) {
      agent.tell(JSON.stringify(report));
      await sleep(20);
    }
    expect(friend.heard[0]).toEqual(report);
    expect(friend.watch.sight.silent).toBeLessThan(1000);
    expect(friend.watch.sight.report?.said).toEqual(report);
    expect(stranger.heard).toEqual([]);
    expect(stranger.watch.sight.silent).toBeUndefined();
  });

  test('says that it is gone: the member refuses, and is silent from then on', async () => {
    const { agent, port } = await openPort();
    await using friend = listenTo(port, 'the secret');
    const end = performance.now() + 5000;
    while (friend.heard.length === 0 && performance.now() < end) {
      agent.tell(JSON.stringify(report));
      await sleep(20);
    }
    await agent[Symbol.asyncDispose]();
    await sleep(400);
    const { refusing, agentRefusing, silent } = friend.watch.sight;
    expect(agentRefusing).toBeGreaterThan(0);
    expect(refusing).toBeGreaterThan(0);
    expect(silent).toBeGreaterThan(200);
    expect(friend.refusals.length).toBeGreaterThan(0);
  });
});

test('a proof serves one side, one name and one number only', () => {
  const nonce = makeNonce();
  const proof = makeProof('secret', 'caller', 'pg1', nonce);
  expect(isProof(proof, 'secret', 'caller', 'pg1', nonce)).toBe(true);
  expect(isProof(proof, 'secret', 'answerer', 'pg1', nonce)).toBe(false);
  expect(isProof(proof, 'secret', 'caller', 'pg2', nonce)).toBe(false);
  expect(isProof(proof, 'secret', 'caller', 'pg1', makeNonce())).toBe(false);
  expect(isProof(proof, 'other', 'caller', 'pg1', nonce)).toBe(false);
  expect(isProof('', 'secret', 'caller', 'pg1', nonce)).toBe(false);
});
