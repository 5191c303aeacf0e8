import pg from 'pg';
import type { ConnectionTarget } from './connect.js';

/** pg's own pool, for libraries that want one. Disposing cuts what still runs. */
export interface Pool extends AsyncDisposable {
  readonly pool: pg.Pool;
}

/** Opens no connection yet. Once the signal aborts, every connection is cut, and what runs on it rejects. */
export function openPool(
  target: ConnectionTarget,
  options: { readonly timeoutMilliseconds: number; readonly statementTimeoutMilliseconds: number },
  signal: AbortSignal,
): Pool {
  const pool = new pg.Pool({
    ...target,
    application_name: 'holdfast',
    max: 1,
    connectionTimeoutMillis: options.timeoutMilliseconds,
    statement_timeout: options.statementTimeoutMilliseconds,
    query_timeout: options.statementTimeoutMilliseconds + 1000,
  });
  const clients = new Set<pg.PoolClient>();
  pool.on('connect', (client) => {
    clients.add(client);
    // A connection that is cut while it is lent out emits `error`; the query on it rejects.
    client.on('error', () => {});
  });
  pool.on('remove', (client) => clients.delete(client));
  pool.on('error', () => {});
  const cut = () => {
    for (const client of clients) (client as unknown as pg.Client).end().catch(() => {});
  };
  signal.addEventListener('abort', cut, { once: true });
  return {
    pool,
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', cut);
      cut();
      await pool.end().catch(() => {});
    },
  };
}
