import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isInnerAddress, judgeUrl } from '../src/outbound/judge-address.js';
import { fetchJson, outboundFetch } from '../src/outbound/outbound-fetch.js';

describe('which URLs may be asked', () => {
  test('addresses that no server on the internet has', () => {
    for (const address of [
      '127.0.0.1',
      '10.1.2.3',
      '172.31.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
      '255.255.255.255',
    ]) {
      expect(isInnerAddress(address), address).toBe(true);
    }
    for (const address of [
      '::1',
      '::',
      'fe80::1',
      'fd00:ec2::254',
      '::ffff:10.0.0.1',
      '::ffff:7f00:1',
      '64:ff9b::a00:1',
      'ff02::1',
      'nonsense',
    ]) {
      expect(isInnerAddress(address), address).toBe(true);
    }
    for (const address of ['8.8.8.8', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8']) {
      expect(isInnerAddress(address), address).toBe(false);
    }
  });

  test('https for everybody, http on this machine for the operator alone', () => {
    expect(judgeUrl('https://example.com/x', 'stranger', false)).toBeUndefined();
    expect(judgeUrl('http://127.0.0.1:9000', 'operator', false)).toBeUndefined();
    expect(judgeUrl('http://example.com', 'operator', false)).toBe('URL must use https');
    expect(judgeUrl('http://127.0.0.1', 'stranger', true)).toBe('URL must use https');
    expect(judgeUrl('https://0x7f000001/', 'stranger', false)).toBe('URL must not lead to this machine');
    expect(judgeUrl('https://2130706433/', 'stranger', false)).toBe('URL must not lead to this machine');
    expect(judgeUrl('https://192.168.1.1/', 'stranger', true)).toBeUndefined();
    for (const odd of ['HTTPS://example.com/', ' https://example.com/', 'https:/example.com', 'https://']) {
      expect(judgeUrl(odd, 'operator', true), odd).toBeTypeOf('string');
    }
    expect(judgeUrl('https://a:b@example.com/', 'operator', true)).toContain('password');
  });

  test('no text is taken for a URL by accident', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (judgeUrl(text, 'stranger', false) === undefined) expect(new URL(text).protocol).toBe('https:');
      }),
    );
  });
});

describe('asking', () => {
  let server: Server;
  let url: string;
  const settings = { privateAddresses: false, timeoutSeconds: 1 };
  const { signal } = new AbortController();

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/redirect') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
      else if (request.url === '/large') response.end('x'.repeat(2 * 1024 * 1024));
      else if (request.url === '/slow') setTimeout(() => response.end(), 20_000).unref();
      else if (request.url === '/echo') request.pipe(response);
      else response.end(JSON.stringify({ agent: request.headers['user-agent'] }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test('JSON and bodies', async () => {
    const fetch = outboundFetch(settings, 'operator');
    expect(await fetchJson(fetch, url, { signal })).toEqual({ agent: 'Holdfast' });
    const answer = await fetch(`${url}/echo`, { method: 'POST', body: 'a=1', signal });
    expect(await answer.text()).toBe('a=1');
    await expect(fetchJson(fetch, `${url}/echo`, { method: 'POST', body: 'no json', signal })).rejects.toThrow(
      'did not answer JSON',
    );
  });

  test('redirects are not followed, large and slow answers are cut off', async () => {
    const fetch = outboundFetch(settings, 'operator');
    expect((await fetch(`${url}/redirect`, { signal })).status).toBe(302);
    await expect(fetchJson(fetch, `${url}/redirect`, { signal })).rejects.toThrow('answered 302');
    await expect(fetch(`${url}/large`, { signal })).rejects.toThrow('larger than 1 MiB');
    await expect(fetch(`${url}/slow`, { signal })).rejects.toThrow('no answer');
    await expect(fetch(url, { signal: AbortSignal.abort() })).rejects.toThrow('no answer');
  });

  test('names that lead inside are refused when they are connected to', async () => {
    const fetch = outboundFetch(settings, 'stranger');
    await expect(fetch('https://localhost/', { signal })).rejects.toThrow('this machine');
    // The resolver of every Debian knows this name of its own machine.
    await expect(fetch('https://ip6-localhost/', { signal })).rejects.toThrow('no answer');
  });
});
