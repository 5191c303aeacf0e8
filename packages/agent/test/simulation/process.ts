import type { VirtualTime } from './virtual-time.js';

/** Something that a coroutine waits for: calls `resume` once, at any later time. */
export type Step<Value = unknown> = (resume: (value: Value) => void) => void;
/** Work of a process that sleeps and asks others: what it yields are steps, what they resume with is what it goes on with. */
export type Work<Result> = Generator<Step, Result, unknown>;

/**
 * One operating system process. Killed: whatever it had planned is gone. Frozen (SIGSTOP, a stopped machine): what comes due or
 * arrives waits, in order, and happens when it is thawed; it goes on in the middle of whatever it was doing.
 */
export class SimulatedProcess {
  readonly #time: VirtualTime;
  #incarnation = 0;
  #running = false;
  #frozen = false;
  #waiting: (() => void)[] = [];
  /** What runs first after a thaw: timers that are overdue come before input that has arrived (libuv's order). */
  onThaw: (() => void) | undefined;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  get running(): boolean {
    return this.#running;
  }

  get frozen(): boolean {
    return this.#running && this.#frozen;
  }

  /** Runs, and not frozen. */
  get answers(): boolean {
    return this.#running && !this.#frozen;
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  start(): void {
    this.#incarnation += 1;
    this.#running = true;
    this.#frozen = false;
    this.#waiting = [];
  }

  kill(): void {
    this.#incarnation += 1;
    this.#running = false;
    this.#frozen = false;
    this.#waiting = [];
  }

  freeze(): void {
    if (this.#running) this.#frozen = true;
  }

  thaw(): void {
    if (!this.frozen) return;
    this.#frozen = false;
    this.onThaw?.();
    const waiting = this.#waiting;
    this.#waiting = [];
    const incarnation = this.#incarnation;
    for (const [index, run] of waiting.entries()) {
      if (this.#incarnation !== incarnation) return;
      if (this.#frozen) {
        this.#waiting.unshift(...waiting.slice(index));
        return;
      }
      run();
    }
  }

  /** Input for this incarnation: now, or once it is thawed. */
  receive(run: () => void): void {
    if (!this.#running) return;
    if (this.#frozen) this.#waiting.push(run);
    else run();
  }

  after(milliseconds: number, run: () => void): void {
    const incarnation = this.#incarnation;
    this.#time.after(milliseconds, () => {
      if (this.#incarnation === incarnation) this.receive(run);
    });
  }

  /** A timer that comes again; what fell into a freeze is not made up for. */
  every(milliseconds: number, run: () => void): void {
    const incarnation = this.#incarnation;
    const again = () => {
      if (this.#incarnation !== incarnation) return;
      if (!this.#frozen) run();
      this.#time.after(milliseconds, again);
    };
    this.#time.after(this.#time.between(0, milliseconds), again);
  }

  /** Runs a coroutine in this incarnation. */
  run<Result>(work: Work<Result>, done?: (result: Result) => void): void {
    const incarnation = this.#incarnation;
    const next = (value: unknown) => {
      const { done: ended, value: step } = work.next(value);
      if (ended) {
        done?.(step as Result);
        return;
      }
      let resumed = false;
      (step as Step)((answer) => {
        if (resumed || this.#incarnation !== incarnation) return;
        resumed = true;
        this.receive(() => next(answer));
      });
    };
    next(undefined);
  }

  sleep(milliseconds: number): Step {
    return (resume) => this.#time.after(milliseconds, () => resume(undefined));
  }
}
