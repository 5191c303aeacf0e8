import type { SimulatedProcess } from './process.js';
import type { VirtualTime } from './virtual-time.js';

/** A host: a member's name, or one of these. */
export const etcdHost = 'etcd';
export const proxyHost = 'proxy';

/** Which host reaches which, and how long that takes. Partitions are one-way; two of them make a symmetric one. */
export class Network {
  readonly #time: VirtualTime;
  readonly #cut = new Map<string, number>();
  readonly #slow = new Map<string, number>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  cut(from: string, to: string): void {
    const link = `${from}>${to}`;
    this.#cut.set(link, (this.#cut.get(link) ?? 0) + 1);
  }

  heal(from: string, to: string): void {
    const link = `${from}>${to}`;
    this.#cut.set(link, Math.max(0, (this.#cut.get(link) ?? 0) - 1));
  }

  /** Adds up to so many milliseconds to what `from` sends to `to`. */
  slow(from: string, to: string, most: number): void {
    this.#slow.set(`${from}>${to}`, most);
  }

  healAll(): void {
    this.#cut.clear();
    this.#slow.clear();
  }

  reaches(from: string, to: string): boolean {
    return from === to || (this.#cut.get(`${from}>${to}`) ?? 0) === 0;
  }

  delay(from: string, to: string): number {
    if (from === to) return this.#time.between(0.05, 0.3);
    const extra = this.#slow.get(`${from}>${to}`) ?? 0;
    return this.#time.between(0.3, 2.5) + (extra === 0 ? 0 : this.#time.between(0, extra));
  }

  /** One packet: lost when the way is cut when it is sent or when it arrives. */
  send(from: string, to: string, arrive: () => void): void {
    if (!this.reaches(from, to)) return;
    this.#time.after(this.delay(from, to), () => {
      if (this.reaches(from, to)) arrive();
    });
  }
}

/** How long TCP waits before it sends what was lost again. */
const retransmission = 200;

/**
 * One direction of a TCP connection: all in order, nothing twice; what is lost is sent again for as long as the connection lives. It may
 * outlive a cut by minutes; what arrives for a frozen process waits in the kernel.
 */
export class Stream {
  readonly #network: Network;
  readonly #time: VirtualTime;
  readonly #from: string;
  readonly #to: string;
  readonly #receiver: SimulatedProcess;
  readonly #queue: (() => void)[] = [];
  #busy = false;
  closed = false;

  constructor(network: Network, time: VirtualTime, from: string, to: string, receiver: SimulatedProcess) {
    this.#network = network;
    this.#time = time;
    this.#from = from;
    this.#to = to;
    this.#receiver = receiver;
  }

  send(message: () => void): void {
    if (this.closed) return;
    this.#queue.push(message);
    if (!this.#busy) this.#next();
  }

  #next(): void {
    this.#busy = this.#queue.length > 0;
    if (!this.#busy) return;
    this.#time.after(this.#network.delay(this.#from, this.#to), () => this.#arrive());
  }

  #arrive(): void {
    if (this.closed) return;
    if (!this.#network.reaches(this.#from, this.#to)) {
      this.#time.after(retransmission, () => this.#arrive());
      return;
    }
    // Everything that was sent meanwhile comes with it.
    for (const message of this.#queue.splice(0)) {
      this.#receiver.receive(() => {
        if (!this.closed) message();
      });
    }
    this.#busy = false;
  }
}
