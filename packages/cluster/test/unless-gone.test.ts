import { describe, expect, it } from 'vitest';
import type { PoolerConsole } from '../src/pooler/console.js';
import { unlessGone } from '../src/pooler/unless-gone.js';

const { signal } = new AbortController();
const refused = new Error('connection refused');
const fail = async (): Promise<never> => {
  throw refused;
};
const silent: PoolerConsole = { pause: fail, resume: fail, state: fail, pools: fail };

describe('the console of a pooler that may go away', () => {
  it('is asked nothing more than itself while it answers', async () => {
    const answers: PoolerConsole = {
      pause: async () => false,
      resume: async () => true,
      state: async () => 'paused',
      pools: async () => [],
    };
    const console = unlessGone(answers, fail);
    expect(await console.pause(signal)).toBe(false);
    expect(await console.resume(signal)).toBe(true);
    expect(await console.state(signal)).toBe('paused');
  });

  it('holds nobody once its pooler is gone', async () => {
    const console = unlessGone(silent, async () => false);
    expect(await console.pause(signal)).toBe(true);
    expect(await console.resume(signal)).toBe(false);
    expect(await console.state(signal)).toBe('active');
    expect(await console.pools(signal)).toEqual([]);
  });

  it.each([
    ['is there', async () => true],
    ['may be there', fail],
  ])('fails as before when its pooler %s', async (_, isThere) => {
    const console = unlessGone(silent, isThere);
    await expect(console.pause(signal)).rejects.toBe(refused);
    await expect(console.resume(signal)).rejects.toBe(refused);
  });

  it('is not asked about by somebody who gave up, but for a resume', async () => {
    const console = unlessGone(silent, async () => false);
    await expect(console.pause(AbortSignal.abort())).rejects.toBe(refused);
    expect(await console.resume(AbortSignal.abort())).toBe(false);
  });
});
