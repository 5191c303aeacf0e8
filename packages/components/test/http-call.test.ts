import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttpCaller } from '../src/http-call.js';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Answers nothing to the first `swallowed` requests; the methods that came. */
async function start(swallowed: number): Promise<{ readonly url: string; readonly came: string[] }> {
  const came: string[] = [];
  server = createServer(({ method }, answer) => {
    came.push(method ?? '');
    if (came.length > swallowed) answer.end('{}');
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, came };
}

describe('questions over a way that swallows some', () => {
  const { signal } = new AbortController();
  const path = '/';

  test('a GET is asked again within the limit', async () => {
    const { url, came } = await start(2);
    const http = createHttpCaller({ part: 'patroni', url, timeoutMilliseconds: 900, attempts: 3 });
    expect((await http.call({ method: 'GET', path, signal })).status).toBe(200);
    expect(came).toHaveLength(3);
  });

  test('then it ends with the error of the last one', async () => {
    const { url, came } = await start(9);
    const http = createHttpCaller({ part: 'patroni', url, timeoutMilliseconds: 400, attempts: 2 });
    await expect(http.call({ method: 'GET', path, signal })).rejects.toMatchObject({ code: 'HF_PATRONI_UNREACHABLE' });
    expect(came).toHaveLength(2);
  });

  test('what changes something is sent once, and an abort ends all', async () => {
    const { url, came } = await start(9);
    const http = createHttpCaller({ part: 'patroni', url, timeoutMilliseconds: 200, attempts: 2 });
    const post = http.call({ method: 'POST', path, body: {}, signal });
    await expect(post).rejects.toMatchObject({ code: 'HF_PATRONI_UNREACHABLE' });
    expect(came).toEqual(['POST']);
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('given up')), 50);
    await expect(http.call({ method: 'GET', path, signal: abort.signal })).rejects.toThrow('given up');
    expect(came.filter((method) => method === 'GET').length).toBeLessThan(2);
  });
});
