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

/** One thing that is wrong with a spec file. */
export interface SpecIssue {
  /** `etcd.size`, `postgres.hba[0]`; `(document)` when it concerns the whole file. */
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1; known for YAML syntax errors. */
  readonly column?: number;
  /** What is wrong, without the path: `must be 1, 3, 5 or 7`. */
  readonly problem: string;
  /** The offending value as text, shortened; undefined where it could hold a secret. */
  readonly value?: string;
  readonly suggestion: string;
}

/** Everything that is wrong with a spec file, at once. Code `HF_SPEC_INVALID`. */
export class SpecInvalidError extends HoldfastError {
  readonly issues: readonly SpecIssue[];

  constructor(fileName: string, issues: readonly SpecIssue[], cause?: unknown) {
    super({
      code: 'HF_SPEC_INVALID',
      message: `${fileName} is not valid: ${issues.length === 1 ? '1 error' : `${issues.length} errors`}.`,
      detail: issues.map((issue) => describeIssue(fileName, issue)).join('\n'),
      suggestion: `Correct ${fileName} and try again; nothing was changed.`,
      exitCode: ExitCode.usage,
      ...(cause === undefined ? {} : { cause }),
    });
    this.issues = issues;
  }

  override toJSON() {
    return { ...super.toJSON(), issues: this.issues };
  }
}

function describeIssue(fileName: string, issue: SpecIssue): string {
  const place = `${fileName}:${issue.line}${issue.column === undefined ? '' : `:${issue.column}`}`;
  const value = issue.value === undefined ? '' : ` (found: ${issue.value})`;
  return `${place}: ${issue.path}: ${issue.problem}${value}\n    ${issue.suggestion}`;
}

/** `ports: auto`, and the ports chosen earlier are missing or too few. */
export function portsNotChosen(detail: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_SPEC_PORTS_NOT_CHOSEN',
    message: `The file says \`ports: auto\`, but ${detail}.`,
    suggestion: 'Run `holdfast up`, which chooses free ports, or give the ports in the file.',
    exitCode: ExitCode.state,
  });
}

export function memberUnknown(name: string, known: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'HF_SPEC_MEMBER_UNKNOWN',
    message: `The cluster has no member ${JSON.stringify(name)}.`,
    suggestion: `Its members are ${known.join(', ')}.`,
    exitCode: ExitCode.usage,
  });
}

export function poolerDisabled(): HoldfastError {
  return new HoldfastError({
    code: 'HF_SPEC_POOLER_DISABLED',
    message: 'The cluster has no pooler.',
    suggestion: 'Set `pooler.enabled: true` in the spec and run `holdfast up`.',
    exitCode: ExitCode.usage,
  });
}
