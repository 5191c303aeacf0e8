/**
 * Errors for the person who reads them: what happened, to what, and what to do about it.
 *
 * Every package has one `errors.ts` with functions that make its errors; each has a stable `code`
 * (`HF_<AREA>_<WHAT>`). Anything that reaches the CLI and is not a HoldfastError is a defect of ours.
 */

/** Exit codes of the CLI; stable, documented in docs/reference/exit-codes.md. */
export const ExitCode = {
  ok: 0,
  /** Something failed while doing what was asked. */
  failure: 1,
  /** The command line or the spec is wrong; nothing was done. */
  usage: 2,
  /** The machine lacks something: a package, a right, a port, disk space. */
  environment: 3,
  /** The cluster is not in a state that allows this. */
  state: 4,
  /** Somebody else is doing something to this cluster. */
  locked: 5,
  /** It did not happen in time. */
  timeout: 6,
  /** Ended by Ctrl-C or SIGTERM. */
  interrupted: 130,
} as const;

export type ExitCodeValue = (typeof ExitCode)[keyof typeof ExitCode];

export interface HoldfastErrorFields {
  /** Stable, greppable: `HF_SPEC_INVALID`. */
  readonly code: string;
  /** One sentence: what happened, to what. */
  readonly message: string;
  /** More lines, when one sentence is too little. */
  readonly detail?: string;
  /** What to do now; a command where there is one. */
  readonly suggestion?: string;
  readonly exitCode?: ExitCodeValue;
  readonly cause?: unknown;
}

export class HoldfastError extends Error {
  readonly code: string;
  readonly detail: string | undefined;
  readonly suggestion: string | undefined;
  readonly exitCode: ExitCodeValue;

  constructor(fields: HoldfastErrorFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'HoldfastError';
    this.code = fields.code;
    this.detail = fields.detail;
    this.suggestion = fields.suggestion;
    this.exitCode = fields.exitCode ?? ExitCode.failure;
  }

  toJSON(): { code: string; message: string; detail?: string; suggestion?: string } {
    return {
      code: this.code,
      message: this.message,
      ...(this.detail === undefined ? {} : { detail: this.detail }),
      ...(this.suggestion === undefined ? {} : { suggestion: this.suggestion }),
    };
  }
}
