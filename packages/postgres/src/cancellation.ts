/** What a call needs of an AbortSignal, which is one. */
export interface Cancellation {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * A Cancellation for one call out of very many: Node's AbortController takes longer to make than the rest of what a small call has to wait with
 * (docs/adr/0022). It aborts at most once; listeners are told once, in their order.
 */
export class LightCancellation implements Cancellation {
  #aborted = false;
  #reason: unknown;
  #listeners: (() => void)[] = [];

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    const told = this.#listeners;
    this.#listeners = [];
    for (const listener of told) listener();
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  /** As with an AbortSignal, nobody is told who comes after it has aborted. */
  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.#aborted) this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener);
    if (at >= 0) this.#listeners.splice(at, 1);
  }
}

/** For what takes nothing else. */
export function asAbortSignal(cancellation: Cancellation): AbortSignal {
  if (cancellation instanceof AbortSignal) return cancellation;
  if (cancellation.aborted) return AbortSignal.abort(cancellation.reason);
  const controller = new AbortController();
  cancellation.addEventListener('abort', () => controller.abort(cancellation.reason), { once: true });
  return controller.signal;
}
