import { startHttpServer } from '@holdfast/http';
import type { Database } from '@holdfast/postgres';
import { createRest } from '../../src/rest.js';
import type { RestSettings } from '../../src/settings.js';

export interface RestServer extends AsyncDisposable {
  readonly url: string;
}

/** The service alone on a port of the loopback; 0: a free one. `url` has the prefix. */
export async function startRestServer(
  database: Database,
  settings: RestSettings,
  port = 0,
  prefix = '',
): Promise<RestServer> {
  const ending = new AbortController();
  const rest = createRest({ database, settings, signal: ending.signal, prefix });
  const server = await startHttpServer({ host: '127.0.0.1', port, drainMilliseconds: 0, onRequest: rest.handle });
  return {
    url: `http://127.0.0.1:${server.port}${prefix}`,
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('the test is over'));
      await server[Symbol.asyncDispose]();
      await rest[Symbol.asyncDispose]();
    },
  };
}
