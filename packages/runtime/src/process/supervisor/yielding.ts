import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Yielding as YieldingPlan } from '@holdfast/components';
import { timeLimit } from '@holdfast/spec';
import { isReady } from '../probe.js';
import { awaitReady } from './await-ready.js';

/** What is asked may have just started itself, and not know yet: it has to say so twice. */
const betweenAnswers = 200;

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
    void untilTrueTwice(until, limit).then(() => {
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

async function untilTrueTwice(until: YieldingPlan['until'], signal: AbortSignal): Promise<void> {
  while (await awaitReady(() => until, signal)) {
    await sleep(betweenAnswers, undefined, { signal }).catch(() => undefined);
    if (await isReady(until, signal)) return;
  }
}
