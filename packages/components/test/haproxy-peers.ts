import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'vitest';
import { waitUntil } from './run-unit.js';

/** Stands for a member: Patroni's checks on one port, a PostgreSQL that says its name on the other. */
export class FakeMember implements AsyncDisposable {
  /** `promoting`, `stopping`: it holds the leader lock, but PostgreSQL is a standby yet, or does not run any more. */
  role: 'primary' | 'promoting' | 'stopping' | 'replica' | 'down' | 'silent' = 'down';
  readonly #servers: readonly Server[];
  readonly #sockets = new Set<Socket>();

  constructor(name: string, port: number, patroniPort: number) {
    const api = createHttpServer((request, response) => {
      if (this.role === 'silent') return;
      const locked = ['primary', 'promoting', 'stopping'].includes(this.role);
      const path = locked ? '/primary' : `/${this.role}`;
      const state = this.role === 'stopping' ? 'stopping' : 'running';
      const role = this.role === 'primary' || this.role === 'stopping' ? 'primary' : 'replica';
      response.writeHead(request.url === path ? 200 : 503).end(`{"state": "${state}", "x": 1, "role": "${role}"}`);
    }).listen(patroniPort, '127.0.0.1');
    const postgres = createServer((socket) => {
      socket.on('error', () => {});
      socket.write(name);
      socket.pipe(socket);
    }).listen(port, '127.0.0.1');
    this.#servers = [api, postgres];
    for (const server of this.#servers) {
      server.on(
        'connection',
        (socket: Socket) => this.#sockets.add(socket).size && socket.once('close', () => this.#sockets.delete(socket)),
      );
    }
  }

  /** Refuses connections and drops those it had, as the kernel does for a killed process. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#servers.filter((each) => each.listening).map((server) => once(server.close(), 'close'));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }
}

/** A client of one of HAProxy's ports. */
export class Client implements Disposable {
  readonly socket: Socket;
  readonly ended: Promise<void>;
  received = Buffer.alloc(0);

  constructor(port: number, hello: string | Buffer = 'hello') {
    this.socket = connect(port, '127.0.0.1');
    this.ended = new Promise((resolve) => this.socket.once('close', () => resolve()));
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => (this.received = Buffer.concat([this.received, chunk])));
    this.socket.write(hello);
  }

  async talksTo(name: string): Promise<void> {
    await waitUntil(`an answer of ${name}`, async () => this.received.length >= name.length, 5);
    expect(this.received.toString().slice(0, name.length)).toBe(name);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

export const startupMessage = (() => {
  const body = Buffer.from('\0\x03\0\0user\0x\0database\0x\0\0', 'latin1');
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([length, body]);
})();

/** One whole ErrorResponse: cannot_connect_now. */
export function expectRefusal(message: Buffer): void {
  expect(message.toString('latin1', 0, 1)).toBe('E');
  expect(message.readInt32BE(1)).toBe(message.length - 1);
  const fields = message.toString('utf8', 5).split('\0');
  expect(fields).toEqual(['SFATAL', 'VFATAL', 'C57P03', 'Mthe cluster has no primary at the moment', '', '']);
}
