import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentMember } from '@holdfast/components';
import { timeLimit } from '@holdfast/spec';
import { isProof, makeNonce, makeProof } from './handshake.js';
import { readLines } from './lines.js';
import { readReport } from './report.js';
import type { RunningClock } from './running-clock.js';
import type { AgentReport, MemberSight } from './view.js';

/** A report is late after this much running time; then Patroni and PostgreSQL are asked as well. */
const reportIsLate = 150;
/** How long a refusal, and the greeting of another agent, may be on its way. */
const probeMilliseconds = 250;
/** How long the answer of a Patroni or a PostgreSQL may be on its way; the next ones are asked for meanwhile. */
const answerMilliseconds = 400;
const probeEvery = 100;
/** Between two attempts: at first every millisecond counts, later it is only a matter of noticing that the member is back. */
const pauses = { fresh: 15, later: 100 };
const freshMilliseconds = 600;
/** Without a report for so long the connection is made anew: TCP may wait for seconds before it tries again. */
const streamIsDead = 1000;

type Outcome = 'answered' | 'refused' | 'nothing';

interface Port {
  /** Of the probe whose outcome was noted last; what an older one says after that counts no more. */
  probe: number;
  /** When it began to refuse, in running time, if it does. */
  refusingSince: number | undefined;
  /** When it was last seen to refuse. */
  refusedAt: number;
}

