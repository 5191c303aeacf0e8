import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** performance.now() when its headers had come. */
  readonly at: number;
}

export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** In the order in which they came. */
  readonly received: readonly Received[];
}

/** A server on loopback that keeps what it is asked; `answer` is called when the whole request has come. */
export async function startHttpServer(
  answer: (request: Received, response: ServerResponse) => void = (_request, response) => void response.end('ok'),
  host = '127.0.0.1',
): Promise<HttpServer> {
  const received: Received[] = [];
  const listener: RequestListener = (request, response) => {
    const at = performance.now();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body: Buffer.concat(chunks).toString(), at };
      received.push(one);
      answer(one, response);
    });
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://${host}:${port}`,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
