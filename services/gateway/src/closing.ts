/** What is to be closed, the last opened first. (AsyncDisposableStack needs a later Node.js.) */
export class Closing implements AsyncDisposable {
  readonly #opened: (AsyncDisposable | Disposable)[] = [];

  add<T extends AsyncDisposable | Disposable>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of this.#opened.splice(0).reverse()) {
      if (Symbol.asyncDispose in opened) await opened[Symbol.asyncDispose]();
      else opened[Symbol.dispose]();
    }
  }
}
