import { ExitCode, HoldfastError } from '@holdfast/spec/errors';

export function portTaken(address: string, cause: Error): HoldfastError {
  return new HoldfastError({
    code: 'HF_HTTP_PORT',
    message: `Nothing can listen on ${address}.`,
    detail: cause.message,
    suggestion: `Stop what listens there, or choose another port; ss -ltnp shows who it is.`,
    exitCode: ExitCode.environment,
    cause,
  });
}
