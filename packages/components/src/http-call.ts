import { timeLimit } from '@holdfast/spec';
import { Agent, request } from 'undici';
import { type Part, refused, unexpectedAnswer, unreachable } from './errors.js';
import type { JsonValue } from './plan.js';
import { createConnector, type TlsFiles } from './tls.js';

export interface HttpTarget {
  readonly part: Part;
  /** Without a slash at its end. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly timeoutMilliseconds?: number;
  /** How often a GET that nobody answers is asked, each time for its share of the limit; default 1. For ways that swallow one now and then. */
  readonly attempts?: number;
  readonly tls?: TlsFiles | undefined;
}

export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: JsonValue;
  /** An HTML form instead. */
  readonly form?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Instead of the target's own. */
  readonly timeoutMilliseconds?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** Of a redirection. */
  readonly location: string | undefined;
}

export interface HttpCaller {
  /** Whatever the status is. Throws HF_…_UNREACHABLE, or the signal's reason when the caller gave up. */
  call(call: HttpCall): Promise<HttpAnswer>;
  /** Throws HF_…_REFUSED too, for any status from 300 on. */
  expect(call: HttpCall): Promise<HttpAnswer>;
  /** The answer's JSON. Throws HF_…_ANSWER when it is none. */
  json(answer: HttpAnswer, call: HttpCall): unknown;
}

const defaultTimeoutMilliseconds = 2000;

/** Calls one HTTP server. Every call has a connection of its own, so nothing stays open and there is nothing to close. */
export function createHttpCaller(target: HttpTarget): HttpCaller {
  const limit = target.timeoutMilliseconds ?? defaultTimeoutMilliseconds;
  const agent = new Agent({ connect: createConnector(limit, target.tls), headersTimeout: 0, bodyTimeout: 0 });
  const authorization =
    target.username === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(`${target.username}:${target.password ?? ''}`).toString('base64')}` };

  async function call(asked: HttpCall): Promise<HttpAnswer> {
    const attempts = asked.method === 'GET' ? (target.attempts ?? 1) : 1;
    const share = (asked.timeoutMilliseconds ?? limit) / attempts;
    for (let attempt = 1; ; attempt++) {
      try {
        return await once({ ...asked, timeoutMilliseconds: share });
      } catch (error) {
        if (attempt >= attempts || asked.signal.aborted) throw error;
      }
    }
  }

  async function once({ method, path, body, form, signal, timeoutMilliseconds }: HttpCall): Promise<HttpAnswer> {
    signal.throwIfAborted();
    try {
      const response = await request(`${target.url}${path}`, {
        method,
        dispatcher: agent,
        reset: true,
        headers: { ...authorization, ...contentType(body, form) },
        body:
          form === undefined ? (body === undefined ? null : JSON.stringify(body)) : String(new URLSearchParams(form)),
        signal: timeLimit(signal, timeoutMilliseconds ?? limit),
      });
      const { location } = response.headers;
      return {
        status: response.statusCode,
        text: await response.body.text(),
        location: typeof location === 'string' ? location : undefined,
      };
    } catch (error) {
      if (signal.aborted && !isTimeout(signal.reason)) throw signal.reason;
      throw unreachable(target.part, target.url, error);
    }
  }

  return {
    call,
    async expect(asked) {
      const answer = await call(asked);
      if (answer.status < 300) return answer;
      throw refused(target.part, target.url, `${asked.method} ${asked.path}`, answer.status, answer.text);
    },
    json(answer, asked) {
      try {
        return JSON.parse(answer.text);
      } catch {
        const what = answer.text.slice(0, 200);
        throw unexpectedAnswer(target.part, target.url, `${asked.method} ${asked.path}`, what);
      }
    },
  };
}

function contentType(body: unknown, form: unknown): Readonly<Record<string, string>> {
  if (form !== undefined) return { 'content-type': 'application/x-www-form-urlencoded' };
  return body === undefined ? {} : { 'content-type': 'application/json' };
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}
