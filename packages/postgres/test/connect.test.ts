import { type AddressInfo, createServer, type Socket } from 'node:net';
import { ExitCode, HoldfastError } from '@holdfast/spec';
import { expect, test } from 'vitest';
import { connect } from '../src/connect.js';

const options = { timeoutMilliseconds: 300, statementTimeoutMilliseconds: 1000 };
const target = (port: number) => ({ host: '127.0.0.1', port, user: 'u', password: 'hidden-secret', database: 'd' });

interface Listener extends AsyncDisposable {
  readonly port: number;
  /** How many connections are open. */
  open(): number;
}

async function listen(onConnection: (socket: Socket) => void): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket
      .on('error', () => {})
      .on('close', () => sockets.delete(socket))
      .resume();
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function failure(port: number): Promise<HoldfastError> {
  const error: unknown = await connect(target(port), options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(HoldfastError);
  expect(error).toMatchObject({
    code: 'HF_POSTGRES_UNREACHABLE',
    exitCode: ExitCode.state,
    message: `PostgreSQL at 127.0.0.1:${port} cannot be reached.`,
  });
  expect(JSON.stringify(error) + String((error as HoldfastError).stack)).not.toContain('hidden-secret');
  return error as HoldfastError;
}

test('a server that never answers: given up after the timeout, and its connection closed', async () => {
  await using server = await listen(() => {});
  const start = performance.now();
  const error = await failure(server.port);
  const elapsed = performance.now() - start;
  expect(elapsed).toBeGreaterThan(250);
  expect(elapsed).toBeLessThan(2000);
  expect(error.detail).toContain('timeout');
  await expect.poll(() => server.open()).toBe(0);
});

test('a server that asks for the password and then falls silent: the same', async () => {
  // AuthenticationSASL with SCRAM-SHA-256: 'R', length, 10, mechanisms.
  const mechanisms = Buffer.from('SCRAM-SHA-256\0\0');
  const head = Buffer.alloc(9);
  head.write('R');
  head.writeInt32BE(8 + mechanisms.length, 1);
  head.writeInt32BE(10, 5);
  await using server = await listen((socket) => socket.write(Buffer.concat([head, mechanisms])));
  const start = performance.now();
  await failure(server.port);
  expect(performance.now() - start).toBeLessThan(2000);
  await expect.poll(() => server.open()).toBe(0);
});

test('a server that hangs up at once', async () => {
  await using server = await listen((socket) => socket.destroy());
  expect((await failure(server.port)).cause).toBeInstanceOf(Error);
});

test('nobody listens', async () => {
  const server = await listen(() => {});
  const { port } = server;
  await server[Symbol.asyncDispose]();
  expect((await failure(port)).detail).toContain('ECONNREFUSED');
});
