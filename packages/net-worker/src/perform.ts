import type { IncomingMessage } from 'node:http';
import type { ByteBudget } from './byte-budget.js';
import { type Call, firstCall, followRedirect } from './call.js';
import { type ClaimedRequest, failed, type Outcome } from './claimed-request.js';
import { describeFailure, describeTimeout } from './describe-failure.js';
import { exchange, type Progress } from './exchange.js';
import { judgeRequest } from './judge-request.js';
import { limits } from './limits.js';
import type { Refuses } from './refused-addresses.js';

export interface PerformOptions {
  readonly refuses: Refuses;
  /** An answer's `budgetedBytes` are taken from it and stay taken. */
  readonly budget: ByteBudget;
  readonly signal: AbortSignal;
}

/** Makes a request, redirects included, within its timeout from now to the last byte. Throws only the reason of `signal`. */
export async function perform(request: ClaimedRequest, { refuses, budget, signal }: PerformOptions): Promise<Outcome> {
  const reason = judgeRequest(request);
  if (reason !== undefined) return failed(reason);
  signal.throwIfAborted();
  const { method, url, headers, body, timeoutMilliseconds } = request;
  const since = performance.now();
  const progress: Progress = { lookedUp: undefined, ready: undefined };
  // Not AbortSignal.any: `signal` lives on, and would remember each of them.
  const abort = new AbortController();
  const giveUp = () => abort.abort(signal.reason);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    abort.abort();
  }, timeoutMilliseconds);
  signal.addEventListener('abort', giveUp);
  try {
    let call: Call | undefined = firstCall(method, new URL(url ?? ''), headers ?? {}, body ?? undefined);
    for (let redirects = 0; redirects <= limits.redirects; redirects++) {
      const response: IncomingMessage = await exchange(call, { refuses, progress, signal: abort.signal });
      const { statusCode: status = 0, rawHeaders } = response;
      const next = followRedirect(call, status, response.headers.location);
      if (next === undefined)
        return { kind: 'answered', status, rawHeaders, body: await readBody(response, budget, abort.signal) };
      response.destroy();
      const problem = judgeRequest({ ...request, url: next.url.href });
      if (problem !== undefined) return failed(`redirected: ${problem}`);
      call = next;
    }
    return failed(`Number of redirects hit maximum amount (${limits.redirects})`);
  } catch (error) {
    signal.throwIfAborted();
    if (!timedOut) return failed(describeFailure(error));
    const message = describeTimeout(timeoutMilliseconds, { since, ...progress, now: performance.now() });
    return { kind: 'failed', timedOut: true, message };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}

/** What a body of so many bytes holds of the budget until it is recorded. Pure. */
export function budgetedBytes(bytes: number): number {
  return bytes > limits.smallAnswerBytes ? bytes : 0;
}

/**
 * A body that turns out to be large takes as much as it may ever need at once, waiting for that, and gives back what it did not need: were it
 * taken piece by piece, many readers could each hold a part and wait for the rest for ever.
 */
async function readBody(response: IncomingMessage, budget: ByteBudget, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let reserved = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limits.answerBytes) throw new RangeError(`the answer has more than ${limits.answerBytes} bytes`);
      if (reserved === 0 && budgetedBytes(bytes) > 0) {
        await budget.take(limits.answerBytes, signal);
        reserved = limits.answerBytes;
      }
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks);
    budget.give(reserved - budgetedBytes(bytes));
    return body;
  } catch (error) {
    budget.give(reserved);
    throw error;
  }
}
