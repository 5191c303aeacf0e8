import type { ErrorCode } from './error-codes.js';

export type { ErrorCode } from './error-codes.js';

export interface ApiErrorFields {
  /** HTTP. */
  readonly status: number;
  readonly code: ErrorCode;
  /** Shown to the client; GoTrue's words where it has some. */
  readonly message: string;
  /** Of `weak_password`: length, characters, pwned. */
  readonly weakPasswordReasons?: readonly string[];
  /** Seconds, for the header Retry-After. */
  readonly retryAfterSeconds?: number;
  /** For the log alone. */
  readonly cause?: unknown;
}

/** What a client is told: a status, a stable code and a message. Every handler throws these; one place writes them. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: ErrorCode;
  readonly weakPasswordReasons: readonly string[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(fields: ApiErrorFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'ApiError';
    this.status = fields.status;
    this.code = fields.code;
    this.weakPasswordReasons = fields.weakPasswordReasons;
    this.retryAfterSeconds = fields.retryAfterSeconds;
  }
}

/** The errors of OAuth 2 (RFC 6749, 5.2): always 400 unless it says otherwise, `{error, error_description}`. */
export class OAuthError extends Error {
  readonly error: string;
  readonly status: number;

  constructor(error: string, description: string, status = 400) {
    super(description);
    this.name = 'OAuthError';
    this.error = error;
    this.status = status;
  }
}

export function badRequest(code: ErrorCode, message: string): ApiError {
  return new ApiError({ status: 400, code, message });
}

export function validationFailed(message: string): ApiError {
  return badRequest('validation_failed', message);
}

export function unauthorized(code: ErrorCode, message: string): ApiError {
  return new ApiError({ status: 401, code, message });
}

export function forbidden(code: ErrorCode, message: string): ApiError {
  return new ApiError({ status: 403, code, message });
}

export function notFound(code: ErrorCode, message: string): ApiError {
  return new ApiError({ status: 404, code, message });
}

export function conflict(message: string): ApiError {
  return new ApiError({ status: 409, code: 'conflict', message });
}

export function unprocessable(code: ErrorCode, message: string): ApiError {
  return new ApiError({ status: 422, code, message });
}

export function tooManyRequests(code: ErrorCode, message: string, retryAfterSeconds?: number): ApiError {
  return new ApiError({
    status: 429,
    code,
    message,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

export function internalError(message: string, cause?: unknown): ApiError {
  return new ApiError({ status: 500, code: 'unexpected_failure', message, cause });
}

export function weakPassword(message: string, reasons: readonly string[]): ApiError {
  return new ApiError({ status: 422, code: 'weak_password', message, weakPasswordReasons: reasons });
}
