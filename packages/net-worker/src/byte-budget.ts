/** So many bytes among all who read answers; who comes when there are too few waits for others to give some back. */
export class ByteBudget {
  #free: number;
  readonly #waiting: { readonly bytes: number; readonly go: () => void }[] = [];

  constructor(bytes: number) {
    this.#free = bytes;
  }

  /** Rejects with the signal's reason. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#waiting.length === 0 && bytes <= this.#free) {
      this.#free -= bytes;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason);
        this.#serve();
      };
      const go = () => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const entry = { bytes, go };
      this.#waiting.push(entry);
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  give(bytes: number): void {
    this.#free += bytes;
    this.#serve();
  }

  /** In the order in which they came. */
  #serve(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.go();
    }
  }
}
