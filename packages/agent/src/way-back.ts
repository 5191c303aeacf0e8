/** How long the better one must have answered, without a break. */
const steadyMilliseconds = 1000;
/** Between two attempts; twice as long after each one that came to nothing. */
const pauseMilliseconds = { shortest: 2000, longest: 60_000 };
/** An attempt after which it was followed for so long came to something. */
const soundMilliseconds = 10_000;

export interface Heard {
  /** The better one gave this answer. */
  readonly answered: boolean;
  /** It is the one that is followed. */
  readonly followed: boolean;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: number;
}

/**
 * When to go back to following a better one that answers again. That it answers does not mean that it can be followed, nor that it answers in time; each attempt
 * gives up one that is followed well.
 */
export class WayBack {
  #answersSince: number | undefined;
  #followedSince: number | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;
  #pause = pauseMilliseconds.shortest;

  /** Told of each answer; true: go back now. */
  heard({ answered, followed, now }: Heard): boolean {
    if (followed) {
      this.#answersSince = undefined;
      this.#followedSince ??= now;
      if (now - this.#followedSince >= soundMilliseconds) this.#pause = pauseMilliseconds.shortest;
      return false;
    }
    this.#followedSince = undefined;
    this.#answersSince = answered ? (this.#answersSince ?? now) : undefined;
    if (this.#answersSince === undefined || now - this.#answersSince < steadyMilliseconds) return false;
    if (now < this.#notBefore) return false;
    this.#answersSince = undefined;
    this.#notBefore = now + this.#pause;
    this.#pause = Math.min(2 * this.#pause, pauseMilliseconds.longest);
    return true;
  }
}
