/** Virtual time in milliseconds, and chance from a seed: the same seed gives the same world, event by event. */
export class VirtualTime {
  #now = 0;
  #count = 0;
  readonly #heap: { at: number; order: number; run: () => void }[] = [];
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  get now(): number {
    return this.#now;
  }

  at(time: number, run: () => void): void {
    const heap = this.#heap;
    let index = heap.length;
    const entry = { at: Math.max(time, this.#now), order: this.#count++, run };
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !before(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  after(milliseconds: number, run: () => void): void {
    this.at(this.#now + milliseconds, run);
  }

  /** Runs what is due up to and including `end`. */
  runUntil(end: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#removeFirst();
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }

  /** From 0 up to 1, mulberry32. */
  chance(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  between(least: number, most: number): number {
    return least + this.chance() * (most - least);
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      let child = left;
      const [one, other] = [heap[left], heap[left + 1]];
      if (one === undefined) break;
      if (other !== undefined && before(other, one)) child = left + 1;
      const smaller = heap[child];
      if (smaller === undefined || !before(smaller, last)) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = last;
  }
}

function before(one: { at: number; order: number }, other: { at: number; order: number }): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
