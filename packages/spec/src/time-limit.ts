/** A timer is only held by whoever listens to its signal, and a signal made by `any` does not count: collected, it would never go off. */
const running = new Set<AbortSignal>();

/**
 * A signal that aborts with `signal`, or with a TimeoutError after so long; for one call that must end. `AbortSignal.any` with an
 * `AbortSignal.timeout` that nothing else refers to waits for ever once the garbage collector has passed (Node.js 20; a test shows it).
 */
export function timeLimit(signal: AbortSignal, milliseconds: number): AbortSignal {
  const timeout = AbortSignal.timeout(milliseconds);
  running.add(timeout);
  timeout.addEventListener('abort', () => running.delete(timeout), { once: true });
  return AbortSignal.any([signal, timeout]);
}
