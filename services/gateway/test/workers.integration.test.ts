import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { postgresBin, program, startTestTier, type TestTier } from './support/tier.js';

const slowFunction = `
  CREATE FUNCTION public.answer_late() RETURNS int LANGUAGE sql AS 'SELECT 42 FROM pg_sleep(1.5)';
  NOTIFY pgrst, 'reload schema'`;

function workersOf(tier: TestTier): readonly number[] {
  const { pid } = tier.process;
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function residentMebibytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** On a connection of its own: each is given to the next worker. */
const call = async (tier: TestTier, path: string) =>
  await fetch(`${tier.url}${path}`, {
    headers: { apikey: tier.keys.secret.current.value, connection: 'close' },
    signal: AbortSignal.timeout(10_000),
  });

const status = async (tier: TestTier, path: string) =>
  await call(tier, path).then(
    (answer) => answer.status,
    () => 0,
  );

describe.skipIf(postgresBin === undefined || !existsSync(program))('the processes of the API', () => {
  let tier: TestTier;
  const start = async (workers: number) => {
    tier = await startTestTier((configuration) => ({ ...configuration, workers }));
    await tier.sql.query(slowFunction);
    await expect.poll(async () => await status(tier, '/rest/v1/rpc/answer_late'), { timeout: 15_000 }).toBe(200);
  };
  afterEach(async () => {
    await tier?.[Symbol.asyncDispose]();
  });

  test('a worker that was killed is replaced, and nobody is turned away meanwhile for long', async () => {
    await start(2);
    await expect.poll(() => workersOf(tier)).toHaveLength(2);
    const before = workersOf(tier);
    const [victim = 0] = before;
    process.kill(victim, 'SIGKILL');
    await expect
      .poll(
        () => {
          const now = workersOf(tier);
          return now.length === 2 && !now.includes(victim);
        },
        { timeout: 10_000 },
      )
      .toBe(true);
    await expect.poll(() => tier.log().match(/"event":"listening"/g)?.length, { timeout: 10_000 }).toBe(3);
    expect(tier.log()).toContain(`"event":"worker","pid":${victim},"ended":"SIGKILL"`);
    const answers = await Promise.all(Array.from({ length: 20 }, async () => await status(tier, '/auth/v1/settings')));
    expect(new Set(answers)).toEqual(new Set([200]));
    console.info(
      'MiB resident:',
      [tier.process.pid ?? 0, ...workersOf(tier)].map((pid) => Math.round(residentMebibytes(pid))),
    );
  });

  test.each([1, 2])('SIGTERM lets requests end that are under way, of %i worker(s)', async (workers) => {
    await start(workers);
    const slow = Array.from({ length: 4 }, async () => await (await call(tier, '/rest/v1/rpc/answer_late')).json());
    await new Promise((resolve) => setTimeout(resolve, 500));
    const children = workersOf(tier);
    tier.process.kill('SIGTERM');
    // Who comes now is told so at once, rather than kept waiting.
    await expect.poll(async () => await status(tier, '/auth/v1/settings'), { timeout: 1000 }).toBe(0);
    expect(await Promise.all(slow)).toEqual([42, 42, 42, 42]);
    expect(await tier.ended).toBe(0);
    for (const pid of children) expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  test('workers end with their first process, however that ended', async () => {
    await start(2);
    const children = workersOf(tier);
    expect(children).toHaveLength(2);
    tier.process.kill('SIGKILL');
    await tier.ended;
    await expect.poll(() => children.filter((pid) => existsSync(`/proc/${pid}`)), { timeout: 15_000 }).toEqual([]);
  });

  test('workers that cannot start end the program, with the reason', async () => {
    await expect(
      startTestTier((configuration) => ({ ...configuration, workers: 2, keysFile: '/nowhere/keys.json' })),
    ).rejects.toThrow(/nowhere/);
  });
});
