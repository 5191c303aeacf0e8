/**
 * The client that failovers are measured with, a process of its own: what the benchmark does to the cluster does not delay it. Each of its
 * connections inserts one row after the other, each a transaction, and knows every acknowledgement. It cuts a connection that says nothing for
 * 2 s, and takes a new one 2 ms after any error. With several URIs it takes the first server that can be written to, as libpq does with
 * target_session_attrs=read-write. It is told what to do over its IPC channel and ends with it.
 */
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type FromClient, type ToClient, table } from './client-messages.js';
import { firstBegunAfter } from './history.js';
import { monotonic } from './monotonic.js';

const silenceMilliseconds = 2000;
const pauseMilliseconds = 2;

const insert = `INSERT INTO ${table} VALUES ($1) RETURNING host(inet_server_addr()) || ':' || inet_server_port() AS server`;

const history = {
  ids: [] as number[],
  begun: [] as number[],
  acknowledged: [] as number[],
  connections: [] as number[],
  server: [] as number[],
  servers: [] as string[],
  errors: [] as { at: number; message: string }[],
  connects: [] as number[],
  started: monotonic(),
};

let running = true;
// Later clients of the same table begin above all earlier ones.
let next = Date.now() * 1000;
const waiting = new Set<{ readonly number: number; readonly begunAfter: number }>();
const sockets = new Set<Socket>();

interface Connection {
  readonly client: pg.Client;
  readonly socket: Socket;
}

async function connect(url: string, mustBeWritable: boolean): Promise<Connection> {
  const socket = new Socket();
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
  socket.setTimeout(silenceMilliseconds, () => socket.destroy(new Error('silent for 2 s')));
  const client = new pg.Client({ connectionString: url, stream: () => socket });
  // What a query waits for, its promise tells as well.
  client.on('error', () => {});
  try {
    await client.connect();
    if (mustBeWritable) {
      const { rows } = await client.query<{ transaction_read_only: string }>('SHOW transaction_read_only');
      if (rows[0]?.transaction_read_only !== 'off') throw new Error('the session is read-only');
    }
    return { client, socket };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function connectToAny(urls: readonly string[]): Promise<Connection> {
  let last: unknown;
  for (const url of urls) {
    try {
      return await connect(url, urls.length > 1);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

async function write(urls: readonly string[], connection: number): Promise<void> {
  while (running) {
    let socket: Socket | undefined;
    try {
      const open = await connectToAny(urls);
      socket = open.socket;
      history.connects.push(monotonic());
      while (running) {
        const id = next++;
        const begun = monotonic();
        const { rows } = await open.client.query<{ server: string }>(insert, [id]);
        acknowledge(connection, id, begun, monotonic(), rows[0]?.server ?? 'unknown');
      }
    } catch (error) {
      // Being stopped is nobody's error.
      if (!running) return;
      history.errors.push({ at: monotonic(), message: error instanceof Error ? error.message : String(error) });
      await sleep(pauseMilliseconds);
    } finally {
      socket?.destroy();
    }
  }
}

function acknowledge(connection: number, id: number, begun: number, acknowledged: number, server: string): void {
  history.ids.push(id);
  history.begun.push(begun);
  history.acknowledged.push(acknowledged);
  history.connections.push(connection);
  let index = history.servers.indexOf(server);
  if (index < 0) index = history.servers.push(server) - 1;
  history.server.push(index);
  for (const question of waiting) {
    if (begun <= question.begunAfter) continue;
    waiting.delete(question);
    reply({ kind: 'first', number: question.number, answer: { begun, acknowledged, server } });
  }
}

function reply(message: FromClient): void {
  process.send?.(message);
}

let writers: Promise<unknown> = Promise.resolve();

async function stop(number: number): Promise<void> {
  running = false;
  const stopped = monotonic();
  // What is on its way may still be acknowledged; what hangs is cut.
  await Promise.race([writers, sleep(500)]);
  for (const socket of sockets) socket.destroy();
  await writers;
  reply({ kind: 'stop', number, answer: { ...history, stopped } });
}

process.on('message', (message: ToClient) => {
  switch (message.kind) {
    case 'start':
      writers = Promise.all(Array.from({ length: message.connections }, (_, index) => write(message.urls, index)));
      break;
    case 'first': {
      const known = firstBegunAfter(history, message.begunAfter);
      if (known === undefined) waiting.add(message);
      else reply({ kind: 'first', number: message.number, answer: known });
      break;
    }
    case 'stop':
      void stop(message.number);
      break;
  }
});
process.once('disconnect', () => process.exit(0));
