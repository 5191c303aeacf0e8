import { existsSync } from 'node:fs';
import type { Yielding as YieldingPlan } from '@holdfast/components';
import { timeLimit } from '@holdfast/spec';
import { awaitReady } from './await-ready.js';

/** The time in which a unit that could start leaves the processor to others. */
export class Yielding {
  readonly #abort = new AbortController();
  #isOver = false;

  /** `onOver` is called once, unless `end` comes first or it is over from the start. */
  constructor({ until, atMostMilliseconds, unlessExists }: YieldingPlan, onOver: () => void) {
    if (unlessExists !== undefined && existsSync(unlessExists)) {
      this.#isOver = true;
      return;
    }
    const limit = timeLimit(this.#abort.signal, atMostMilliseconds);
    void awaitReady(() => until, limit).then(() => {
      if (this.#abort.signal.aborted) return;
      this.#isOver = true;
      onOver();
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#abort.abort();
  }
}
