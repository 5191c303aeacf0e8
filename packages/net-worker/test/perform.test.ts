import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ByteBudget } from '../src/byte-budget.js';
import type { ClaimedRequest, Outcome } from '../src/claimed-request.js';
import { limits } from '../src/limits.js';
import { perform } from '../src/perform.js';
import { refuseAddresses } from '../src/refused-addresses.js';
import { claimed } from './support/claimed.js';
import { type HttpServer, startHttpServer } from './support/http-server.js';

const never = new AbortController().signal;

describe('perform', () => {
  /** Stands for etcd's: nothing may reach it. */
  let forbidden: HttpServer;
  let server: HttpServer;
  let budget: ByteBudget;
  const run = async (fields: Partial<ClaimedRequest>, signal = never): Promise<Outcome> =>
    await perform(claimed(fields), {
      refuses: refuseAddresses({ addresses: [], ports: [forbidden.port] }),
      budget,
      signal,
    });
  const message = async (fields: Partial<ClaimedRequest>) => {
    const outcome = await run(fields);
    return outcome.kind === 'failed' ? outcome.message : `answered ${outcome.status}`;
  };

  beforeEach(async () => {
    budget = new ByteBudget(limits.largeAnswersBytes);
    forbidden = await startHttpServer();
    server = await startHttpServer(({ url }, response) => {
      const to = new URL(url, 'http://x').searchParams;
      if (url.startsWith('/redirect'))
        response.writeHead(Number(to.get('status') ?? 302), { location: to.get('to') ?? '' }).end();
      else if (url === '/loop') response.writeHead(302, { location: '/loop' }).end();
      else if (url === '/slow') setTimeout(() => response.end('late'), 2000).unref();
      else if (url === '/drip') {
        response.write('a');
        setInterval(() => response.write('a'), 20).unref();
      } else if (url.startsWith('/bytes')) response.end(Buffer.alloc(Number(to.get('n')), 'x'));
      else if (url === '/headers') response.writeHead(200, { 'x-large': 'y'.repeat(limits.headerBytes) }).end();
      else if (url === '/cut') response.write('half', () => response.destroy());
      else if (url === '/hang-up') response.destroy();
      else response.writeHead(201, { 'X-Case': 'kept' }).end('made');
    });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    await forbidden[Symbol.asyncDispose]();
  });

  test('a GET as pg_net sends it, over a connection that ends', async () => {
    const outcome = await run({ url: `${server.url}/x?a=%20b`, headers: { apikey: 'k' } });
    expect(outcome).toMatchObject({ kind: 'answered', status: 201, body: Buffer.from('made') });
    expect(outcome.kind === 'answered' && outcome.rawHeaders).toContain('X-Case');
    expect(server.received).toMatchObject([{ method: 'GET', url: '/x?a=%20b', body: '' }]);
    expect(server.received[0]?.headers).toEqual({
      host: `127.0.0.1:${server.port}`,
      connection: 'close',
      'user-agent': 'pg_net/holdfast',
      accept: '*/*',
      apikey: 'k',
    });
  });

  test.each([
    ['POST', Buffer.from('{"a":1}'), '7'],
    ['POST', null, '0'],
    ['DELETE', Buffer.from('{"a":1}'), '7'],
    ['DELETE', null, undefined],
  ])('a %s with %s', async (method, body, length) => {
    expect(await run({ url: server.url, method, body, headers: { 'Content-Type': 'application/json' } })).toMatchObject(
      { status: 201 },
    );
    expect(server.received).toMatchObject([{ method, body: body?.toString() ?? '' }]);
    expect(server.received[0]?.headers['content-length']).toBe(length);
    expect(server.received[0]?.headers['transfer-encoding']).toBeUndefined();
  });

  test('a header cannot bring another one with it', async () => {
    expect(await message({ url: server.url, headers: { a: 'b\r\nx: y' } })).toContain('Invalid character in header');
    expect(await message({ url: server.url, headers: { 'a b': 'c' } })).toContain('must be a valid HTTP token');
    expect(server.received).toEqual([]);
  });

  test.each(['/slow', '/drip'])('%s runs out of time, which is counted to the last byte', async (path) => {
    const start = performance.now();
    const outcome = await run({ url: `${server.url}${path}`, timeoutMilliseconds: 200 });
    expect(performance.now() - start).toBeLessThan(1500);
    expect(outcome).toMatchObject({ kind: 'failed', timedOut: true });
    expect(outcome.kind === 'failed' && outcome.message).toMatch(
      /^Timeout of 200 ms reached\. Total time: 2\d\d\.\d{3} ms \(DNS time: 0\.000 ms, /,
    );
  });

  test('a server that accepts and says nothing', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    expect(await run({ url: `https://127.0.0.1:${port}/`, timeoutMilliseconds: 150 })).toMatchObject({
      timedOut: true,
    });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });

  test('a body up to the limit, and one beyond it', async () => {
    const outcome = await run({ url: `${server.url}/bytes?n=${limits.answerBytes}` });
    expect(outcome.kind === 'answered' && outcome.body.length).toBe(limits.answerBytes);
    expect(await message({ url: `${server.url}/bytes?n=${limits.answerBytes + 1}` })).toBe(
      `the answer has more than ${limits.answerBytes} bytes`,
    );
  });

  test('many large bodies at a time wait for each other, and what failed has given its bytes back', async () => {
    budget = new ByteBudget(2 * limits.answerBytes);
    const held: Outcome[] = [];
    const all = Array.from({ length: 6 }, async () => {
      const outcome = await run({ url: `${server.url}/bytes?n=${limits.answerBytes}`, timeoutMilliseconds: 20_000 });
      held.push(outcome);
      budget.give(outcome.kind === 'answered' ? outcome.body.length : 0);
    });
    await message({ url: `${server.url}/bytes?n=${limits.answerBytes + 1}` });
    await Promise.all(all);
    expect(held.map(({ kind }) => kind)).toEqual(Array.from({ length: 6 }, () => 'answered'));
    await budget.take(2 * limits.answerBytes, AbortSignal.timeout(1000));
  });

  test('too many headers', async () => {
    expect(await message({ url: `${server.url}/headers` })).toContain('Header overflow');
  });

  test.each([
    ['/cut', 'aborted'],
    ['/hang-up', 'socket hang up'],
  ])('%s: %s', async (path, text) => {
    expect(await message({ url: `${server.url}${path}` })).toBe(text);
  });

  test('nobody listens, and there is no such name', async () => {
    const { url } = server;
    await server[Symbol.asyncDispose]();
    expect(await message({ url })).toContain("Couldn't connect to server: connect ECONNREFUSED");
    expect(await message({ url: 'http://no-such-name.invalid/', timeoutMilliseconds: 20_000 })).toContain(
      "Couldn't resolve host name: getaddrinfo",
    );
    server = await startHttpServer();
  });

  test.each([301, 302, 303, 307, 308])('a redirect by %i is followed', async (status) => {
    const to = encodeURIComponent(`${server.url}/there`);
    const url = `${server.url}/redirect?status=${status}&to=${to}`;
    expect(await run({ url, method: 'POST', body: Buffer.from('x') })).toMatchObject({ status: 201 });
    const repeats = status >= 307;
    expect(server.received[1]).toMatchObject({
      url: '/there',
      method: repeats ? 'POST' : 'GET',
      body: repeats ? 'x' : '',
    });
  });

  test('a redirect without end has one', async () => {
    expect(await message({ url: `${server.url}/loop` })).toBe('Number of redirects hit maximum amount (30)');
    expect(server.received).toHaveLength(31);
  });

  test.each(['file:///etc/passwd', 'gopher://127.0.0.1:2379/_x'])('a redirect to %s', async (to) => {
    expect(await message({ url: `${server.url}/redirect?to=${encodeURIComponent(to)}` })).toContain(
      'redirected: unsupported protocol',
    );
  });

  test("the cluster's own ports: straight, by name, by redirect, however written", async () => {
    const { port } = forbidden;
    for (const host of ['127.0.0.1', 'localhost', '0.0.0.0', '127.1', '2130706433', '[::ffff:127.0.0.1]', '[::1]']) {
      const url = `http://${host}:${port}/v3/kv/put`;
      expect(await message({ url, method: 'POST', body: Buffer.from('{}') }), host).toMatch(/^refused: port \d+ at /);
      const redirecting = `${server.url}/redirect?status=307&to=${encodeURIComponent(url)}`;
      expect(await message({ url: redirecting, method: 'POST', body: Buffer.from('{}') }), host).toMatch(
        /^refused: port \d+ at /,
      );
    }
    expect(await message({ url: `https://127.0.0.1:${port}/` })).toMatch(/^refused: /);
    expect(forbidden.received).toEqual([]);
  });

  test('link-local addresses', async () => {
    expect(await message({ url: 'http://169.254.169.254/latest/meta-data/' })).toBe(
      'refused: 169.254.169.254 is a link-local address',
    );
  });

  test('a worker that stops says nothing of a request that it gave up', async () => {
    const stop = new AbortController();
    const running = run({ url: `${server.url}/slow` }, stop.signal);
    setTimeout(() => stop.abort(new Error('stopped')), 50);
    await expect(running).rejects.toThrow('stopped');
  });

  test('a proxy in the environment is not used', async () => {
    process.env.http_proxy = forbidden.url;
    try {
      expect(await run({ url: server.url })).toMatchObject({ status: 201 });
    } finally {
      delete process.env.http_proxy;
    }
    expect(forbidden.received).toEqual([]);
  });
});
