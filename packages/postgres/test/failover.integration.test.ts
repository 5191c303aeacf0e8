import { setMaxListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '../src/open-database.js';
import { type ReplicatedPostgres, startReplicatedPostgres } from './replicated-postgres.js';
import { postgresBin } from './throw-away-postgres.js';

const never = new AbortController().signal;
setMaxListeners(0, never);

interface Tally {
  readonly acknowledged: number[];
  readonly unknown: number[];
  readonly unavailable: number[];
  readonly failures: unknown[];
  reads: number;
  repeats: number;
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined);

describe.skipIf(postgresBin === undefined)('while the primary changes', () => {
  let cluster: ReplicatedPostgres;
  let database: OpenDatabase;

  beforeAll(async () => {
    cluster = await startReplicatedPostgres(postgresBin ?? '');
    // No unique key: what is applied twice is there twice.
    await cluster.query('CREATE TABLE entry (id int, way text)');
    await cluster.query('CREATE TABLE counter (id int PRIMARY KEY, value int)');
    database = openDatabase(cluster.target, { silenceMilliseconds: 300, rideMilliseconds: 20_000 });
  });

  afterAll(async () => {
    await database?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  /** Works until it is told to stop: writes that must not be made twice, in one message and in steps, writes that may be, and reads. */
  async function workload(tally: Tally, next: () => number, stop: AbortSignal): Promise<void> {
    const write = { access: 'read write' } as const;
    while (!stop.aborted) {
      const id = next();
      try {
        switch (id % 4) {
          case 0:
            await database.pipeline(
              [{ text: 'INSERT INTO entry VALUES ($1, $2)', values: [id, 'whole'] }],
              write,
              never,
            );
            tally.acknowledged.push(id);
            break;
          case 1:
            await database.transaction(
              write,
              async (run) => {
                await run({ text: 'INSERT INTO entry VALUES ($1, $2)', values: [id, 'steps'] });
                await run({ text: 'SELECT 1' });
              },
              never,
            );
            tally.acknowledged.push(id);
            break;
          case 2:
            await database.pipeline(
              [{ text: 'INSERT INTO counter VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET value = 1', values: [id] }],
              { ...write, repeatable: true },
              never,
            );
            tally.repeats += 1;
            break;
          default:
            await database.pipeline([{ text: 'SELECT count(*) FROM counter' }], { access: 'read only' }, never);
            tally.reads += 1;
        }
      } catch (error) {
        const isInsert = id % 4 < 2;
        if (isInsert && codeOf(error) === 'HF_POSTGRES_OUTCOME_UNKNOWN') tally.unknown.push(id);
        else if (isInsert && codeOf(error) === 'HF_POSTGRES_UNAVAILABLE') tally.unavailable.push(id);
        else tally.failures.push(error);
      }
    }
  }

  async function during(change: () => Promise<void>): Promise<Tally> {
    await cluster.query('TRUNCATE entry, counter');
    const tally: Tally = { acknowledged: [], unknown: [], unavailable: [], failures: [], reads: 0, repeats: 0 };
    const stop = new AbortController();
    let last = 0;
    const workers = Array.from({ length: 8 }, async () => await workload(tally, () => (last += 1), stop.signal));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await change();
    await new Promise((resolve) => setTimeout(resolve, 500));
    stop.abort();
    await Promise.all(workers);
    return tally;
  }

  async function check(tally: Tally): Promise<void> {
    const rows = await cluster.query('SELECT id, count(*)::int FROM entry GROUP BY id');
    const there = new Map(rows.map(([id, count]) => [Number(id), Number(count)]));
    console.info(
      `${tally.acknowledged.length} writes, ${tally.unknown.length} unknown, ${tally.reads} reads, ${tally.repeats} repeatable`,
    );
    expect(tally.failures).toEqual([]);
    expect(tally.acknowledged.filter((id) => there.get(id) !== 1)).toEqual([]);
    expect([...there].filter(([, count]) => count !== 1)).toEqual([]);
    expect(tally.unavailable.filter((id) => there.has(id))).toEqual([]);
    const told = new Set([...tally.acknowledged, ...tally.unknown]);
    expect([...there.keys()].filter((id) => !told.has(id))).toEqual([]);
    // At most one that was under way on each connection.
    expect(tally.unknown.length).toBeLessThanOrEqual(8);
    expect(tally.acknowledged.length).toBeGreaterThan(10);
  }

  test.each([1, 2, 3])('to its standby, killed: nothing is lost, doubled or failed (%i)', async () => {
    await check(await during(async () => await cluster.failOver('SIGKILL')));
  });

  test.each([1, 2])('to its standby, frozen: nothing is lost, doubled or failed (%i)', async () => {
    await check(await during(async () => await cluster.failOver('SIGSTOP')));
  });

  test('because it crashed and came back: nothing is lost, doubled or failed', async () => {
    await check(await during(async () => await cluster.crash()));
  });
});
