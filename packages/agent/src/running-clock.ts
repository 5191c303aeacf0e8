/**
 * Two clocks. `running` counts the time in which this process ran: each tick adds what has passed since the last one, but no more than
 * `cap`, so that a pause of the process, or a busy machine that gives it no processor, hardly counts. `real` is how
 * far time went on outside: the larger of what the monotonic clock and the clock on the wall say, since the monotonic one stands still while a
 * machine is suspended (clock_gettime(2), CLOCK_MONOTONIC).
 */
export class RunningClock {
  readonly #cap: number;
  #running = 0;
  #lastTick = performance.now();
  #longestPause = 0;
  #wallAhead = 0;
  #wallOffset = Date.now() - performance.now();

  constructor(capMilliseconds: number) {
    this.#cap = capMilliseconds;
  }

  tick(): void {
    const now = performance.now();
    const passed = now - this.#lastTick;
    this.#lastTick = now;
    this.#running += Math.min(passed, this.#cap);
    this.#longestPause = Math.max(this.#longestPause, passed);
    const offset = Date.now() - now;
    // A step backwards of the clock on the wall makes nothing older.
    this.#wallAhead += Math.max(0, offset - this.#wallOffset);
    this.#wallOffset = offset;
  }

  /** Milliseconds. */
  running(): number {
    return this.#running;
  }

  /** Milliseconds. */
  real(): number {
    const step = Math.max(0, Date.now() - performance.now() - this.#wallOffset);
    return performance.now() + this.#wallAhead + step;
  }

  /** The longest time between two ticks since this was asked last. */
  takeLongestPause(): number {
    const longest = this.#longestPause;
    this.#longestPause = 0;
    return longest;
  }
}
