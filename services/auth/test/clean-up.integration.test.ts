import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestDatabase } from './harness.js';

describe.skipIf(postgresBin === undefined)('cleaning up', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startDatabase();
  });
  afterAll(async () => await database?.[Symbol.asyncDispose]());

  const count = async (table: string, condition: string, value: string) =>
    (await database.sql(`SELECT FROM auth.${table} WHERE ${condition}`, value)).length;

  async function until(holds: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + 20_000;
    while (!(await holds())) {
      if (Date.now() > end) throw new Error('it did not happen within 20 s');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  test('deletes what is over for a day, and nothing else', async () => {
    await using auth = await startAuth(database, {
      cleanUp: { enabled: true, intervalSeconds: 0.05 },
      sessions: { timeboxSeconds: 3600 },
    });
    const client = auth.client();
    const { data } = await client.signUp({ email: freshEmail(), password: 'correct horse' });
    const id = data.user?.id ?? '';
    await client.refreshSession();
    await database.sql(
      "INSERT INTO auth.flow_state (id, provider_type, authentication_method, created_at) VALUES ($1, 'x', 'x', now() - interval '2 days')",
      randomUUID(),
    );
    await until(async () => (await count('flow_state', 'provider_type = $1', 'x')) === 0);
    expect(await count('refresh_tokens', 'user_id = $1', id)).toBe(2);
    expect(await count('sessions', 'user_id = $1', id)).toBe(1);
    auth.advance(24 * 3600 + 60);
    await until(async () => (await count('refresh_tokens', 'user_id = $1', id)) === 1);
    expect(await count('sessions', 'user_id = $1', id)).toBe(1);
    auth.advance(3600);
    await until(async () => (await count('sessions', 'user_id = $1', id)) === 0);
    expect(await count('users', 'id::text = $1', id)).toBe(1);
  });
});
