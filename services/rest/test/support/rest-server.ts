import type { Database } from '@holdfast/postgres';
import fastify from 'fastify';
import { rest } from '../../src/rest.js';
import type { RestSettings } from '../../src/settings.js';

export interface RestServer extends AsyncDisposable {
  readonly url: string;
}

/** The plugin alone on a port of the loopback; 0: a free one. `url` has the prefix. */
export async function startRestServer(
  database: Database,
  settings: RestSettings,
  port = 0,
  prefix = '',
): Promise<RestServer> {
  const ending = new AbortController();
  const app = fastify({ logger: false, forceCloseConnections: true });
  await app.register(rest, { database, settings, signal: ending.signal, prefix });
  const address = await app.listen({ host: '127.0.0.1', port });
  return {
    url: `${address}${prefix}`,
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('the test is over'));
      await app.close();
    },
  };
}
