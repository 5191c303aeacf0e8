/** The body's four fields; `details` is text but for PGRST201, which lists the relationships. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly details: unknown;
  readonly hint: string | null;
}

export interface RestErrorOptions {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
  readonly hint?: string | null;
  readonly headers?: readonly (readonly [string, string])[];
  /** Of the status line; default Node's for the status. */
  readonly statusText?: string;
  readonly cause?: unknown;
}

/** An answer that is an error, as PostgREST words it. Whatever the service throws on purpose is one. */
export class RestError extends Error {
  override readonly name = 'RestError';
  readonly status: number;
  readonly code: string;
  readonly details: unknown;
  readonly hint: string | null;
  readonly headers: readonly (readonly [string, string])[];
  readonly statusText: string | undefined;

  constructor(options: RestErrorOptions) {
    super(options.message, options.cause === undefined ? {} : { cause: options.cause });
    this.status = options.status;
    this.code = options.code;
    this.details = options.details ?? null;
    this.hint = options.hint ?? null;
    this.headers = options.headers ?? [];
    this.statusText = options.statusText;
  }

  get body(): ErrorBody {
    return { code: this.code, message: this.message, details: this.details, hint: this.hint };
  }
}
