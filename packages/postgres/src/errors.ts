import { ExitCode, HoldfastError } from '@holdfast/spec/errors';

export function databaseUnreachable(address: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_POSTGRES_UNREACHABLE',
    message: `PostgreSQL at ${address} cannot be reached.`,
    detail: cause instanceof Error ? cause.message : String(cause),
    suggestion: 'holdfast status',
    exitCode: ExitCode.state,
    cause,
  });
}

/** `reason`: what was waited for, `no connection within 10 s`. */
export function databaseUnavailable(address: string, reason: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_POSTGRES_UNAVAILABLE',
    message: `PostgreSQL at ${address} did not become available in time: ${reason}.`,
    ...(cause === undefined ? {} : { detail: cause instanceof Error ? cause.message : String(cause) }),
    suggestion: 'Try again in a moment; holdfast status',
    exitCode: ExitCode.timeout,
    cause,
  });
}

/** All connections are in use, and as many callers wait already, or this one waited too long. */
export function databaseBusy(address: string, reason: string): HoldfastError {
  return new HoldfastError({
    code: 'HF_POSTGRES_BUSY',
    message: `All connections to PostgreSQL at ${address} are in use: ${reason}.`,
    suggestion: 'Try again in a moment, or allow more connections (api.connections).',
    exitCode: ExitCode.timeout,
  });
}

export function outcomeUnknown(address: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'HF_POSTGRES_OUTCOME_UNKNOWN',
    message: `The connection to PostgreSQL at ${address} broke while a transaction was being committed: nobody knows whether it was.`,
    ...(cause === undefined ? {} : { detail: cause instanceof Error ? cause.message : String(cause) }),
    suggestion: 'Look whether the change is there before you make it again.',
    exitCode: ExitCode.failure,
    cause,
  });
}
