import { connect } from 'node:net';
import { createService, LineLog, Metrics } from '@holdfast/http';
import { generateKeyMaterial, type KeyMaterial, rotateKey, signApiToken } from '@holdfast/keys';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createLocalBackend, createRemoteBackend, type GatewayOptions, startGateway } from '../src/index.js';
import { startEcho } from './support/echo.js';

let material: KeyMaterial = generateKeyMaterial(new Date());
const lines: string[] = [];
const metrics = new Metrics();

async function echoService() {
  const service = createService();
  service.removeAllContentTypeParsers();
  service.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  service.route({
    method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: '/*',
    exposeHeadRoute: false,
    handler: async (request) => ({ url: request.raw.url, headers: request.headers, body: request.body ?? null }),
  });
  return await createLocalBackend(service, () => true);
}

async function start(options: Partial<GatewayOptions> = {}) {
  const backends = { rest: await echoService(), auth: await echoService() };
  const server = await startGateway({
    host: '127.0.0.1',
    port: 0,
    backends,
    keys: () => material,
    log: new LineLog((text) => lines.push(text)),
    accessLog: 'all',
    metrics,
    ...options,
  });
  return { server, url: `http://127.0.0.1:${server.port}` };
}

interface Echo {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

describe('the gateway', () => {
  let gateway: Awaited<ReturnType<typeof start>>;
  const anon = async () => await signApiToken('anon', material);
  const get = async (path: string, headers: Record<string, string> = {}) =>
    await fetch(`${gateway.url}${path}`, { headers });
  const echo = async (path: string, headers: Record<string, string> = {}) =>
    (await (await get(path, headers)).json()) as Echo;

  beforeAll(async () => {
    gateway = await start();
  });
  afterAll(async () => {
    await gateway.server[Symbol.asyncDispose]();
  });

  describe('keys', () => {
    test('none, a wrong one and two are told apart, as Kong words it', async () => {
      const none = await get('/rest/v1/todos');
      expect(none.status).toBe(401);
      expect(none.headers.get('www-authenticate')).toBe('Key realm="kong"');
      expect(none.headers.get('access-control-allow-origin')).toBe('*');
      expect(await none.json()).toEqual({ message: 'No API key found in request' });
      const wrong = await get('/rest/v1/todos', { apikey: 'sb_publishable_no' });
      expect([wrong.status, await wrong.json()]).toEqual([401, { message: 'Invalid authentication credentials' }]);
      const two = await get('/rest/v1/todos?apikey=a&apikey=b');
      expect([two.status, await two.json()]).toEqual([401, { message: 'Duplicate API key found' }]);
    });

    test('an old key passes, and stands in for a token where there is none', async () => {
      const key = await anon();
      const { url, headers } = await echo('/rest/v1/todos?select=*', { apikey: key });
      expect(url).toBe('/todos?select=*');
      expect(headers.authorization).toBe(`Bearer ${key}`);
      expect(headers['x-forwarded-prefix']).toBe('/rest/v1');
    });

    test.each(['publishable', 'secret'] as const)('an opaque key becomes a token of its role: %s', async (kind) => {
      const key = material[kind].current.value;
      const role = kind === 'secret' ? 'service_role' : 'anon';
      const token = await signApiToken(role, material);
      expect((await echo('/rest/v1/', { apikey: key })).headers.authorization).toBe(`Bearer ${token}`);
      const both = await echo('/rest/v1/', { apikey: key, authorization: `Bearer ${key}` });
      expect(both.headers.authorization).toBe(`Bearer ${token}`);
      expect(both.headers.apikey).toBe(key);
    });

    test("a user's own token stands", async () => {
      const headers = { apikey: material.publishable.current.value, authorization: 'Bearer of.a.user' };
      expect((await echo('/rest/v1/', headers)).headers.authorization).toBe('Bearer of.a.user');
    });

    test('may come in the query, which the service then does not see', async () => {
      const { url } = await echo(`/rest/v1/todos?id=eq.1&apikey=${material.publishable.current.value}&order=id`);
      expect(url).toBe('/todos?id=eq.1&order=id');
    });

    test('a valid token alone is enough, an expired or a foreign one is not', async () => {
      const secret = Buffer.from(material['jwt-secret'].current.value);
      const token = async (claims: Record<string, unknown>, key = secret) =>
        await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(key);
      const user = await token({ role: 'authenticated', sub: 'x' });
      expect((await get('/rest/v1/', { authorization: `Bearer ${user}` })).status).toBe(200);
      // As a key it is none.
      expect((await get('/rest/v1/', { apikey: user })).status).toBe(401);
      const old = await token({ role: 'authenticated', exp: 1 });
      expect((await get('/rest/v1/', { authorization: `Bearer ${old}` })).status).toBe(401);
      const foreign = await token({ role: 'service_role' }, Buffer.from('another secret of enough characters'));
      expect((await get('/rest/v1/', { apikey: foreign })).status).toBe(401);
    });

    test('that were replaced pass for as long as their grace lasts', async () => {
      const old = material.publishable.current.value;
      const before = material;
      material = rotateKey(material, 'publishable', { now: new Date(), graceMilliseconds: 60_000 });
      expect((await get('/rest/v1/', { apikey: old })).status).toBe(200);
      material = rotateKey(before, 'publishable', { now: new Date(), graceMilliseconds: 0 });
      expect((await get('/rest/v1/', { apikey: old })).status).toBe(401);
      material = before;
    });
  });

  describe('routes', () => {
    test.each([
      '/auth/v1/verify?token=1',
      '/auth/v1/callback',
      '/auth/v1/authorize?provider=x',
      '/auth/v1/.well-known/jwks.json',
      '/auth/v1/sso/saml/metadata',
    ])('%s is open', async (path) => {
      expect((await get(path)).status).toBe(200);
    });

    test.each([
      '/auth/v1/token',
      '/auth/v1/admin/users',
      '/auth/v1/verify/x',
      '/auth/v1/.well-known/%2e%2e/admin/users',
      '/auth/v1/.well-known/..%2fadmin',
      '/auth/v1/.well-known//admin',
    ])('%s is not', async (path) => {
      expect((await get(path)).status).toBe(401);
    });

    test('what no service has is said as Kong says it', async () => {
      const answer = await get('/nothing');
      expect([answer.status, await answer.json()]).toEqual([404, { message: 'no Route matched with those values' }]);
      expect((await get('/rest/v10/x')).status).toBe(404);
    });

    test.each(['storage/v1/bucket', 'functions/v1/hello', 'realtime/v1/api', 'graphql/v1'])(
      '/%s is not part of this version',
      async (path) => {
        const answer = await get(`/${path}`, { apikey: await anon() });
        expect(answer.status).toBe(503);
        expect(await answer.json()).toMatchObject({ message: expect.stringContaining('not part of this version') });
      },
    );

    test('/pg wants the key of service_role', async () => {
      expect((await get('/pg/tables', { apikey: await anon() })).status).toBe(403);
      expect((await get('/pg/tables', { apikey: material.secret.current.value })).status).toBe(503);
    });
  });

  describe('CORS', () => {
    test('a preflight is answered without a key', async () => {
      const answer = await fetch(`${gateway.url}/rest/v1/todos`, {
        method: 'OPTIONS',
        headers: {
          origin: 'http://example.com',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'apikey,x-client-info',
        },
      });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(answer.headers.get('access-control-allow-headers')).toBe('apikey,x-client-info');
      expect(answer.headers.get('access-control-allow-methods')).toContain('PATCH');
    });

    test('may be narrowed to some origins', async () => {
      const narrow = await start({ allowedOrigins: ['https://a.example'] });
      const origin = async (from: string) =>
        (await fetch(`${narrow.url}/rest/v1/`, { headers: { origin: from } })).headers.get(
          'access-control-allow-origin',
        );
      expect(await origin('https://a.example')).toBe('https://a.example');
      expect(await origin('https://b.example')).toBeNull();
      await narrow.server[Symbol.asyncDispose]();
    });
  });

  describe('forwarding', () => {
    test('tells who asked, and does not believe what the client says', async () => {
      const { headers } = await echo('/rest/v1/', { apikey: await anon(), 'x-forwarded-for': '1.2.3.4' });
      expect(headers['x-forwarded-for']).toBe('127.0.0.1');
      expect(headers['x-forwarded-proto']).toBe('http');
      expect(headers['x-forwarded-host']).toBe(new URL(gateway.url).host);
    });

    test('believes balancers where it is told to', async () => {
      const trusting = await start({ trustForwarded: true });
      const answer = await fetch(`${trusting.url}/rest/v1/`, {
        headers: { apikey: await anon(), 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https' },
      });
      const { headers } = (await answer.json()) as Echo;
      expect(headers['x-forwarded-for']).toBe('1.2.3.4, 127.0.0.1');
      expect(headers['x-real-ip']).toBe('1.2.3.4');
      expect(headers['x-forwarded-proto']).toBe('https');
      await trusting.server[Symbol.asyncDispose]();
    });

    test('keeps what clients trace by, and names each request', async () => {
      const apikey = await anon();
      const { headers } = await echo('/rest/v1/', { apikey, traceparent: '00-abc-def-01', 'x-client-info': 'js/2' });
      expect(headers).toMatchObject({ traceparent: '00-abc-def-01', 'x-client-info': 'js/2' });
      const answer = await get('/rest/v1/', { apikey, 'x-request-id': 'mine' });
      expect(answer.headers.get('x-request-id')).toBe('mine');
      expect((await get('/rest/v1/', { apikey })).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    });

    test('a body that is too large is refused before it is read', async () => {
      const small = await start({ bodyLimit: 10 });
      const answer = await fetch(`${small.url}/rest/v1/t`, {
        method: 'POST',
        headers: { apikey: await anon() },
        body: 'x'.repeat(11),
      });
      expect([answer.status, await answer.json()]).toEqual([413, { message: 'Request size limit exceeded' }]);
      await small.server[Symbol.asyncDispose]();
    });
  });

  test('limits how often one address may ask', async () => {
    const limited = await start({ rateLimit: { perSecond: 1, burst: 2 } });
    const apikey = await anon();
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      const answer = await fetch(`${limited.url}/rest/v1/`, { headers: { apikey } });
      statuses.push(answer.status);
      if (answer.status === 429) expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect(statuses).toEqual([200, 200, 429]);
    await limited.server[Symbol.asyncDispose]();
  });

  test('health names each service, and metrics are there', async () => {
    const health = await get('/health');
    expect([health.status, await health.json()]).toEqual([
      200,
      { status: 'ready', services: { rest: 'ready', auth: 'ready' } },
    ]);
    const text = await (await get('/metrics')).text();
    expect(text).toContain('holdfast_api_request_seconds_count{service="rest",method="GET",status="2xx"}');
  });

  test('the log has neither keys nor queries', async () => {
    await get(`/rest/v1/secret-table?password=eq.hunter2&apikey=${material.secret.current.value}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const text = lines.join('');
    expect(text).toContain('"path":"/rest/v1/secret-table"');
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain(material.secret.current.value);
  });

  test('an upgrade to what is not there is refused in HTTP', async () => {
    const socket = new WebSocket(
      `${gateway.url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${await anon()}&vsn=1.0.0`,
    );
    const status = await new Promise((resolve) => {
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.once('error', () => {});
    });
    expect(status).toBe(503);
    socket.terminate();
  });

  test('what is no HTTP is refused', async () => {
    const socket = connect(gateway.server.port, '127.0.0.1');
    const text = await new Promise<string>((resolve) => {
      let got = '';
      socket.on('data', (data) => {
        got += data.toString();
      });
      socket.on('close', () => resolve(got));
      socket.write('\x16\x03\x01 hello\r\n\r\n');
    });
    expect(text).toMatch(/^HTTP\/1\.1 400/);
  });

  describe('a service elsewhere', () => {
    test('gets requests as they are, and its answers come as they are', async () => {
      await using upstream = await startEcho();
      const rest = createRemoteBackend({ url: `${upstream.url}/base`, timeoutMilliseconds: 2000 });
      const remote = await start({ backends: { rest } });
      const answer = await fetch(`${remote.url}/rest/v1/todos?x=1`, {
        method: 'POST',
        headers: { apikey: await anon(), 'content-type': 'text/plain' },
        body: 'hello',
      });
      expect(answer.status).toBe(201);
      expect(answer.headers.get('x-upstream')).toBe('yes');
      expect(await answer.json()).toMatchObject({ url: '/base/todos?x=1', method: 'POST', body: 'hello' });
      expect(await (await fetch(`${remote.url}/health`)).json()).toEqual({
        status: 'ready',
        services: { rest: 'ready' },
      });
      await remote.server[Symbol.asyncDispose]();
      await rest[Symbol.asyncDispose]();
    });

    test('that is away, or slow, is said as Kong says it', async () => {
      const gone = createRemoteBackend({ url: 'http://127.0.0.1:1', timeoutMilliseconds: 500 });
      await using upstream = await startEcho();
      const slow = createRemoteBackend({ url: `${upstream.url}/slow`, timeoutMilliseconds: 300 });
      const remote = await start({ backends: { rest: gone, auth: slow } });
      const apikey = await anon();
      const first = await fetch(`${remote.url}/rest/v1/x`, { headers: { apikey } });
      expect(first.status).toBe(502);
      expect((await fetch(`${remote.url}/health`)).status).toBe(503);
      const second = await fetch(`${remote.url}/auth/v1/x`, { headers: { apikey } });
      expect([second.status, await second.json()]).toEqual([504, { message: 'The upstream server is timing out' }]);
      await remote.server[Symbol.asyncDispose]();
      await gone[Symbol.asyncDispose]();
      await slow[Symbol.asyncDispose]();
    });

    test('may be spoken to by WebSocket', async () => {
      const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0 });
      await new Promise((resolve) => sockets.once('listening', resolve));
      sockets.on('connection', (socket, request) =>
        socket.on('message', (data) => socket.send(`${request.url} ${data}`)),
      );
      const address = sockets.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const realtime = createRemoteBackend({ url: `http://127.0.0.1:${port}`, timeoutMilliseconds: 2000 });
      const remote = await start({ backends: { realtime } });
      const socket = new WebSocket(`${remote.url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${await anon()}`);
      const answer = await new Promise<string>((resolve, reject) => {
        socket.once('open', () => socket.send('hi'));
        socket.once('message', (data) => resolve(String(data)));
        socket.once('error', reject);
      });
      expect(answer).toMatch(/^\/websocket\?apikey=.* hi$/);
      const refused = new WebSocket(`${remote.url.replace('http', 'ws')}/realtime/v1/websocket`);
      const status = await new Promise((resolve) => {
        refused.once('unexpected-response', (_request, response) => resolve(response.statusCode));
        refused.once('error', () => {});
      });
      expect(status).toBe(401);
      socket.terminate();
      refused.terminate();
      await remote.server[Symbol.asyncDispose]();
      await realtime[Symbol.asyncDispose]();
      sockets.close();
    });
  });

  test('stopping lets what is under way end', async () => {
    await using upstream = await startEcho();
    const rest = createRemoteBackend({ url: upstream.url, timeoutMilliseconds: 5000 });
    const remote = await start({ backends: { rest } });
    const slow = fetch(`${remote.url}/rest/v1/wait`, { headers: { apikey: await anon() } });
    await upstream.asked('/wait');
    const stopped = remote.server[Symbol.asyncDispose]();
    expect((await slow).status).toBe(201);
    await stopped;
    await expect(fetch(`${remote.url}/health`)).rejects.toThrow();
    await rest[Symbol.asyncDispose]();
  });
});
