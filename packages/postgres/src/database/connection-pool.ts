import type { Cancellation } from '../cancellation.js';
import type { ConnectionTarget } from '../connect.js';
import { databaseBusy, databaseUnavailable } from '../errors.js';
import { isFull, isHopeless } from './judge-failure.js';
import { ServerConnection, type ServerConnectionOptions } from './server-connection.js';

export interface PoolOptions extends ServerConnectionOptions {
  readonly connectionsAtMost: number;
  /** Of callers that wait for a connection. */
  readonly waitingAtMost: number;
  /** A connection that nobody needed for so long is closed; one is kept. */
  readonly idleMilliseconds: number;
  /** A connection on which nothing comes for so long while an answer is due is doubted. */
  readonly silenceMilliseconds: number;
  /** Whether a server in recovery will do. */
  readonly replica: boolean;
}

interface Waiter {
  readonly give: (connection: ServerConnection) => void;
  readonly refuse: (reason: unknown) => void;
}

const backoff = { firstMilliseconds: 25, lastMilliseconds: 500 };
/** A connection that was idle for longer is asked before it is trusted. */
const trustedMilliseconds = 1000;
const answerMilliseconds = 500;
const probeMilliseconds = 1500;
const lookMilliseconds = 250;

/**
 * Connections to whatever answers at one address. While none can be had, callers wait within their own bounds; the pool goes on trying. When a
 * connection breaks by itself, every other one is doubted: idle ones are asked at once, and ones that wait for an answer are looked after.
 */
export class ConnectionPool implements AsyncDisposable {
  readonly address: string;
  readonly #target: ConnectionTarget;
  readonly #options: PoolOptions;
  readonly #all = new Set<ServerConnection>();
  /** The last one given back is lent first, so that the others grow old. */
  readonly #idle: ServerConnection[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #closing = new AbortController();
  /** Of connections under way: how often the server answered nothing, by bytes and time. */
  readonly #doubts = new WeakMap<ServerConnection, { bytes: number; at: number; patience: number }>();
  readonly #timer: NodeJS.Timeout;
  #opening = 0;
  #failures = 0;
  #lastFailure: unknown;
  #retry: NodeJS.Timeout | undefined;
  #probing = false;

