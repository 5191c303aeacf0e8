import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { requestSignal, startHttpServer } from '../src/index.js';

describe('startHttpServer', () => {
  test('stopping waits for what is under way, up to its bound', async () => {
    const requests = new EventEmitter();
    const arrived = Promise.all([once(requests, '/soon'), once(requests, '/never')]);
    const server = await startHttpServer({
      host: '127.0.0.1',
      port: 0,
      drainMilliseconds: 1000,
      onRequest: (request, response) => {
        requests.emit(request.url ?? '');
        if (request.url === '/never') return;
        setTimeout(() => response.end('done'), 100);
      },
    });
    const url = `http://127.0.0.1:${server.port}`;
    const soon = fetch(`${url}/soon`);
    const never = fetch(`${url}/never`);
    const refused = expect(never).rejects.toThrow();
    await arrived;
    const began = performance.now();
    await server[Symbol.asyncDispose]();
    expect(await (await soon).text()).toBe('done');
    await refused;
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('a port that is taken is named', async () => {
    await using first = await startHttpServer({ host: '127.0.0.1', port: 0, onRequest: () => {} });
    const second = startHttpServer({ host: '127.0.0.1', port: first.port, onRequest: () => {} });
    await expect(second).rejects.toMatchObject({ code: 'HF_HTTP_PORT' });
  });

  test('headers that are too large are refused', async () => {
    await using server = await startHttpServer({
      host: '127.0.0.1',
      port: 0,
      headersAtMost: 1024,
      onRequest: () => {},
    });
    const socket = connect(server.port, '127.0.0.1');
    const text = await new Promise<string>((resolve) => {
      let got = '';
      socket.on('data', (data) => {
        got += data.toString();
      });
      socket.on('close', () => resolve(got));
      socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(3000)}\r\n\r\n`);
    });
    expect(text).toMatch(/^HTTP\/1\.1 431/);
  });
});

test('requestSignal aborts when the client hangs up, and not when it has its answer', async () => {
  const aborted: string[] = [];
  await using server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    onRequest: (request, response) => {
      requestSignal(response).addEventListener('abort', () => aborted.push(request.url ?? ''));
      if (request.url === '/answered') response.end();
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  await fetch(`${url}/answered`);
  const abort = new AbortController();
  const hanging = fetch(`${url}/hanging`, { signal: abort.signal }).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
  abort.abort();
  await hanging;
  await expect.poll(() => aborted).toEqual(['/hanging']);
});
