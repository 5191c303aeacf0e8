import type { StatementResult } from '../database.js';

interface Prepared {
  readonly text: string;
  /** undefined: nobody has asked the server yet. They stay: it refuses to run a statement whose columns have become others. */
  columns: StatementResult['columns'] | undefined;
}

/** The names that one connection has prepared, the least recently used first. Bounded: a server keeps each until it is closed. */
export class PreparedStatements {
  readonly #known = new Map<string, Prepared>();
  readonly #atMost: number;

  constructor(atMost = 500) {
    this.#atMost = atMost;
  }

  textOf(name: string): string | undefined {
    return this.#known.get(name)?.text;
  }

  columnsOf(name: string): StatementResult['columns'] | undefined {
    return this.#known.get(name)?.columns;
  }

  /** What the server said of a statement that is there. */
  describe(name: string, columns: StatementResult['columns']): void {
    const known = this.#known.get(name);
    if (known !== undefined) known.columns = columns;
  }

  /** Counts as a use. */
  has(name: string): boolean {
    const known = this.#known.get(name);
    if (known === undefined) return false;
    this.#known.delete(name);
    this.#known.set(name, known);
    return true;
  }

  /** The empty name is the unnamed statement, which is never kept. */
  add(name: string, text: string): void {
    if (name !== '') this.#known.set(name, { text, columns: undefined });
  }

  delete(name: string): void {
    this.#known.delete(name);
  }

  clear(): void {
    this.#known.clear();
  }

  /** The names to close before `name` is prepared; they count as closed from now on. */
  makeRoom(name: string): readonly string[] {
    if (name === '' || this.#known.size < this.#atMost) return [];
    const [oldest] = this.#known.keys();
    if (oldest === undefined) return [];
    this.#known.delete(oldest);
    return [oldest];
  }
}
