import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { chooseEncoding, compressAnswers, createService } from '../src/index.js';

describe('chooseEncoding', () => {
  test.each([
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['deflate', undefined],
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['br, gzip, deflate', 'gzip'],
    ['gzip;q=0.5, br', 'br'],
    ['gzip;q=0, br;q=0', undefined],
    ['*', 'gzip'],
    ['*;q=0, br', 'br'],
    ['GZIP;Q=1', 'gzip'],
    ['gzip;q=nonsense', undefined],
  ])('%j is %j', (header, expected) => {
    expect(chooseEncoding(header)).toBe(expected);
  });
});

describe('compressAnswers', () => {
  const long = JSON.stringify(Array.from({ length: 200 }, (_, index) => ({ index })));
  const service = createService();
  compressAnswers(service);
  service.get('/long', (_request, reply) =>
    reply.header('content-range', '0-199/*').type('application/json').send(long),
  );
  service.get('/short', (_request, reply) => reply.type('application/json').send('[]'));
  service.get('/bytes', (_request, reply) => reply.type('application/octet-stream').send(Buffer.alloc(5000)));
  const get = async (url: string, encoding: string) =>
    await service.inject({ url, headers: { 'accept-encoding': encoding } });

  test('long text is compressed as the client wants it, a range of rows or not', async () => {
    const zipped = await get('/long', 'gzip');
    expect(zipped.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(gunzipSync(zipped.rawPayload).toString()).toBe(long);
    const brotli = await get('/long', 'br');
    expect(brotliDecompressSync(brotli.rawPayload).toString()).toBe(long);
    expect((await get('/long', 'identity')).payload).toBe(long);
  });

  test('what is short, or no text, is not', async () => {
    expect((await get('/short', 'gzip')).headers['content-encoding']).toBeUndefined();
    expect((await get('/bytes', 'gzip')).headers['content-encoding']).toBeUndefined();
  });
});
