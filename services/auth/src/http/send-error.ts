import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, OAuthError } from '../errors.js';
import { headerOf } from './client-address.js';

export const apiVersionHeader = 'x-supabase-api-version';

const newestVersion = '2024-01-01';

/** Whether the client wants errors as `{code, message}`: it says a date from which they look so (supabase/auth, apiversions.go). */
export function wantsNewErrors(version: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(version) && version >= newestVersion;
}

/** The body of an error in the form of that version. */
export function renderError(error: ApiError, version: string): Readonly<Record<string, unknown>> {
  const weak = error.weakPasswordReasons === undefined ? {} : { weak_password: { reasons: error.weakPasswordReasons } };
  return wantsNewErrors(version)
    ? { code: error.code, message: error.message, ...weak }
    : { code: error.status, error_code: error.code, msg: error.message, ...weak };
}

/** Writes what a handler threw. What is no error of ours says nothing of itself to the client. */
export async function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (thrown instanceof OAuthError) {
    reply.header('x-sb-error-code', thrown.error);
    await reply
      .code(thrown.status)
      .send({ error: thrown.error, ...(thrown.message === '' ? {} : { error_description: thrown.message }) });
    return;
  }
  const error = thrown instanceof ApiError ? thrown : translate(thrown);
  if (error.status >= 500) request.log.error({ err: error.cause ?? thrown }, error.message);
  const version = headerOf(request, apiVersionHeader);
  if (wantsNewErrors(version)) reply.header(apiVersionHeader, newestVersion);
  reply.header('x-sb-error-code', error.code);
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds));
  await reply.code(error.status).send(renderError(error, version));
}

/** PostgreSQL's: text too long, NUL or lone surrogates in it, in JSON as well, not the text of a value. */
const unstorable: ReadonlySet<string> = new Set(['22001', '22021', '22P02', '22P05']);

function translate(thrown: unknown): ApiError {
  const { code, statusCode } = thrown as { readonly code?: unknown; readonly statusCode?: unknown };
  if (
    code === 'HF_POSTGRES_UNAVAILABLE' ||
    code === 'HF_POSTGRES_OUTCOME_UNKNOWN' ||
    code === 'HF_POSTGRES_UNREACHABLE'
  ) {
    return new ApiError({
      status: 503,
      code: 'unexpected_failure',
      message: 'The database cannot be reached; try again',
      retryAfterSeconds: 1,
      cause: thrown,
    });
  }
  if (typeof code === 'string' && unstorable.has(code)) {
    const message = 'The request holds a text that is too long, or characters that cannot be stored';
    return new ApiError({ status: 400, code: 'validation_failed', message, cause: thrown });
  }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    const message = statusCode === 413 ? 'Request body too large' : 'Could not parse request body as JSON';
    return new ApiError({ status: statusCode, code: statusCode === 413 ? 'validation_failed' : 'bad_json', message });
  }
  return new ApiError({
    status: 500,
    code: 'unexpected_failure',
    message: 'Unexpected failure, please check server logs for more information',
    cause: thrown,
  });
}
