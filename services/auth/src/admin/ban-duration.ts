import { validationFailed } from '../errors.js';

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's notation of a duration, `1h30m`, in milliseconds; `none` is 0. 400 validation_failed. */
export function readBanDuration(text: string): number {
  if (text === 'none' || text === '0') return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) {
    throw validationFailed(`invalid format for ban duration: time: invalid duration "${text.slice(0, 100)}"`);
  }
  const total = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ''] ?? 0), 0);
  // The year 9999 is far enough, and dates know no more than 8.64e15.
  return Math.min(total, 2.4e14);
}
