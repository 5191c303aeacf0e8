import type { Row } from './rows.js';

/** Guesses how long the rest takes: what a row's rounds took so far, else what they usually take. Pure but for what it was told. */
export class TimeLeft {
  readonly #planned: readonly { readonly row: Row; readonly rounds: number }[];
  readonly #done = new Map<Row, { rounds: number; seconds: number }>();

  constructor(planned: readonly { readonly row: Row; readonly rounds: number }[]) {
    this.#planned = planned;
  }

  add(row: Row, seconds: number): void {
    const done = this.#done.get(row) ?? { rounds: 0, seconds: 0 };
    this.#done.set(row, { rounds: done.rounds + 1, seconds: done.seconds + seconds });
  }

  /** Whatever of the row was not done is not going to be. */
  close(row: Row): void {
    const done = this.#done.get(row) ?? { rounds: 0, seconds: 0 };
    this.#done.set(row, { ...done, rounds: Number.POSITIVE_INFINITY });
  }

  seconds(): number {
    return this.#planned.reduce((sum, { row, rounds }) => {
      const done = this.#done.get(row);
      const average = done === undefined ? row.secondsARound : done.seconds / done.rounds;
      return sum + Math.max(0, rounds - (done?.rounds ?? 0)) * average;
    }, 0);
  }

  text(): string {
    const minutes = Math.ceil(this.seconds() / 60);
    return minutes > 1 ? `about ${minutes} min left` : 'about a minute left';
  }
}
