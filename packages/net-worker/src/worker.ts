import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NetConfiguration } from '@holdfast/components/net';
import { type AnswerRow, answerRow } from './answer-row.js';
import { Bell } from './bell.js';
import { ByteBudget } from './byte-budget.js';
import { type ClaimedRequest, failed, type Outcome } from './claimed-request.js';
import { limits } from './limits.js';
import { logEvent } from './log.js';
import { budgetedBytes, perform } from './perform.js';
import { deleteAtOnce, NoQueue, openQueue, type Queue } from './queue.js';
import { type Refuses, refuseAddresses } from './refused-addresses.js';

/** Between two looks at the queue that nobody asked for: claims run out, and a notification may have been lost with its connection. */
const lookMilliseconds = 5000;
const deleteMilliseconds = 60_000;
const backoff = { firstMilliseconds: 100, lastMilliseconds: 2000 };
/** What is under way when it is told to stop may take so long. */
const graceMilliseconds = 3000;
/** Of answers that are recorded in one transaction. */
const batchBytes = limits.answerBytes;

export interface WorkerOptions {
  readonly configuration: NetConfiguration;
  readonly password: string;
  /** What its claims are known by; another worker must have another. */
  readonly worker: string;
}

interface Finished {
  readonly request: ClaimedRequest;
  readonly outcome: Outcome;
}

/**
 * Takes requests out of the queue and makes them until `stop` aborts. At least once each: an answer that could not be recorded, because the primary
 * is gone, is kept and recorded on the next one; only when the worker itself is lost in between is a request made again, `limits.attempts` times
 * at most. Never throws: it waits for a database that is not there, or not ready.
 */
export async function runWorker(options: WorkerOptions, stop: AbortSignal): Promise<void> {
  await new Worker(options).run(stop);
}

class Worker {
  readonly #options: WorkerOptions;
  readonly #refuses: Refuses;
  readonly #budget = new ByteBudget(limits.largeAnswersBytes);
  readonly #bell = new Bell();
  readonly #abandon = new AbortController();
  /** By token: under way, or finished and not recorded yet. */
  readonly #held = new Map<string, ClaimedRequest>();
  #finished: Finished[] = [];
  /** When to look at the queue (performance.now()). */
  #lookAt = 0;
  #connectedBefore = false;
  #deleteAt = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#refuses = refuseAddresses(options.configuration.refused);
    setMaxListeners(limits.requests, this.#abandon.signal);
  }