/** What one agent hears of one other member. */
export class MemberWatch {
  readonly #me: string;
  readonly #member: AgentMember;
  readonly #secret: string;
  readonly #clock: RunningClock;
  readonly #onReport: (report: AgentReport) => void;
  readonly #onRefusal: (attemptedAt: number) => void;
  readonly #ports: Record<'agent' | 'patroni' | 'postgres', Port> = {
    agent: { probe: 0, refusingSince: undefined, refusedAt: 0 },
    patroni: { probe: 0, refusingSince: undefined, refusedAt: 0 },
    postgres: { probe: 0, refusingSince: undefined, refusedAt: 0 },
  };
  #heardAt: number | undefined;
  #report: { readonly said: AgentReport; readonly at: number } | undefined;
  #connected = false;
  #probes = 0;

  constructor(options: {
    readonly me: string;
    readonly member: AgentMember;
    readonly secret: string;
    readonly clock: RunningClock;
    readonly onReport: (report: AgentReport) => void;
    /** Its agent refused a connection attempted at that real time. */
    readonly onRefusal: (attemptedAt: number) => void;
  }) {
    this.#me = options.me;
    this.#member = options.member;
    this.#secret = options.secret;
    this.#clock = options.clock;
    this.#onReport = options.onReport;
    this.#onRefusal = options.onRefusal;
  }

  get sight(): MemberSight {
    const now = this.#clock.running();
    const { agent, patroni, postgres } = this.#ports;
    const refusing = (port: Port) =>
      port.refusingSince === undefined || now - port.refusedAt > probeMilliseconds
        ? undefined
        : now - port.refusingSince;
    const all = [agent, patroni, postgres].map(refusing);
    return {
      silent: this.#heardAt === undefined ? undefined : now - this.#heardAt,
      refusing: all.some((each) => each === undefined) ? undefined : Math.min(...all.map((each) => each ?? 0)),
      agentRefusing: refusing(agent),
      report: this.#report === undefined ? undefined : { said: this.#report.said, age: now - this.#report.at },
    };
  }

  /** The last sequence heard; undefined: none. */
  get heardSequence(): number | undefined {
    return this.#report?.said.sequence;
  }

  /** Resolves when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#listen(signal), this.#probe(signal)]);
  }

  async #listen(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const attemptedAt = this.#clock.real();
      const outcome = await this.#connectOnce(signal);
      if (outcome === 'refused') this.#onRefusal(attemptedAt);
      this.#connected = false;
      this.#note('agent', outcome);
      await sleep(this.#pause(), undefined, { signal }).catch(() => undefined);
    }
  }

  /** One connection to the other agent, until it ends. */
  #connectOnce(signal: AbortSignal): Promise<Outcome> {
    return new Promise((resolve) => {
      const nonce = makeNonce();
      const socket = connect({ host: this.#member.host, port: this.#member.agentPort, noDelay: true, signal });
      let outcome: Outcome = 'nothing';
      let known = false;
      let quietSince = performance.now();
      const guard = setInterval(() => {
        const patience = known ? streamIsDead : probeMilliseconds;
        if (performance.now() - quietSince > patience) socket.destroy();
      }, 50);
      socket.on('connect', () => socket.write(`peer ${this.#me} ${nonce}\n`));
      readLines(socket, '', (line) => {
        quietSince = performance.now();
        if (!known) {
          known = this.#greet(socket, nonce, line);
          if (!known) socket.destroy();
        } else {
          outcome = 'answered';
          this.#take(line);
        }
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') outcome = 'refused';
      });
      socket.on('close', () => {
        clearInterval(guard);
        resolve(outcome === 'answered' ? 'nothing' : outcome);
      });
    });
  }

  #greet(socket: Socket, nonce: string, line: string): boolean {
    const [theirs = '', proof = ''] = line.split(' ');
    if (!isProof(proof, this.#secret, 'answerer', this.#member.name, nonce)) return false;
    socket.write(`${makeProof(this.#secret, 'caller', this.#me, theirs)}\n`);
    return true;
  }

  #take(line: string): void {
    const report = readReport(line);
    if (report === undefined || report.member !== this.#member.name) return;
    this.#connected = true;
    this.#report = { said: report, at: this.#clock.running() };
    this.#note('agent', 'answered');
    this.#onReport(report);
  }

  /** A slow network must not look like silence: what is asked next does not wait for what is still on its way. */
  async #probe(signal: AbortSignal): Promise<void> {
    const pending = new Set<Promise<void>>();
    while (!signal.aborted) {
      const age = this.#report === undefined ? undefined : this.#clock.running() - this.#report.at;
      if (!this.#connected || age === undefined || age > reportIsLate) {
        const probe = this.#probeOnce(signal).finally(() => pending.delete(probe));
        pending.add(probe);
        const enough = new AbortController();
        await Promise.race([probe, sleep(probeEvery, undefined, { signal: enough.signal }).catch(() => undefined)]);
        enough.abort();
      }
      await sleep(this.#pause(), undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(pending);
  }

  async #probeOnce(signal: AbortSignal): Promise<void> {
    const probe = ++this.#probes;
    const { patroniUrl, host, postgresPort } = this.#member;
    await Promise.all([
      askPatroni(patroniUrl, signal).then((outcome) => this.#noteProbe('patroni', probe, outcome)),
      askPostgres(host, postgresPort, signal).then((outcome) => this.#noteProbe('postgres', probe, outcome)),
    ]);
  }

  #noteProbe(name: 'patroni' | 'postgres', probe: number, outcome: Outcome): void {
    const port = this.#ports[name];
    if (probe < port.probe) return;
    port.probe = probe;
    this.#note(name, outcome);
  }

  #pause(): number {
    const silent = this.#heardAt === undefined ? Number.POSITIVE_INFINITY : this.#clock.running() - this.#heardAt;
    return silent < freshMilliseconds ? pauses.fresh : pauses.later;
  }

  #note(name: 'agent' | 'patroni' | 'postgres', outcome: Outcome): void {
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

/** Whether a Patroni answers anything at all: only then its process runs. */
export function askPatroni(url: string, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const limit = timeLimit(signal, answerMilliseconds);
    const sent = request(`${url}/liveness`, { agent: false, signal: limit }, (response) => {
      response.on('error', () => {});
      response.destroy();
      resolve('answered');
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'nothing'));
    sent.end();
  });
}

/** SSLRequest (PostgreSQL manual, 55.7): a running postmaster answers it with one byte, before any authentication. */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** Whether a PostgreSQL answers: connecting alone shows nothing, the kernel accepts for a frozen process too. */
export function askPostgres(host: string, port: number, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const limit = timeLimit(signal, answerMilliseconds);
    const socket = connect({ host, port, noDelay: true, signal: limit });
    let outcome: Outcome = 'nothing';
    socket.on('connect', () => socket.write(sslRequest));
    socket.on('data', () => {
      outcome = 'answered';
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') outcome = 'refused';
    });
    socket.on('close', () => resolve(outcome));
  });
}
