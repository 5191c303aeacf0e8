import type { Backend } from './backend.js';

/** What is under way on the one that was replaced may take so long. */
const retireMilliseconds = 120_000;

/** A backend that can be replaced by another one without a request noticing. */
export class ReplaceableBackend implements Backend {
  #current: Backend;
  readonly #retired = new Map<Backend, NodeJS.Timeout>();

  constructor(first: Backend) {
    this.#current = first;
  }

  handle(...[request, response]: Parameters<Backend['handle']>): void {
    this.#current.handle(request, response);
  }

  async health(signal: AbortSignal): ReturnType<Backend['health']> {
    return await this.#current.health(signal);
  }

  replace(next: Backend): void {
    const old = this.#current;
    this.#current = next;
    const timer = setTimeout(() => {
      this.#retired.delete(old);
      void old[Symbol.asyncDispose]();
    }, retireMilliseconds).unref();
    this.#retired.set(old, timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [old, timer] of this.#retired) {
      clearTimeout(timer);
      await old[Symbol.asyncDispose]();
    }
    await this.#current[Symbol.asyncDispose]();
  }
}
