import { BoundedCache } from '../request/bounded-cache.js';

/** A statement that comes once is not worth preparing. */
const usesBeforeName = 3;

/**
 * Names for prepared statements. The `size` that were used last have one, so that no client can fill the server with statements, nor keep others' from
 * being prepared. One that comes back gets a new name: connections may still have its old one, which they close as the least recently used.
 */
export class StatementNames {
  readonly #names: BoundedCache<string>;
  readonly #uses: BoundedCache<number>;
  #given = 0;

  /** @param size 0: statements stay unnamed. */
  constructor(readonly size: number) {
    this.#names = new BoundedCache(size);
    this.#uses = new BoundedCache(size);
  }

  of(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.size === 0) return known;
    const uses = (this.#uses.get(text) ?? 0) + 1;
    this.#uses.set(text, uses);
    if (uses < usesBeforeName) return undefined;
    // One that lost its name must show again that it is worth one.
    this.#uses.set(text, 0);
    const name = `hf_rest_${this.#given}`;
    this.#given += 1;
    this.#names.set(text, name);
    return name;
  }
}
