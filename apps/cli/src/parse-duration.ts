import { parseDuration } from '@holdfast/spec';
import { usageError } from './usage-error.js';

/** Ten years; what is longer is a slip, and dates end somewhere. */
const longest = 3650 * 86_400_000;

/** Milliseconds of an option such as `24h`; throws HF_USAGE with `example`. */
export function parseDurationOption(text: string, option: string, example: string): number {
  const milliseconds = parseDuration(text, 's');
  if (milliseconds !== undefined && milliseconds <= longest) return milliseconds;
  throw usageError(`${option} takes a duration of at most 3650d, such as 30min, 24h or 7d, not "${text}".`, example);
}
