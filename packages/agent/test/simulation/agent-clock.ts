import { RunningClock } from '../../src/running-clock.js';
import type { VirtualTime } from './virtual-time.js';

/** A tick counts as running time up to here. */
const tickCap = 60;

/** The agent's two clocks on virtual time. */
export class SimulatedClock extends RunningClock {
  readonly #time: VirtualTime;
  #ran = 0;
  #last: number;

  constructor(time: VirtualTime) {
    super(tickCap);
    this.#time = time;
    this.#last = time.now;
  }

  override tick(): void {
    this.#ran += Math.min(this.#time.now - this.#last, tickCap);
    this.#last = this.#time.now;
  }

  override running(): number {
    return this.#ran;
  }

  override real(): number {
    return this.#time.now;
  }
}
