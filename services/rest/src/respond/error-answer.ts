import { BodyBroken, BodyTooLarge } from '@holdfast/http';
import { restErrorOf } from '../errors/database-error.js';
import { RestError } from '../errors/rest-error.js';
import type { RestSettings } from '../settings.js';
import type { Answer } from './answer.js';

/** Any failure as an answer. What is no error of a request is told without its message, which may hold what is nobody's business. */
export function errorAnswer(
  error: unknown,
  authenticated: boolean,
  { errorVerbosity }: Pick<RestSettings, 'errorVerbosity'>,
): Answer {
  const known = toRestError(error, authenticated);
  const { body } = known;
  const shown = errorVerbosity === 'minimal' ? { code: body.code, message: body.message } : body;
  return {
    status: known.status,
    headers: [
      ['Content-Type', 'application/json; charset=utf-8'],
      ['Proxy-Status', `PostgREST; error=${known.code}`],
      ...known.headers,
    ],
    body: JSON.stringify(shown),
    statusText: known.statusText,
  };
}

/** A fault of the service itself, which its log should tell of. */
export function isUnforeseen(error: unknown): boolean {
  return toRestError(error, false).code === unforeseen;
}

function toRestError(error: unknown, authenticated: boolean): RestError {
  return error instanceof RestError ? error : (restErrorOf(error, authenticated) ?? foreignError(error));
}

const unforeseen = 'HF_REST_INTERNAL';

/** Errors of the database's pool that a client is told, by their codes. */
const foreignStatus: ReadonlyMap<unknown, number> = new Map([
  ['HF_POSTGRES_UNAVAILABLE', 503],
  ['HF_POSTGRES_OUTCOME_UNKNOWN', 503],
  ['HF_POSTGRES_UNREACHABLE', 503],
]);

function foreignError(error: unknown): RestError {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  const status = foreignStatus.get(code);
  if (status !== undefined && error instanceof Error) {
    const headers: readonly (readonly [string, string])[] = status === 503 ? [['Retry-After', '1']] : [];
    return new RestError({ status, code: String(code), message: error.message, headers, cause: error });
  }
  if (error instanceof BodyTooLarge) {
    // The rest of the body is still on its way.
    const headers = [['Connection', 'close']] as const;
    return new RestError({
      status: 413,
      code: 'HF_REST_BODY_TOO_LARGE',
      message: error.message,
      headers,
      cause: error,
    });
  }
  if (error instanceof BodyBroken) {
    return new RestError({ status: 400, code: 'HF_REST_BODY_BROKEN', message: error.message, cause: error });
  }
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new RestError({ status: 504, code: 'HF_REST_TIMEOUT', message: error.message, cause: error });
  }
  if (error instanceof DOMException && error.name === 'AbortError') {
    return new RestError({ status: 503, code: 'HF_REST_ABANDONED', message: error.message, cause: error });
  }
  return new RestError({ status: 500, code: unforeseen, message: 'Internal error', cause: error });
}
