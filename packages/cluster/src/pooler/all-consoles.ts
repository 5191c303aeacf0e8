import type { PoolerConsole } from './console.js';

/** Several poolers before one cluster as one: it is paused when any of them is. */
export function allConsoles(consoles: readonly PoolerConsole[]): PoolerConsole {
  const [only] = consoles;
  if (only !== undefined && consoles.length === 1) return only;
  return {
    /** Where one of them refuses, none stays paused for our sake; ended by the signal all PAUSEs stay in force, as with one. */
    async pause(signal) {
      const answers = await Promise.allSettled(consoles.map(async (each) => await each.pause(signal)));
      const failed = answers.find((answer) => answer.status === 'rejected');
      if (failed === undefined) return answers.every((answer) => answer.status === 'fulfilled' && answer.value);
      if (!signal.aborted) {
        const paused = consoles.filter((_, index) => answers[index]?.status === 'fulfilled');
        await Promise.all(paused.map(async (each) => await each.resume(signal)));
      }
      throw failed.reason;
    },
    async resume(signal) {
      return (await everyOne(consoles, async (each) => await each.resume(signal))).includes(true);
    },
    async state(signal) {
      const states = await everyOne(consoles, async (each) => await each.state(signal));
      return states.includes('paused') ? 'paused' : 'active';
    },
    async pools(signal) {
      return (await everyOne(consoles, async (each) => await each.pools(signal))).flat();
    },
  };
}

/** Every one is asked, whatever becomes of the others; the first error counts. */
async function everyOne<Answer>(
  consoles: readonly PoolerConsole[],
  ask: (each: PoolerConsole) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers = await Promise.allSettled(consoles.map(ask));
  return answers.map((answer) => {
    if (answer.status === 'rejected') throw answer.reason;
    return answer.value;
  });
}
