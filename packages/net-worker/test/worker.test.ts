import { createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { runWorker } from '../src/index.js';

test('ends at once when it is told to while a connection is being held', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const configuration = {
    worker: 'one',
    database: { host: '127.0.0.1', port, user: 'holdfast_net', name: 'postgres' },
    connectMilliseconds: 3000,
    answersKeptSeconds: 60,
    refused: { addresses: [], ports: [] },
  };
  const stop = new AbortController();
  const start = performance.now();
  const running = runWorker({ configuration, password: 'none', worker: 'one' }, stop.signal);
  setTimeout(() => stop.abort(), 100);
  await running;
  expect(performance.now() - start).toBeLessThan(2000);
  expect(sockets).toHaveLength(1);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});
