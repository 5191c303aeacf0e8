import type { Row } from './rows.js';

interface Planned {
  readonly row: Row;
  readonly rounds: number;
}

/** Guesses how long the rest takes: what a row's rounds took so far, else what they usually take. Pure but for what it was told. */
export class TimeLeft {
  readonly #inTurn: readonly Planned[];
  readonly #atOnce: readonly Planned[];
  readonly #done = new Map<Row, { rounds: number; seconds: number }>();

  /** First the rows of `inTurn`, one after the other; then those of `atOnce`, all at the same time. */
  constructor(inTurn: readonly Planned[], atOnce: readonly Planned[]) {
    this.#inTurn = inTurn;
    this.#atOnce = atOnce;
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
    const inTurn = this.#inTurn.reduce((sum, planned) => sum + this.#secondsOf(planned), 0);
    return inTurn + Math.max(0, ...this.#atOnce.map((planned) => this.#secondsOf(planned)));
  }

  #secondsOf({ row, rounds }: Planned): number {
    const done = this.#done.get(row);
    const average = done === undefined ? row.secondsARound : done.seconds / done.rounds;
    return Math.max(0, rounds - (done?.rounds ?? 0)) * average;
  }

  text(): string {
    const minutes = Math.ceil(this.seconds() / 60);
    return minutes > 1 ? `about ${minutes} min left` : 'about a minute left';
  }
}
