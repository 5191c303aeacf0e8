import { ExitCode, HoldfastError } from '@holdfast/spec';

/** HF_USAGE: an argument is wrong. `suggestion`: what would be right. */
export function usageError(message: string, suggestion: string): HoldfastError {
  return new HoldfastError({ code: 'HF_USAGE', message, suggestion, exitCode: ExitCode.usage });
}
