import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readStatistics } from '../src/haproxy/client.js';
import { createEtcdClient, createHaproxyClient, createPatroniClient } from '../src/index.js';
import { freePorts } from './free-ports.js';

const never = new AbortController().signal;

async function serve(
  listener: RequestListener,
): Promise<AsyncDisposable & { readonly url: string; connections(): Promise<number> }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return {
    url: `http://127.0.0.1:${address.port}`,
    connections: promisify(server.getConnections.bind(server)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

/** Every client, asked the same kind of question. */
const asked: readonly (readonly [string, (url: string, signal: AbortSignal) => Promise<unknown>])[] = [
  ['ETCD', (url, signal) => createEtcdClient({ url, timeoutMilliseconds: 300 }).status(signal)],
  ['PATRONI', (url, signal) => createPatroniClient({ url, timeoutMilliseconds: 300 }).cluster(signal)],
  ['HAPROXY', (url, signal) => createHaproxyClient({ url, timeoutMilliseconds: 300 }).statistics(signal)],
];

describe.each(asked)('the %s client', (part, ask) => {
  it('says that nobody listens', async () => {
    const [port] = await freePorts(1);
    await expect(ask(`http://127.0.0.1:${port}`, never)).rejects.toMatchObject({
      code: `HF_${part}_UNREACHABLE`,
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('waits no longer than its timeout for a silent server', async () => {
    await using server = await serve(() => {});
    const began = performance.now();
    await expect(ask(server.url, never)).rejects.toMatchObject({ code: `HF_${part}_UNREACHABLE` });
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it('waits no longer than its timeout for the rest of an answer', async () => {
    await using server = await serve((_, response) => void response.writeHead(200).write('{'));
    await expect(ask(server.url, never)).rejects.toMatchObject({ code: `HF_${part}_UNREACHABLE` });
  });

  it('takes the timeout of its caller for one, too', async () => {
    await using server = await serve(() => {});
    await expect(ask(server.url, AbortSignal.timeout(50))).rejects.toMatchObject({ code: `HF_${part}_UNREACHABLE` });
  });

  it('passes on that its caller gave up', async () => {
    await using server = await serve(() => {});
    const reason = new Error('Ctrl-C');
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 20);
    await expect(ask(server.url, controller.signal)).rejects.toBe(reason);
    await expect(ask(server.url, controller.signal)).rejects.toBe(reason);
  });

  it('tells what a server refused with', async () => {
    await using server = await serve((_, response) => void response.writeHead(500).end('it hurts'));
    await expect(ask(server.url, never)).rejects.toMatchObject({ code: `HF_${part}_REFUSED`, detail: 'it hurts' });
  });

  it('does not take anything for an answer', async () => {
    await using server = await serve((_, response) => void response.end('<html>'));
    await expect(ask(server.url, never)).rejects.toMatchObject({ code: `HF_${part}_ANSWER` });
  });
});

describe('the Patroni client', () => {
  const state = async (answer: unknown, status = 200) => {
    await using server = await serve((_, response) => void response.writeHead(status).end(JSON.stringify(answer)));
    return await createPatroniClient({ url: server.url }).state(never);
  };

  it('reads the state of a member that does not run', async () => {
    const answer = {
      state: 'stopped',
      role: 'uninitialized',
      patroni: { version: '4.0.7', scope: 'main', name: 'pg2' },
    };
    expect(await state(answer, 503)).toMatchObject({
      state: 'stopped',
      role: undefined,
      name: 'pg2',
      timeline: undefined,
      walBytes: undefined,
      pendingRestart: false,
    });
  });

  it('calls a primary primary, whatever the version', async () => {
    expect(await state({ role: 'master', xlog: { location: 7 } })).toMatchObject({ role: 'primary', walBytes: 7 });
  });

  it("takes the further of a standby's two positions", async () => {
    const xlog = { received_location: 10, replayed_location: 12, paused: false };
    expect(await state({ role: 'replica', xlog, pending_restart: true, pause: true })).toMatchObject({
      walBytes: 12,
      pendingRestart: true,
      paused: true,
    });
  });

  it('survives an answer with other types than documented', async () => {
    expect(await state({ state: 5, role: null, patroni: 'x', xlog: [], timeline: 'one' })).toMatchObject({
      state: 'unknown',
      role: undefined,
      timeline: undefined,
    });
  });

  it('reads a cluster in which a member tells no lag', async () => {
    const members = [
      { name: 'pg1', role: 'sync_standby', state: 'streaming', lag: 'unknown', tags: { nofailover: true, odd: {} } },
      { name: 'pg2', role: 'replica', state: 'streaming', lag: 16, timeline: 3, host: 'h', port: 1 },
    ];
    await using server = await serve((_, response) => void response.end(JSON.stringify({ members, pause: true })));
    expect(await createPatroniClient({ url: server.url }).cluster(never)).toMatchObject({
      paused: true,
      members: [
        { name: 'pg1', lagBytes: undefined, tags: { nofailover: true } },
        { name: 'pg2', lagBytes: 16, timeline: 3, host: 'h', port: 1, tags: {} },
      ],
    });
  });

  it('sends its name and password, and what it was asked to', async () => {
    const seen: string[] = [];
    await using server = await serve(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      seen.push(`${request.method} ${request.url} ${body} ${request.headers.authorization}`);
      response.end('{}');
    });
    const client = createPatroniClient({ url: server.url, username: 'u', password: 'p' });
    await client.switchover({ leader: 'pg1', candidate: 'pg2' }, never);
    await client.failover({ candidate: 'pg2' }, never);
    await client.reinitialize({ force: true }, never);
    await client.patchConfig({ pause: null }, never);
    expect(seen).toEqual([
      'POST /switchover {"leader":"pg1","candidate":"pg2"} Basic dTpw',
      'POST /failover {"candidate":"pg2"} Basic dTpw',
      'POST /reinitialize {"force":true} Basic dTpw',
      'PATCH /config {"pause":null} Basic dTpw',
    ]);
  });
});

describe("HAProxy's statistics", () => {
  it('are read by their column names, quoted fields included', () => {
    const csv = '# pxname,svname,qcur,x,scur,status,\nprimary,pg1,1,"a, ""b""",2,UP 1/2,\n\nprimary,pg2,,,,no check,\n';
    expect(readStatistics(csv)).toEqual([
      { proxy: 'primary', server: 'pg1', queued: 1, currentSessions: 2, status: 'UP 1/2' },
      { proxy: 'primary', server: 'pg2', queued: 0, currentSessions: 0, status: 'no check' },
    ]);
  });

  it('are nothing else', () => {
    expect(readStatistics('')).toBeUndefined();
    expect(readStatistics('<html>')).toBeUndefined();
  });
});

it('a client leaves no connection behind, whether it was answered or not', async () => {
  let answers = true;
  await using server = await serve((_, response) => void (answers && response.end('{}')));
  const client = createEtcdClient({ url: server.url, timeoutMilliseconds: 100 });
  for (answers of [true, false]) {
    await client.status(never).catch(() => {});
    await expect.poll(() => server.connections()).toBe(0);
  }
});
