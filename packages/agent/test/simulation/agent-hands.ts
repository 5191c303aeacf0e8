import type { PatroniKeys } from '@holdfast/components';
import type { Action } from '../../src/decide.js';
import type { AgentOptions } from './agent-options.js';
import type { Answer, SimulatedEtcd } from './etcd.js';
import type { SimulatedPatroni } from './patroni.js';
import type { SimulatedPostgres } from './postgres.js';
import type { SimulatedProcess, Step, Work } from './process.js';
import type { VirtualTime } from './virtual-time.js';

const answerTimeout = 1000;
/** src/actions.ts and src/receive-wal.ts */
const catchUp = { most: 500, every: 10 };

/** Carries out what was decided (src/actions.ts). An agent that dies on the way has done what it had done by then. */
export class AgentHands {
  readonly #name: string;
  readonly #process: SimulatedProcess;
  readonly #time: VirtualTime;
  readonly #etcd: SimulatedEtcd;
  readonly #postgres: SimulatedPostgres;
  readonly #patroni: SimulatedPatroni;
  readonly #options: AgentOptions;

  constructor(
    process: SimulatedProcess,
    parts: { time: VirtualTime; etcd: SimulatedEtcd; postgres: SimulatedPostgres; patroni: SimulatedPatroni },
    options: AgentOptions,
  ) {
    this.#name = parts.postgres.name;
    this.#process = process;
    this.#time = parts.time;
    this.#etcd = parts.etcd;
    this.#postgres = parts.postgres;
    this.#patroni = parts.patroni;
    this.#options = options;
  }

  *perform(action: Action, keys: PatroniKeys | undefined): Work<void> {
    yield this.#process.sleep(this.#time.between(0.5, 4));
    switch (action.kind) {
      case 'seal':
      case 'release':
        yield* this.#take(action, keys);
        return;
      case 'catch-up':
        yield* this.#catchUp(action.from, action.position);
        return;
      case 'end-wal-sender':
        if (this.#postgres.process.answers) this.#postgres.terminateSender(action.pid);
        return;
      case 'wake-patroni':
        this.#patroni.process.receive(() => this.#patroni.wake());
        return;
      case 'fence':
        this.#postgres.end(false);
        return;
      case 'move-etcd-leader':
        return;
    }
  }

  *revoke(lease: string): Work<void> {
    if (this.#options.mutation.noRevoke) return;
    yield this.#process.sleep(this.#time.between(0.1, 1));
    yield this.#etcd.ask(this.#name, answerTimeout, () => this.#etcd.revoke(lease)) as Step;
  }

  /** An agent that dies in the middle leaves PostgreSQL to Patroni, which puts it right. */
  *#catchUp(from: string, position: number): Work<void> {
    const { process } = this.#postgres;
    const { incarnation } = process;
    const change = (source: string | undefined) => {
      if (process.answers && process.incarnation === incarnation) this.#postgres.receiveFrom(source);
    };
    yield this.#process.sleep(this.#time.between(3, 30));
    change(from);
    for (let waited = 0; waited < catchUp.most; waited += catchUp.every) {
      if (this.#postgres.wal.length >= position) break;
      yield this.#process.sleep(catchUp.every);
    }
    yield this.#process.sleep(this.#time.between(3, 30));
    change(undefined);
  }

  *#take(action: Extract<Action, { kind: 'seal' | 'release' }>, keys: PatroniKeys | undefined): Work<void> {
    const change = this.#options.mutation.handover;
    const handover =
      keys === undefined || change === undefined || action.kind === 'release'
        ? action.handover
        : change(action.handover, keys);
    if (handover === undefined) return;
    const step = this.#etcd.ask(this.#name, answerTimeout, () => this.#etcd.transact(handover.transaction));
    const answer = (yield step as Step) as Answer<number | undefined>;
    if (answer?.value === undefined) return;
    this.#options.routeAway(this.#name, action.from);
    yield* this.revoke(handover.lease);
  }
}
