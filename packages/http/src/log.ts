/** Writes lines to a stream, those of one turn of the event loop together: a write for each costs more than the rest of a small request. */
export class LineLog {
  readonly #write: (text: string) => void;
  #waiting: string[] = [];

  constructor(write: (text: string) => void = (text) => void process.stderr.write(text)) {
    this.#write = write;
  }

  /** One JSON document a line. Nothing secret in it: no header, no query, no body. */
  event(event: string, details: Readonly<Record<string, unknown>> = {}): void {
    this.#waiting.push(`${JSON.stringify({ time: new Date().toISOString(), event, ...details })}\n`);
    if (this.#waiting.length === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    const text = this.#waiting.join('');
    this.#waiting = [];
    if (text !== '') this.#write(text);
  }
}