  constructor(target: ConnectionTarget, options: PoolOptions) {
    this.address = `${target.host}:${target.port}`;
    this.#target = target;
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), lookMilliseconds).unref();
  }

  get size(): { readonly open: number; readonly idle: number; readonly waiting: number } {
    return { open: this.#all.size, idle: this.#idle.length, waiting: this.#waiters.size };
  }

  /** A connection that answers, for the caller alone until `release`. `deadline`: performance.now(). Throws HF_POSTGRES_UNAVAILABLE. */
  async acquire(deadline: number, signal: Cancellation): Promise<ServerConnection> {
    for (;;) {
      signal.throwIfAborted();
      this.#closing.signal.throwIfAborted();
      const connection =
        (this.#waiters.size === 0 ? this.#idle.pop() : undefined) ?? (await this.#wait(deadline, signal));
      const fresh = performance.now() - connection.idleSince < trustedMilliseconds;
      if (fresh || (await connection.answers(answerMilliseconds))) {
        if (!connection.ended) return connection;
      }
    }
  }

  /** A connection with an open transaction must be cut instead. */
  release(connection: ServerConnection): void {
    if (connection.ended) return;
    connection.idleSince = performance.now();
    const [waiter] = this.#waiters;
    if (waiter === undefined) this.#idle.push(connection);
    else waiter.give(connection);
  }

  /** A connection to the server that serves now, outside of the pool's number: the caller closes it. */
  async openExtra(milliseconds: number, signal: AbortSignal): Promise<ServerConnection> {
    const options = { ...this.#options, connectMilliseconds: milliseconds };
    return await ServerConnection.open(
      this.#target,
      options,
      () => {},
      AbortSignal.any([signal, this.#closing.signal]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    this.#closing.abort(databaseUnavailable(this.address, 'the pool was closed', undefined));
    for (const waiter of [...this.#waiters]) waiter.refuse(this.#closing.signal.reason);
    for (const connection of [...this.#all]) connection.close();
  }

  async #wait(deadline: number, signal: Cancellation): Promise<ServerConnection> {
    if (this.#waiters.size >= this.#options.waitingAtMost) {
      throw this.#nothingFree(`${this.#waiters.size} callers wait already`);
    }
    const milliseconds = Math.max(0, deadline - performance.now());
    return await new Promise<ServerConnection>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        give: (connection) => {
          end();
          resolve(connection);
        },
        refuse: (reason) => {
          end();
          reject(reason);
        },
      };
      const abort = () => waiter.refuse(signal.reason);
      const timer = setTimeout(
        () => waiter.refuse(this.#nothingFree(`none was free within ${Math.round(milliseconds)} ms`)),
        milliseconds,
      );
      signal.addEventListener('abort', abort, { once: true });
      this.#waiters.add(waiter);
      this.#openMore();
    });
  }

  /** Whether there is a database at all makes the difference. */
  #nothingFree(reason: string): Error {
    return this.#all.size > 0 && this.#failures === 0
      ? databaseBusy(this.address, reason)
      : databaseUnavailable(this.address, reason, this.#lastFailure);
  }

  #openMore(): void {
    if (this.#retry !== undefined) return;
    const room = this.#options.connectionsAtMost - this.#all.size - this.#opening;
    // One knocks while nobody answers; the others follow it in.
    const wanted = this.#failures > 0 ? 1 : this.#waiters.size;
    for (let count = Math.min(room, wanted - this.#opening); count > 0; count -= 1) void this.#open();
  }

  async #open(): Promise<void> {
    this.#opening += 1;
    try {
      const onEnd = (connection: ServerConnection) => this.#lost(connection);
      const connection = await ServerConnection.open(this.#target, this.#options, onEnd, this.#closing.signal);
      if (connection.life.inRecovery && !this.#options.replica) {
        connection.close();
        throw new Error('the server is a standby');
      }
      if (connection.ended) throw new Error('the connection broke as soon as it was there');
      this.#failures = 0;
      this.#all.add(connection);
      this.release(connection);
    } catch (error) {
      this.#lastFailure = error;
      this.#failures += 1;
      if (isHopeless(error)) {
        const refusal = databaseUnavailable(this.address, 'it refuses this role', error);
        for (const waiter of [...this.#waiters]) waiter.refuse(refusal);
      }
      if (this.#closing.signal.aborted) return;
      const pause = Math.min(backoff.firstMilliseconds * 2 ** (this.#failures - 1), backoff.lastMilliseconds);
      this.#retry ??= setTimeout(
        () => {
          this.#retry = undefined;
          this.#openMore();
        },
        pause * (0.5 + Math.random() / 2),
      );
    } finally {
      this.#opening -= 1;
    }
    this.#openMore();
  }

  #lost(connection: ServerConnection): void {
    const pooled = this.#all.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    if (!pooled || this.#closing.signal.aborted) return;
    for (const other of this.#idle.splice(0)) void this.#test(other);
    for (const other of this.#all) if (other.busySince !== undefined) this.#doubt(other, 0);
    this.#openMore();
  }

  /** Gives it back when it answers; one that does not is cut. */
  async #test(connection: ServerConnection): Promise<void> {
    const { idleSince } = connection;
    if (!(await connection.answers(answerMilliseconds))) return;
    this.release(connection);
    connection.idleSince = Math.max(idleSince, connection.idleSince - trustedMilliseconds / 2);
  }

  #doubt(connection: ServerConnection, patience: number): void {
    this.#doubts.set(connection, { bytes: connection.bytesRead, at: performance.now(), patience });
  }

  #look(): void {
    const now = performance.now();
    const silent: ServerConnection[] = [];
    for (const connection of this.#all) {
      if (connection.busySince === undefined) {
        this.#doubts.delete(connection);
        continue;
      }
      const doubt = this.#doubts.get(connection);
      if (doubt === undefined || doubt.bytes !== connection.bytesRead || doubt.at < connection.busySince) {
        this.#doubt(connection, this.#options.silenceMilliseconds);
      } else if (now - doubt.at >= doubt.patience) silent.push(connection);
    }
    if (silent.length > 0 && !this.#probing) void this.#probe(silent);
    this.#closeOld(now);
  }

  /** A server that still serves may take its time with a statement; one that is frozen, or not the primary any more, will never answer. */
  async #probe(silent: readonly ServerConnection[]): Promise<void> {
    this.#probing = true;
    const serves = await this.#ask();
    this.#probing = false;
    for (const connection of silent) {
      if (connection.busySince === undefined || connection.ended) continue;
      if (serves(connection)) {
        const { patience } = this.#doubts.get(connection) ?? { patience: 0 };
        this.#doubt(connection, Math.max(this.#options.silenceMilliseconds, 2 * patience));
      } else connection.cut(new Error('the server fell silent'));
    }
  }

  async #ask(): Promise<(connection: ServerConnection) => boolean> {
    try {
      const { replica } = this.#options;
      const connection = await this.openExtra(probeMilliseconds, this.#closing.signal);
      connection.close();
      // Behind the address of the replicas there are several, and each is as good.
      return ({ life }) => replica || life.id === connection.life.id;
    } catch (error) {
      return () => isFull(error);
    }
  }

  #closeOld(now: number): void {
    while (this.#all.size > 1) {
      const [oldest] = this.#idle;
      if (oldest === undefined || now - oldest.idleSince < this.#options.idleMilliseconds) return;
      this.#idle.shift();
      this.#all.delete(oldest);
      oldest.close();
    }
  }
}
