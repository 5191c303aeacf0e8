import { BoundedCache } from '../request/bounded-cache.js';

/** A statement that comes once is not worth preparing. */
const usesBeforeName = 3;

/**
 * Names for prepared statements. A name is never given up, since connections keep what they prepared; there are at most `size` of them, so that no
 * client can fill the server with statements. What comes after that goes unnamed.
 */
export class StatementNames {
  readonly #names = new Map<string, string>();
  readonly #uses: BoundedCache<number>;

  /** @param size 0: statements stay unnamed. */
  constructor(readonly size: number) {
    this.#uses = new BoundedCache(size);
  }

  of(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= this.size) return known;
    const uses = (this.#uses.get(text) ?? 0) + 1;
    this.#uses.set(text, uses);
    if (uses < usesBeforeName) return undefined;
    const name = `hf_rest_${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }
}
