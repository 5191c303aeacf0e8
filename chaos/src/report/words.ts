import type { HeaderRecord } from '../history/records.js';

/** Text as HTML or an attribute of it. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** `0.4 ms`, `87 ms`, `2.31 s`, `4 min 10 s`. */
export function duration(microseconds: number): string {
  const milliseconds = microseconds / 1000;
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${milliseconds.toFixed(0)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** A moment of the run: seconds with milliseconds. */
export function moment(microseconds: number): string {
  return `${(microseconds / 1_000_000).toFixed(3)} s`;
}

/** 1234567 → `1 234 567`, with thin spaces that do not break. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** A member's name where the header knows it, else its address. */
export function memberName(address: string, { members }: HeaderRecord): string {
  return members?.[address] ?? address;
}

/** `1 anomaly`, `2 anomalies` */
export function plural(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
