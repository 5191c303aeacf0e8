import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canRunPostgres, openShop, type Shop } from '../support/shop.js';

describe.skipIf(!canRunPostgres)('a reload of the schema', () => {
  let shop: Shop;

  beforeAll(async () => {
    shop = await openShop();
  });

  afterAll(async () => {
    await shop?.[Symbol.asyncDispose]();
  });

  test('drops no request, and shows what changed', async () => {
    let done = false;
    const seen: number[] = [];
    const ask = async (): Promise<void> => {
      while (!done) {
        const answer = await fetch(`${shop.url}/rpc/add?a=1`);
        seen.push(answer.status);
        await answer.arrayBuffer();
      }
    };
    const asking = Promise.all([ask(), ask(), ask()]);
    try {
      for (let round = 0; round < 10; round += 1) {
        await shop.sql(`create table shop.round_${round} (id int); grant select on shop.round_${round} to visitor`);
        await shop.sql(`notify pgrst, 'reload schema'`);
        await expect
          .poll(async () => (await fetch(`${shop.url}/round_${round}`)).status, { timeout: 10_000, interval: 50 })
          .toBe(200);
      }
    } finally {
      done = true;
      await asking;
    }
    expect(seen.length).toBeGreaterThan(10);
    expect(new Set(seen)).toEqual(new Set([200]));
  });

  test('takes new settings from the database', async () => {
    await shop.sql(`create table shop.numbers as select generate_series(1, 9) as n; grant select on shop.numbers to visitor;
      alter role authenticator set pgrst.db_max_rows = '3'`);
    await shop.sql('notify pgrst');
    await expect
      .poll(
        async () => {
          const rows: unknown = await (await fetch(`${shop.url}/numbers`)).json();
          return Array.isArray(rows) ? rows.length : 0;
        },
        { timeout: 10_000, interval: 50 },
      )
      .toBe(3);
  });
});
