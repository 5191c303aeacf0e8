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
