import type { Cancellation } from '../cancellation.js';

/** Lets so many in at a time; the others wait in line. */
export class Turnstile {
  readonly #atMost: number;
  readonly #waitingAtMost: number;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(atMost: number, waitingAtMost: number) {
    this.#atMost = atMost;
    this.#waitingAtMost = waitingAtMost;
  }

  /** `deadline`: performance.now(). `refuse` makes the error of one that waited too long, or finds the line too long. Whoever came in calls `leave`. */
  async enter(deadline: number, signal: Cancellation, refuse: (reason: string) => Error): Promise<void> {
    signal.throwIfAborted();
    if (this.#inside < this.#atMost) {
      this.#inside += 1;
      return;
    }
    if (this.#waiting.size >= this.#waitingAtMost) throw refuse(`${this.#waiting.size} callers wait already`);
    const milliseconds = Math.max(0, deadline - performance.now());
    await new Promise<void>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        this.#waiting.delete(next);
      };
      const next = () => {
        end();
        resolve();
      };
      const abort = () => {
        end();
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        end();
        reject(refuse(`none was free within ${Math.round(milliseconds)} ms`));
      }, milliseconds);
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.add(next);
    });
  }

  /** The place goes to the next in line. */
  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#inside -= 1;
    else next();
  }
}
