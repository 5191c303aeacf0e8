/** The names that one connection has prepared, the least recently used first. Bounded: a server keeps each until it is closed. */
export class PreparedStatements {
  readonly #texts = new Map<string, string>();
  readonly #atMost: number;

  constructor(atMost = 500) {
    this.#atMost = atMost;
  }

  textOf(name: string): string | undefined {
    return this.#texts.get(name);
  }

  /** Counts as a use. */
  has(name: string): boolean {
    const text = this.#texts.get(name);
    if (text === undefined) return false;
    this.#texts.delete(name);
    this.#texts.set(name, text);
    return true;
  }

  /** The empty name is the unnamed statement, which is never kept. */
  add(name: string, text: string): void {
    if (name !== '') this.#texts.set(name, text);
  }

  delete(name: string): void {
    this.#texts.delete(name);
  }

  clear(): void {
    this.#texts.clear();
  }

  /** The names to close before `name` is prepared; they count as closed from now on. */
  makeRoom(name: string): readonly string[] {
    if (name === '' || this.#texts.size < this.#atMost) return [];
    const [oldest] = this.#texts.keys();
    if (oldest === undefined) return [];
    this.#texts.delete(oldest);
    return [oldest];
  }
}
