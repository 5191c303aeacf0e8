import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { timeLimit } from '@holdfast/spec';
import { type ApiError, badRequest, internalError, unprocessable } from '../errors.js';
import type { HookTarget } from '../settings/hooks.js';

export interface HttpHookOptions {
  readonly now: () => Date;
  readonly signal: AbortSignal;
  /** For all attempts together. */
  readonly timeoutMilliseconds?: number;
  readonly backoffMilliseconds?: number;
}

const attempts = 3;
const largestAnswer = 200 * 1024;

type Answer = Readonly<Record<string, unknown>>;

/** POSTs the input, signed as standard webhooks say, and reads a JSON object. Asks up to three times where nobody answered. */
export async function callHttp(target: HookTarget, input: Answer, options: HttpHookOptions): Promise<Answer> {
  const { timeoutMilliseconds = 5000, backoffMilliseconds = 2000 } = options;
  const body = JSON.stringify(input);
  const limit = timeLimit(options.signal, timeoutMilliseconds);
  const late = () =>
    unprocessable('hook_timeout', `Failed to reach hook within maximum time of ${timeoutMilliseconds / 1000} seconds`);
  for (let attempt = 1; ; attempt++) {
    const last = attempt === attempts;
    try {
      const response = await fetch(target.uri, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'accept-encoding': 'identity',
          ...signedHeaders(target, body, options.now()),
        },
        body,
        redirect: 'error',
        signal: limit,
      });
      const retry = (response.status === 429 || response.status === 503) && response.headers.has('retry-after');
      if (!retry) return await readAnswer(response);
      await response.body?.cancel();
      if (last) throw internalError('Service currently unavailable due to hook');
    } catch (error) {
      if (isApiError(error)) throw error;
      if (limit.aborted) throw late();
      if (last) throw unprocessable('hook_timeout_after_retry', 'Failed to reach hook after maximum retries');
      await sleep(backoffMilliseconds, undefined, { signal: limit }).catch(() => {
        throw late();
      });
    }
  }
}

function isApiError(error: unknown): error is ApiError {
  return error instanceof Error && error.name === 'ApiError';
}

/** The headers of standard webhooks (standard-webhooks, spec: signature scheme), one signature a secret. */
export function signedHeaders({ secrets }: HookTarget, body: string, now: Date): Readonly<Record<string, string>> {
  const id = randomUUID();
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const [, encoded] = /^v1,(?:whsec_)?(.+)$/.exec(secret) ?? [];
    if (encoded === undefined) throw internalError('Error generating signatures: invalid signature format');
    const key = Buffer.from(encoded, 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

async function readAnswer(response: Response): Promise<Answer> {
  switch (response.status) {
    case 200:
    case 202:
    case 204:
      break;
    case 400:
      throw internalError('Invalid payload sent to hook');
    case 401:
      throw internalError('Hook requires authorization token');
    case 429:
    case 503:
      throw internalError('Service currently unavailable due to hook');
    default:
      throw internalError(`Unexpected status code returned from hook: ${response.status}`);
  }
  const type = response.headers.get('content-type') ?? '';
  if (type === '') {
    if (response.status === 204) return {};
    throw badRequest('hook_payload_invalid_content_type', 'Invalid Content-Type: Missing Content-Type header');
  }
  if (type.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    throw badRequest(
      'hook_payload_invalid_content_type',
      `Invalid JSON response. Received content-type: ${type.slice(0, 200)}`,
    );
  }
  return parseAnswer(await readBounded(response));
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > largestAnswer) {
      throw unprocessable('hook_payload_over_size_limit', `Payload size exceeded size limit of ${largestAnswer} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseAnswer(text: string): Answer {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Answer;
  } catch {
    // Below.
  }
  throw internalError('Error unmarshaling JSON output.');
}
