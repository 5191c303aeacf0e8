import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** What a run of unique inserts saw. */
export interface InsertHistory {
  /** Numbers whose INSERT was acknowledged. */
  readonly acknowledged: readonly number[];
  /** Longest time between two acknowledgements, milliseconds. */
  readonly longestGapMilliseconds: number;
  /** Errors that clients saw. */
  readonly errors: number;
}

export interface InsertWorkload {
  /** Ends the writers and answers what they saw. */
  stop(): Promise<InsertHistory>;
  /** How many were acknowledged so far. */
  count(): number;
}

const table = 'holdfast_unique_inserts';

/** Makes the table. */
export async function prepareUniqueInserts(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`CREATE TABLE IF NOT EXISTS ${table} (n bigint PRIMARY KEY)`);
  } finally {
    await client.end();
  }
}

/**
 * Writers that each insert numbers nobody else inserts, one transaction a number, as fast as they are acknowledged; a writer whose connection
 * breaks, or that gets no answer for two seconds, takes a new connection and a new number (the old one's fate is unknown, so it is not counted).
 */
export function startUniqueInserts(url: string, writers = 2): InsertWorkload {
  const acknowledged: number[] = [];
  // Later runs on the same table begin above all earlier ones.
  let next = Date.now() * 1000;
  let errors = 0;
  let last = performance.now();
  let longest = 0;
  let running = true;
  const work = async () => {
    while (running) {
      const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000, query_timeout: 2000 });
      client.on('error', () => {});
      try {
        await client.connect();
        while (running) {
          const number = next++;
          await client.query(`INSERT INTO ${table} VALUES ($1)`, [number]);
          const now = performance.now();
          longest = Math.max(longest, now - last);
          last = now;
          acknowledged.push(number);
        }
      } catch {
        errors++;
        await sleep(20);
      } finally {
        await client.end().catch(() => {});
      }
    }
  };
  const all = Promise.all(Array.from({ length: writers }, work));
  return {
    count: () => acknowledged.length,
    async stop() {
      running = false;
      await all;
      return { acknowledged, longestGapMilliseconds: Math.round(longest), errors };
    },
  };
}

/** Acknowledged numbers that are not in the database: lost writes. */
export async function findLostInserts(url: string, history: InsertHistory): Promise<readonly number[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: string }>(`SELECT n FROM ${table}`);
    const present = new Set(rows.map(({ n }) => Number(n)));
    return history.acknowledged.filter((number) => !present.has(number));
  } finally {
    await client.end();
  }
}
