import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { portTaken } from './errors.js';

export interface HttpServerOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /** A client that wants another protocol on its connection; without it the connection is closed. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** What is under way when the server stops may take so long. Default 10 s. */
  readonly drainMilliseconds?: number;
  /** A client must have sent its whole request within so long. Default 5 min. */
  readonly requestMilliseconds?: number;
  /** Bytes of all headers together. Default 32 KiB. */
  readonly headersAtMost?: number;
}

export interface HttpServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

const headersMilliseconds = 15_000;
/** Longer than what usual clients and balancers keep a connection, so that they close it and not we while a request is on its way. */
const keepAliveMilliseconds = 75_000;

/**
 * Listens. Disposing stops that, tells clients with `Connection: close`, waits for what is under way, and cuts what is still there after the bound.
 * Throws HF_HTTP_PORT when it cannot listen.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const connections = new Connections();
  const server = createServer(
    {
      maxHeaderSize: options.headersAtMost ?? 32 * 1024,
      headersTimeout: headersMilliseconds,
      requestTimeout: options.requestMilliseconds ?? 300_000,
      keepAliveTimeout: keepAliveMilliseconds,
      connectionsCheckingInterval: 5000,
    },
    (request, response) => {
      connections.answering(request.socket, response);
      options.onRequest(request, response);
    },
  );
  server.on('connection', (socket) => connections.add(socket));
  if (options.onUpgrade !== undefined) server.on('upgrade', options.onUpgrade);
  server.on('clientError', (error: Error & { readonly code?: string }, socket) => refuse(error, socket));
  await listen(server, options);
  const address = server.address() as AddressInfo;
  return {
    host: address.address,
    port: address.port,
    async [Symbol.asyncDispose]() {
      await drain(server, connections, options.drainMilliseconds ?? 10_000);
    },
  };
}

async function listen(server: Server, { host, port }: HttpServerOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => reject(portTaken(`${host}:${port}`, error));
    server.once('error', fail);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', fail);
      server.on('error', () => {});
      resolve();
    });
  });
}

async function drain(server: Server, connections: Connections, milliseconds: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  connections.stop();
  const bound = setTimeout(() => connections.cutAll(), milliseconds);
  await closed;
  clearTimeout(bound);
}

/**
 * Who is connected, and whether an answer is due to them. (`closeIdleConnections` of Node.js 20 leaves a connection open whose answer ended a moment ago,
 * and one that was upgraded is not its business.)
 */
class Connections {
  readonly #due = new Map<Socket, number>();
  #stopping = false;

  add(socket: Socket): void {
    this.#due.set(socket, 0);
    socket.once('close', () => this.#due.delete(socket));
  }

  answering(socket: Socket, response: ServerResponse): void {
    if (this.#stopping) response.setHeader('connection', 'close');
    this.#due.set(socket, (this.#due.get(socket) ?? 0) + 1);
    // Emitted once.
    response.on('close', () => {
      const due = this.#due.get(socket);
      if (due === undefined) return;
      this.#due.set(socket, due - 1);
      if (this.#stopping && due === 1) socket.destroySoon();
    });
  }

  stop(): void {
    this.#stopping = true;
    for (const [socket, due] of this.#due) if (due === 0) socket.destroySoon();
  }

  cutAll(): void {
    for (const socket of this.#due.keys()) socket.destroy();
  }
}

/** RFC 9110, 15.5; the connection cannot be trusted any more. */
function refuse(error: { readonly code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
