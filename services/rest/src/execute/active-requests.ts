/** What a request waits with: aborted when the client hangs up, when it takes too long, or when the service ends. */
export interface RequestSignal {
  readonly signal: AbortSignal;
  /** The client is gone. Nothing happens once the request is over. */
  abandon(): void;
  /** The request is over. */
  close(): void;
}

/**
 * Signals of the requests that run. Each is one controller and one timer that is cleared with it: signals made of signals would pile up on the one
 * that lives as long as the service.
 */
export class ActiveRequests {
  readonly #controllers = new Set<AbortController>();
  readonly #ending: AbortSignal;

  constructor(ending: AbortSignal) {
    this.#ending = ending;
    ending.addEventListener('abort', () => {
      for (const controller of this.#controllers) controller.abort(ending.reason);
    });
  }

  open(milliseconds: number): RequestSignal {
    const controller = new AbortController();
    this.#controllers.add(controller);
    if (this.#ending.aborted) controller.abort(this.#ending.reason);
    const timer = setTimeout(() => {
      controller.abort(new DOMException(`The request took longer than ${milliseconds} ms.`, 'TimeoutError'));
    }, milliseconds);
    return {
      signal: controller.signal,
      abandon: () => {
        if (this.#controllers.has(controller)) controller.abort(new DOMException('The client hung up.', 'AbortError'));
      },
      close: () => {
        clearTimeout(timer);
        this.#controllers.delete(controller);
      },
    };
  }
}
