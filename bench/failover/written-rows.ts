import { waitUntil } from '@holdfast/testkit';
import pg from 'pg';
import { table } from './client-messages.js';

const pageSize = 200_000;

/** Makes the table that clients write to; waits until it can. */
export async function prepareTable(urls: readonly string[], signal: AbortSignal): Promise<void> {
  await waitUntil(
    'a table to write to',
    async () => {
      signal.throwIfAborted();
      return await withWritable(urls, async (client) => {
        await client.query(`CREATE TABLE IF NOT EXISTS ${table} (n bigint PRIMARY KEY)`);
        return true;
      }).catch(() => false);
    },
    { timeoutMilliseconds: 60_000 },
  );
}

/** How many of these numbers are not in the table. */
export async function countLost(urls: readonly string[], ids: readonly number[]): Promise<number> {
  return await withWritable(urls, async (client) => {
    const missing = new Set(ids);
    let above = 0;
    for (;;) {
      const { rows } = await client.query<{ n: string }>(
        `SELECT n FROM ${table} WHERE n > $1 ORDER BY n LIMIT ${pageSize}`,
        [above],
      );
      for (const { n } of rows) missing.delete(Number(n));
      const last = rows.at(-1);
      if (last === undefined) return missing.size;
      above = Number(last.n);
    }
  });
}

/** With the first server that can be written to. */
async function withWritable<Answer>(
  urls: readonly string[],
  act: (client: pg.Client) => Promise<Answer>,
): Promise<Answer> {
  let last: unknown = new Error('there is no server');
  for (const connectionString of urls) {
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000, query_timeout: 60_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query<{ transaction_read_only: string }>('SHOW transaction_read_only');
      if (rows[0]?.transaction_read_only === 'off') return await act(client);
    } catch (error) {
      last = error;
    } finally {
      await client.end().catch(() => {});
    }
  }
  throw last;
}