  async run(stop: AbortSignal): Promise<void> {
    const ring = () => this.#bell.ring();
    stop.addEventListener('abort', ring);
    let pause = backoff.firstMilliseconds;
    let said = '';
    while (!stop.aborted) {
      const since = performance.now();
      try {
        await this.#work(stop);
      } catch (error) {
        if (stop.aborted) break;
        const reason = error instanceof Error ? `${error.message}${detailOf(error)}` : String(error);
        if (reason !== said) logEvent('waiting', { reason });
        said = reason;
        const wasSteady = !(error instanceof NoQueue) && performance.now() - since > backoff.lastMilliseconds;
        pause = wasSteady ? backoff.firstMilliseconds : Math.min(2 * pause, backoff.lastMilliseconds);
        await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal: stop }).catch(() => undefined);
      }
    }
    stop.removeEventListener('abort', ring);
    this.#abandon.abort();
  }

  /** Over one connection, until that is lost (then it throws) or it is told to stop. */
  async #work(stop: AbortSignal): Promise<void> {
    let lost = false;
    const onEnd = () => {
      lost = true;
      this.#bell.ring();
    };
    await using queue = await unlessStopped(
      openQueue({ ...this.#options, onWake: () => this.#lookSoon(), onEnd }),
      stop,
    );
    // What an earlier process of this name held may have been sent. What this one does not know was claimed by a commit that it was not told of.
    await queue.release([...this.#held.keys()], this.#connectedBefore);
    logEvent('connected', { held: this.#held.size });
    this.#connectedBefore = true;
    this.#lookAt = 0;
    while (!stop.aborted) {
      if (lost) throw new Error('the connection to the database was lost');
      await this.#record(queue);
      await this.#claim(queue);
      await this.#deleteOld(queue);
      await this.#bell.wait(lookMilliseconds);
    }
    await this.#finish(queue);
  }

  #lookSoon(): void {
    this.#lookAt = 0;
    this.#bell.ring();
  }

  /** As much as there is room for. */
  async #claim(queue: Queue): Promise<void> {
    const bytes = limits.requestsBytes - sizeOf([...this.#held.values()]);
    const room = limits.requests - this.#held.size;
    if (room <= 0 || bytes <= 0 || performance.now() < this.#lookAt) return;
    // Before the question: what comes in the meantime rings again.
    this.#lookAt = performance.now() + lookMilliseconds;
    const claimed = await queue.claim(room, bytes);
    // There was no room for more: look again as soon as something ends.
    if (claimed.length === room || sizeOf(claimed) >= bytes) this.#lookAt = 0;
    for (const request of claimed) {
      this.#held.set(request.token, request);
      void this.#perform(request);
    }
  }

  async #perform(request: ClaimedRequest): Promise<void> {
    const options = { refuses: this.#refuses, budget: this.#budget, signal: this.#abandon.signal };
    const outcome = await perform(request, options).catch((error: unknown) =>
      this.#abandon.signal.aborted ? undefined : failed(`the worker failed: ${String(error)}`),
    );
    if (outcome === undefined) this.#held.delete(request.token);
    else this.#finished.push({ request, outcome });
    this.#bell.ring();
  }

  async #record(queue: Queue): Promise<void> {
    while (this.#finished.length > 0) {
      const batch = firstBatch(this.#finished);
      const rows = batch.map(({ request, outcome }) => answerRow(request, outcome));
      await recordAll(queue, rows);
      this.#finished = this.#finished.slice(batch.length);
      for (const { request, outcome } of batch) {
        this.#held.delete(request.token);
        this.#budget.give(budgetedBytes(bodyBytes(outcome)));
      }
    }
  }

  async #deleteOld(queue: Queue): Promise<void> {
    const now = performance.now();
    if (now < this.#deleteAt) return;
    const deleted = await queue.deleteOldAnswers();
    if (deleted < deleteAtOnce) this.#deleteAt = now + deleteMilliseconds;
    else this.#bell.ring();
  }

  /** Lets what is under way end, and gives the rest back. */
  async #finish(queue: Queue): Promise<void> {
    const end = performance.now() + graceMilliseconds;
    for (;;) {
      await this.#record(queue);
      const left = end - performance.now();
      if (this.#held.size === 0 || left <= 0) break;
      await this.#bell.wait(left);
    }
    this.#abandon.abort();
    await queue.release([], false);
  }
}

function sizeOf(requests: readonly ClaimedRequest[]): number {
  return requests.reduce((sum, { size }) => sum + Math.min(size, limits.requestBytes), 0);
}

/** HAProxy may hold a new connection for long; one that comes after all is closed. Throws when it is told to stop. */
async function unlessStopped(opening: Promise<Queue>, stop: AbortSignal): Promise<Queue> {
  let reject: (reason: unknown) => void = () => {};
  const give = () => reject(new Error('told to stop'));
  stop.addEventListener('abort', give);
  try {
    return await Promise.race([
      opening,
      new Promise<never>((_resolve, refuse) => {
        reject = refuse;
        if (stop.aborted) give();
      }),
    ]);
  } catch (error) {
    void opening.then(
      async (queue) => await queue[Symbol.asyncDispose](),
      () => {},
    );
    throw error;
  } finally {
    stop.removeEventListener('abort', give);
  }
}

/** At least one; what is added to the list meanwhile is not part of it. Pure. */
function firstBatch(finished: readonly Finished[]): readonly Finished[] {
  let bytes = 0;
  const end = finished.findIndex(({ outcome }, index) => {
    bytes += bodyBytes(outcome);
    return index > 0 && bytes > batchBytes;
  });
  return finished.slice(0, end < 0 ? finished.length : end);
}

function bodyBytes(outcome: Outcome): number {
  return outcome.kind === 'answered' ? outcome.body.length : 0;
}

/** One answer that the database cannot hold (class 22, for example a character that its encoding lacks) must not keep the others. */
async function recordAll(queue: Queue, rows: readonly AnswerRow[]): Promise<void> {
  try {
    await queue.record(rows);
  } catch (error) {
    if (!/^22/.test(codeOf(error))) throw error;
    const [row] = rows;
    if (row === undefined) return;
    if (rows.length > 1) for (const each of rows) await recordAll(queue, [each]);
    else await queue.record([answerRow(row, failed(`the answer cannot be recorded: ${codeOf(error)}`))]);
  }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

function detailOf(error: Error): string {
  return 'detail' in error && typeof error.detail === 'string' ? ` ${error.detail}` : '';
}
