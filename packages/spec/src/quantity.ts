/**
 * Durations and sizes as people write them.
 * Sizes count in powers of 1024 whether written `MB` or `MiB`, as in PostgreSQL (its manual, 20.1.1).
 */

export const durationPattern = /^(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)$/;
export const sizePattern = /^(\d+(?:\.\d+)?)\s*(B|kB|KB|KiB|MB|MiB|GB|GiB|TB|TiB)$/;

const milliseconds: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const powers: Readonly<Record<string, number>> = { B: 0, K: 1, M: 2, G: 3, T: 4 };

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;
export const TiB = 1024 * GiB;

/** Milliseconds; a bare number counts in `unit`. Undefined: not a duration. */
export function parseDuration(value: string | number, unit: 'ms' | 's'): number | undefined {
  if (typeof value === 'number') return value * (milliseconds[unit] ?? 1);
  const [, number, suffix] = durationPattern.exec(value) ?? [];
  const factor = suffix === undefined ? undefined : milliseconds[suffix];
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}

/** Bytes, rounded down; a bare number counts in bytes. Undefined: not a size. */
export function parseSize(value: string | number): number | undefined {
  if (typeof value === 'number') return Math.floor(value);
  const [, number, suffix] = sizePattern.exec(value) ?? [];
  const power = suffix === undefined ? undefined : powers[suffix.charAt(0).toUpperCase()];
  return number === undefined || power === undefined ? undefined : Math.floor(Number(number) * 1024 ** power);
}

/** The largest unit that needs no fraction: 1500 → `1500ms`, 2000 → `2s`. */
export function formatDuration(value: number): string {
  const unit = (['d', 'h', 'min', 's'] as const).find((name) => value > 0 && value % (milliseconds[name] ?? 1) === 0);
  return unit === undefined ? `${value}ms` : `${value / (milliseconds[unit] ?? 1)}${unit}`;
}

/** The largest unit that needs no fraction: 8589934592 → `8GiB`. */
export function formatSize(bytes: number): string {
  const units = [
    ['TiB', TiB],
    ['GiB', GiB],
    ['MiB', MiB],
    ['KiB', KiB],
  ] as const;
  const [name, factor] = units.find(([, size]) => bytes > 0 && bytes % size === 0) ?? ['B', 1];
  return `${bytes / factor}${name}`;
}

/** As a PostgreSQL parameter takes it, rounded down to whole megabytes, or kilobytes below one. */
export function postgresSize(bytes: number): string {
  return bytes >= MiB ? `${Math.floor(bytes / MiB)}MB` : `${Math.floor(bytes / KiB)}kB`;
}
