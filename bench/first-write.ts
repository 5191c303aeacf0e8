import { setTimeout as sleep } from 'node:timers/promises';
import type { TestCluster } from '@holdfast/testkit';
import pg from 'pg';
import { readAccess, urlTo } from './cluster-access.js';

const pauseMilliseconds = 20;

/** Points in time as performance.now() tells them. */
export interface FirstWrite {
  /** A write was committed through the read-write port. */
  readonly committed: number;
  /** All replicas stream from the primary. */
  readonly streaming: number;
}

/** An independent client: knocks at the read-write port until a write is committed, then asks the primary until its replicas stream. */
export async function watchFirstWrite(
  cluster: TestCluster,
  replicas: number,
  signal: AbortSignal,
): Promise<FirstWrite> {
  let committed: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    const access = await readAccess(cluster);
    if (access !== undefined) {
      const client = new pg.Client({
        connectionString: urlTo(access.ports.readWrite, access),
        connectionTimeoutMillis: 30_000,
        query_timeout: 10_000,
      });
      client.on('error', () => {});
      try {
        await client.connect();
        if (committed === undefined) {
          // Several statements in one message are one transaction.
          await client.query('CREATE TABLE IF NOT EXISTS first_write (n int); INSERT INTO first_write VALUES (1)');
          committed = performance.now();
        }
        for (;;) {
          signal.throwIfAborted();
          if ((await countStreaming(client)) === replicas) return { committed, streaming: performance.now() };
          await sleep(pauseMilliseconds);
        }
      } catch {
        signal.throwIfAborted();
      } finally {
        await client.end().catch(() => {});
      }
    }
    await sleep(pauseMilliseconds);
  }
}

/** Replicas only: a running pg_basebackup streams too, under its own name. */
async function countStreaming(client: pg.Client): Promise<number | undefined> {
  const { rows } = await client.query<{ n: number }>(
    "SELECT count(*)::int AS n FROM pg_stat_replication WHERE state = 'streaming' AND application_name ~ '^pg[0-9]+$'",
  );
  return rows[0]?.n;
}
