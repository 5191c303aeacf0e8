const phases = ['jwt', 'parse', 'plan', 'transaction', 'response'] as const;

/** How long each phase of a request took, for the Server-Timing header. */
export class ServerTiming {
  #last = performance.now();
  readonly #durations = new Map<string, number>();

  /** The phase has ended now; the next begins. */
  ended(phase: (typeof phases)[number]): void {
    const now = performance.now();
    this.#durations.set(phase, (this.#durations.get(phase) ?? 0) + now - this.#last);
    this.#last = now;
  }

  /** Milliseconds. */
  get header(): string {
    return phases.map((phase) => `${phase};dur=${(this.#durations.get(phase) ?? 0).toFixed(1)}`).join(', ');
  }
}
