import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { connect as connectPlain } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connect as connectTls } from 'node:tls';
import { requestSignal } from '@holdfast/http';
import { timeLimit } from '@holdfast/spec';
import { type Dispatcher, errors, Pool } from 'undici';
import { answers, send } from './answers.js';
import type { Backend } from './backend.js';

/** RFC 9110, 7.6.1: these concern one connection. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export interface RemoteOptions {
  /** `http://127.0.0.1:9999`; a path is put before each request's. */
  readonly url: string;
  /** Until the upstream begins its answer, and between two pieces of it. */
  readonly timeoutMilliseconds: number;
  /** Asked for the upstream's health; default `/health`. */
  readonly healthPath?: string;
}

/** A service that runs elsewhere. Requests are passed on as they come, bodies as streams, and never twice. */
export function createRemoteBackend(options: RemoteOptions): Backend {
  const url = new URL(options.url);
  const base = url.pathname.replace(/\/$/, '');
  const pool = new Pool(url.origin, {
    connections: 256,
    connect: { timeout: Math.min(options.timeoutMilliseconds, 10_000) },
    headersTimeout: options.timeoutMilliseconds,
    bodyTimeout: options.timeoutMilliseconds,
  });
  return {
    handle: (request, response) => void pass(pool, base, request, response),
    upgrade: (request, socket, head) => passUpgrade(url, base, request, socket, head),
    async health(signal) {
      try {
        const path = `${base}${options.healthPath ?? '/health'}`;
        const answer = await pool.request({ method: 'GET', path, signal: timeLimit(signal, 2000) });
        await answer.body.dump();
        return answer.statusCode < 500 ? 'ready' : 'starting';
      } catch {
        return 'unreachable';
      }
    },
    async [Symbol.asyncDispose]() {
      await pool.destroy();
    },
  };
}

async function pass(pool: Pool, base: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const signal = requestSignal(response);
  try {
    const answer = await pool.request({
      method: (request.method ?? 'GET') as Dispatcher.HttpMethod,
      path: base + (request.url ?? '/'),
      headers: withoutHops(request.headers),
      body: hasBody(request) ? request : null,
      signal,
    });
    response.writeHead(answer.statusCode, withoutHops(answer.headers));
    await pipeline(answer.body, response, { signal });
  } catch (error) {
    if (signal.aborted) return;
    if (response.headersSent) response.destroy();
    else send(response, isTimeout(error) ? answers.slowUpstream : answers.badUpstream);
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function withoutHops(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const named = new Set((headers.connection ?? '').toLowerCase().split(/\s*,\s*/));
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !hopByHop.has(name) && !named.has(name) && name !== 'expect') kept[name] = value;
  }
  return kept;
}

/** RFC 9110, 7.8: the same request goes on, and then both sides' bytes as they are. */
function passUpgrade(url: URL, base: string, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const secure = url.protocol === 'https:';
  const port = Number(url.port === '' ? (secure ? 443 : 80) : url.port);
  const host = url.hostname;
  const upstream = secure ? connectTls({ host, port, servername: host }) : connectPlain({ host, port });
  const end = () => {
    socket.destroy();
    upstream.destroy();
  };
  upstream.setTimeout(10_000, () => refuseUpgrade(socket, 504, answers.slowUpstream.message));
  upstream.once('error', () => refuseUpgrade(socket, 502, answers.badUpstream.message));
  upstream.once('close', end);
  socket.once('error', end);
  socket.once('close', end);
  upstream.once(secure ? 'secureConnect' : 'connect', () => {
    upstream.setTimeout(0);
    const lines = Object.entries(request.headers).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value ?? '']).map((each) => `${name}: ${each}`),
    );
    upstream.write(`GET ${base}${request.url ?? '/'} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    if (head.length > 0) upstream.write(head);
    upstream.pipe(socket);
    socket.pipe(upstream);
  });
}

/** Answers in HTTP on a connection that wanted to leave it, and closes it. */
export function refuseUpgrade(socket: Duplex, status: number, message: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify({ message });
  socket.end(
    `HTTP/1.1 ${status} \r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
