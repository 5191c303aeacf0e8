import type { RunningClock } from '../../src/running-clock.js';
import type { AgentReport, MemberSight } from '../../src/view.js';
import type { SimulatedProcess } from './process.js';

export type Probe = 'answered' | 'refused' | 'nothing';
type PortName = 'agent' | 'patroni' | 'postgres';

const reportIsLate = 150;
const probeTimeout = 250;
const probeEvery = 100;
const pause = 40;
/** Without a report for so long the connection is made anew. */
const streamIsDead = 1000;

/** What one agent hears of one other member: src/member-watch.ts, with probes that the world answers. */
export class MemberEars {
  readonly #process: SimulatedProcess;
  readonly #clock: RunningClock;
  readonly #ask: (port: PortName, back: (outcome: Probe) => void) => void;
  readonly #onRefusal: (attemptedAt: number) => void;
  readonly #now: () => number;
  readonly #ports: Record<PortName, { probe: number; refusingSince: number | undefined; refusedAt: number }> = {
    agent: { probe: 0, refusingSince: undefined, refusedAt: 0 },
    patroni: { probe: 0, refusingSince: undefined, refusedAt: 0 },
    postgres: { probe: 0, refusingSince: undefined, refusedAt: 0 },
  };
  #probes = 0;
  #heardAt: number | undefined;
  #report: { readonly said: AgentReport; readonly at: number; readonly realAt: number } | undefined;

  constructor(
    process: SimulatedProcess,
    clock: RunningClock,
    ask: (port: PortName, back: (outcome: Probe) => void) => void,
    onRefusal: (attemptedAt: number) => void,
    now: () => number,
  ) {
    this.#process = process;
    this.#clock = clock;
    this.#ask = ask;
    this.#onRefusal = onRefusal;
    this.#now = now;
  }

  get sight(): MemberSight {
    const now = this.#clock.running();
    const refusing = (port: { refusingSince: number | undefined; refusedAt: number }) =>
      port.refusingSince === undefined || now - port.refusedAt > probeTimeout ? undefined : now - port.refusingSince;
    const { agent, patroni, postgres } = this.#ports;
    const all = [agent, patroni, postgres].map(refusing);
    return {
      silent: this.#heardAt === undefined ? undefined : now - this.#heardAt,
      refusing: all.some((each) => each === undefined) ? undefined : Math.min(...all.map((each) => each ?? 0)),
      agentRefusing: refusing(agent),
      report: this.#report === undefined ? undefined : { said: this.#report.said, age: now - this.#report.at },
    };
  }

  get heardSequence(): number | undefined {
    return this.#report?.said.sequence;
  }

  start(): void {
    this.#listen();
    this.#probe();
  }

  take(report: AgentReport): void {
    this.#report = { said: report, at: this.#clock.running(), realAt: this.#now() };
    this.#note('agent', 'answered');
  }

  /** Connects anew where no stream of reports comes; who refuses runs no agent. */
  #listen(): void {
    const streams = this.#report !== undefined && this.#now() - this.#report.realAt < streamIsDead;
    const refuses = this.#ports.agent.refusingSince !== undefined;
    const late = this.#report !== undefined && this.#now() - this.#report.realAt > reportIsLate;
    if (streams && !refuses && !late) {
      this.#process.after(pause, () => this.#listen());
      return;
    }
    const attemptedAt = this.#now();
    let answered = false;
    this.#ask('agent', (outcome) => {
      if (answered) return;
      answered = true;
      if (outcome === 'refused') {
        this.#onRefusal(attemptedAt);
        this.#note('agent', 'refused');
      } else if (!streams) this.#note('agent', 'nothing');
      this.#process.after(pause, () => this.#listen());
    });
  }

  #probe(): void {
    const age = this.#report === undefined ? undefined : this.#clock.running() - this.#report.at;
    if (age !== undefined && age <= reportIsLate) {
      this.#process.after(pause, () => this.#probe());
      return;
    }
    const probe = ++this.#probes;
    let open = 2;
    let gone = false;
    const goOn = () => {
      if (!gone) this.#process.after(pause, () => this.#probe());
      gone = true;
    };
    this.#process.after(probeEvery, goOn);
    for (const name of ['patroni', 'postgres'] as const) {
      let answered = false;
      this.#ask(name, (outcome) => {
        if (answered) return;
        answered = true;
        open -= 1;
        if (open === 0) goOn();
        const port = this.#ports[name];
        if (probe < port.probe) return;
        port.probe = probe;
        this.#note(name, outcome);
      });
    }
  }

  #note(name: PortName, outcome: Probe): void {
    const port = this.#ports[name];
    const now = this.#clock.running();
    if (outcome === 'refused') {
      port.refusingSince ??= now;
      port.refusedAt = now;
      return;
    }
    port.refusingSince = undefined;
    if (outcome === 'answered') this.#heardAt = now;
  }
}
