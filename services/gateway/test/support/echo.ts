import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Echo extends AsyncDisposable {
  readonly url: string;
  /** Once it was asked for a path. */
  asked(path: string): Promise<void>;
}

/** A server that answers with what it was asked: below /slow after 1.5 s, for /wait after 0.3 s. */
export async function startEcho(): Promise<Echo> {
  const seen = new Set<string>();
  const server = createServer((request, response) => {
    const { url = '', method, headers } = request;
    seen.add(url);
    let body = '';
    request.on('data', (data: Buffer) => {
      body += data.toString();
    });
    request.on('end', () => {
      const wait = url.startsWith('/slow') ? 1500 : url === '/wait' ? 300 : 0;
      setTimeout(() => {
        response.writeHead(url.endsWith('/health') ? 200 : 201, {
          'content-type': 'application/json',
          'x-upstream': 'yes',
        });
        response.end(JSON.stringify({ url, method, headers, body }));
      }, wait);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async asked(path) {
      while (!seen.has(path)) await new Promise((resolve) => setTimeout(resolve, 10));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
