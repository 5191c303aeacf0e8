import { type Cancellation, LightCancellation } from '@holdfast/postgres';

/** One request that runs. */
export interface ActiveRequest {
  /** Aborted when the client hangs up, when the request takes too long, or when the service ends. */
  readonly signal: Cancellation;
  /** The client is gone. Nothing happens once the request is over. */
  abandon(): void;
  /** The request is over. */
  close(): void;
}

/** How often it is looked for requests that take too long, at most. */
const lookMilliseconds = 1000;

/**
 * The requests that run, the oldest first, under one timer for all of them: a timer and an AbortController for each cost more than the SQL of a
 * small one takes to make.
 */
export class ActiveRequests {
  readonly #milliseconds: number;
  readonly #running = new Set<Running>();
  readonly #ending: AbortSignal;
  #looking: NodeJS.Timeout | undefined;

  /**
   * @param milliseconds For one request. It is ended up to a tenth later, but no more than a second.
   * @param ending Aborted, the service ends.
   */
  constructor(milliseconds: number, ending: AbortSignal) {
    this.#milliseconds = milliseconds;
    this.#ending = ending;
    ending.addEventListener('abort', () => {
      for (const { signal } of this.#running) signal.abort(ending.reason);
    });
  }

  open(): ActiveRequest {
    const running = new Running(this.#running);
    this.#running.add(running);
    if (this.#ending.aborted) running.signal.abort(this.#ending.reason);
    this.#looking ??= setInterval(
      () => this.#look(),
      Math.min(lookMilliseconds, Math.ceil(this.#milliseconds / 10)),
    ).unref();
    return running;
  }

  #look(): void {
    if (this.#running.size === 0) {
      clearInterval(this.#looking);
      this.#looking = undefined;
    }
    const before = performance.now() - this.#milliseconds;
    for (const { since, signal } of this.#running) {
      if (since > before) return;
      signal.abort(new DOMException(`The request took longer than ${this.#milliseconds} ms.`, 'TimeoutError'));
    }
  }
}

class Running implements ActiveRequest {
  readonly signal = new LightCancellation();
  readonly since = performance.now();
  readonly #all: Set<Running>;

  constructor(all: Set<Running>) {
    this.#all = all;
  }

  abandon(): void {
    if (this.#all.has(this)) this.signal.abort(new DOMException('The client hung up.', 'AbortError'));
  }

  close(): void {
    this.#all.delete(this);
  }
}
