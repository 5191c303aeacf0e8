import type { PoolerConsole, PoolerPool, PoolerState } from './console.js';

/**
 * The console of a pooler that may go away: one that is not there any more holds nobody, and what comes in its place starts unpaused. `isThere` is asked
 * when the console fails; where that cannot be told, it is there.
 */
export function unlessGone(console: PoolerConsole, isThere: () => Promise<boolean>): PoolerConsole {
  async function ask<Answer>(question: Promise<Answer>, gone: Answer, signal?: AbortSignal): Promise<Answer> {
    try {
      return await question;
    } catch (error) {
      if (signal?.aborted === true || (await isThere().catch(() => true))) throw error;
      return gone;
    }
  }
  return {
    pause: async (signal) => await ask(console.pause(signal), true, signal),
    // Asked even when the time for an answer is up: nothing else tells that nobody waits there.
    resume: async (signal) => await ask(console.resume(signal), false),
    state: async (signal) => await ask<PoolerState>(console.state(signal), 'active', signal),
    pools: async (signal) => await ask<readonly PoolerPool[]>(console.pools(signal), [], signal),
  };
}
