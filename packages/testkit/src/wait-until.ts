import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until the answer is not undefined or false; throws with `what` when the time is over. */
export async function waitUntil<Value>(
  what: string | (() => string),
  ask: () => Promise<Value | undefined | false>,
  options: { readonly timeoutMilliseconds: number; readonly intervalMilliseconds?: number },
): Promise<Value> {
  const end = performance.now() + options.timeoutMilliseconds;
  for (;;) {
    const value = await ask();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end)
      throw new Error(`${typeof what === 'string' ? what : what()}: not within ${options.timeoutMilliseconds} ms`);
    await sleep(options.intervalMilliseconds ?? 200);
  }
}
