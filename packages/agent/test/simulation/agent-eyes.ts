import type { PostgresState, WalSender } from '../../src/view.js';
import type { SimulatedPostgres } from './postgres.js';
import type { SimulatedProcess, Work } from './process.js';
import type { VirtualTime } from './virtual-time.js';

const pause = { settled: 200, unknown: 50, eager: 12 };
const answerTimeout = 1000;

export interface Sight {
  readonly state: PostgresState;
  readonly position: number;
  readonly stream: string | undefined;
  readonly senders: readonly WalSender[];
  readonly commitsWait: boolean;
}

/** What an agent sees of its own PostgreSQL (src/own-postgres.ts): a query now and then, and at once when its connection ends. */
export class AgentEyes {
  readonly #process: SimulatedProcess;
  readonly #time: VirtualTime;
  readonly #postgres: SimulatedPostgres;
  readonly #changed: () => void;
  #questions = 0;
  /** When what it sees was asked for. */
  askedAt = -1;
  sight: Sight = { state: 'unknown', position: 0, stream: undefined, senders: [], commitsWait: false };

  constructor(process: SimulatedProcess, time: VirtualTime, postgres: SimulatedPostgres, changed: () => void) {
    this.#process = process;
    this.#time = time;
    this.#postgres = postgres;
    this.#changed = changed;
  }

  *watch(eager: () => boolean): Work<void> {
    for (;;) {
      this.look();
      yield this.#process.sleep(eager() ? pause.eager : this.sight.state === 'unknown' ? pause.unknown : pause.settled);
    }
  }

  /** A frozen PostgreSQL answers nobody; that takes a second to notice. One that does not run is crashed or was stopped. */
  look(): void {
    const { process, ready, recovering, crashed } = this.#postgres;
    const question = ++this.#questions;
    const askedAt = this.#time.now;
    if (!process.running) this.#see(crashed ? 'crashed' : 'stopped', askedAt);
    else if (!process.frozen) this.#see(ready ? (recovering ? 'standby' : 'primary') : 'unknown', askedAt);
    else
      this.#process.after(answerTimeout, () => {
        if (this.#questions === question || process.frozen) this.#see('unknown', askedAt);
      });
  }

  #see(state: PostgresState, askedAt: number): void {
    this.askedAt = askedAt;
    const { wal, stream, senders, syncNames, commitsWait } = this.#postgres;
    const before = this.sight;
    const primary = state === 'primary';
    const named = (primary || state === 'standby') && syncNames.kind !== 'none';
    this.sight = {
      state,
      position: wal.length,
      stream: state === 'standby' ? stream : undefined,
      senders: primary ? senders.map((each) => this.#sender(each)) : [],
      commitsWait: named && (before.commitsWait || commitsWait),
    };
    if (state !== before.state || this.sight.commitsWait !== before.commitsWait) this.#changed();
  }

  #sender(each: SimulatedPostgres['senders'][number]): WalSender {
    const state = this.#postgres.syncState(each);
    return {
      standby: each.standby.name,
      pid: each.pid,
      streaming: true,
      synchronous: state === 'sync' || state === 'quorum',
      replyAge: this.#time.now - each.lastReply,
    };
  }
}
