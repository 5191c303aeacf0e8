import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { BodyBroken, BodyTooLarge, readBody, startHttpServer } from '../src/index.js';

/** Answers with the body it read, or with the name of what it was refused with. */
async function startEcho(atMost: number, seen: unknown[] = []) {
  return await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    drainMilliseconds: 0,
    onRequest: (request, response) => {
      readBody(request, atMost).then(
        (body) => response.end(body),
        (error: Error) => {
          seen.push(error);
          response.writeHead(413, { connection: 'close' }).end(error.constructor.name);
        },
      );
    },
  });
}

const pieces = (...texts: readonly string[]) =>
  new ReadableStream<Uint8Array>({
    async start(controller) {
      for (const text of texts) {
        controller.enqueue(Buffer.from(text));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      controller.close();
    },
  });

test('a body is read whole, in one piece, in several, and where there is none', async () => {
  await using server = await startEcho(10);
  const post = async (body: NonNullable<RequestInit['body']> | null) =>
    await (
      await fetch(`http://127.0.0.1:${server.port}`, { method: 'POST', body, duplex: 'half' } as RequestInit)
    ).text();
  expect(await post('0123456789')).toBe('0123456789');
  expect(await post(pieces('01234', '56789'))).toBe('0123456789');
  expect(await post(null)).toBe('');
});

test('a body that is too long is refused by its length, or where it has gone too far', async () => {
  const seen: unknown[] = [];
  await using server = await startEcho(10, seen);
  const post = async (body: NonNullable<RequestInit['body']>) =>
    await fetch(`http://127.0.0.1:${server.port}`, { method: 'POST', body, duplex: 'half' } as RequestInit);
  expect((await post('0123456789x')).status).toBe(413);
  expect((await post(pieces('01234', '56789x'))).status).toBe(413);
  expect(seen.every((error) => error instanceof BodyTooLarge)).toBe(true);
  expect(seen).toHaveLength(2);
});

test('a client that hangs up in the middle of its body is told from one that sent it', async () => {
  const seen: unknown[] = [];
  await using server = await startEcho(10, seen);
  const socket = connect(server.port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234');
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.destroy();
  await expect.poll(() => seen.length).toBe(1);
  expect(seen[0]).toBeInstanceOf(BodyBroken);
});
