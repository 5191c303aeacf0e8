import { ExitCode, HoldfastError } from '@holdfast/spec';

/** The value of an option that is a number of seconds above zero; throws HF_USAGE with `example`. */
export function parseSeconds(text: string, option: string, example: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new HoldfastError({
    code: 'HF_USAGE',
    message: `${option} takes a number of seconds, not "${text}".`,
    suggestion: example,
    exitCode: ExitCode.usage,
  });
}
