/**
 * Units write straight into `logs/<id>.log`, opened for appending. A file that grew too large is copied to `<id>.log.1` (which moves
 * to `.2`, …) and truncated: the writer keeps its descriptor, and appending puts the next line at the new beginning.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { statePaths } from '@holdfast/components/paths';

export function unitLog(stateDirectory: string, unitId: string): string {
  return join(statePaths(stateDirectory).logs, `${unitId}.log`);
}

export function rotatedLog(path: string, number: number): string {
  return `${path}.${number}`;
}

export const logLimits = { maxBytes: 20 * 1024 * 1024, keep: 5 };

const chunkBytes = 1024 * 1024;

/** True when it was rotated. `.1` is replaced last: whoever sees a new one knows that the log begins anew (see logs.ts). */
export function rotateLog(path: string, { maxBytes, keep } = logLimits): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.size <= maxBytes) return false;
  const copy = `${path}.tmp`;
  copyAndTruncate(path, copy);
  for (let number = keep - 1; number >= 1; number -= 1) {
    const there = statSync(rotatedLog(path, number), { throwIfNoEntry: false }) !== undefined;
    if (there) renameSync(rotatedLog(path, number), rotatedLog(path, number + 1));
  }
  renameSync(copy, rotatedLog(path, 1));
  return true;
}

/** Copies until there is nothing more to read and truncates at once: what is written between these two calls is lost. */
function copyAndTruncate(from: string, to: string): void {
  const source = openSync(from, 'r+');
  try {
    const target = openSync(to, 'w', 0o600);
    try {
      const chunk = Buffer.allocUnsafe(chunkBytes);
      for (let read = readSync(source, chunk); read > 0; read = readSync(source, chunk)) {
        for (let written = 0; written < read; ) written += writeSync(target, chunk, written, read - written);
      }
      ftruncateSync(source);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** The last lines of a log up to byte `end`, also from before its last rotations. */
export function lastLines(path: string, count: number, end?: number): string[] {
  let text = '';
  for (let number = 0; number <= logLimits.keep && countLines(text) < count; number += 1) {
    const file = number === 0 ? path : rotatedLog(path, number);
    text = readEnd(file, count - countLines(text), number === 0 ? end : undefined) + text;
  }
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return count === 0 ? [] : lines.slice(-count);
}

/** The position behind the last complete line. */
export function endOfLastLine(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return size - Buffer.byteLength(readEnd(path, 0, size));
}

function countLines(text: string): number {
  return text.split('\n').length - 1;
}

/** The file's last `count` complete lines at least and what follows them, up to byte `end`. */
function readEnd(path: string, count: number, end?: number): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    let start = Math.min(end ?? Number.POSITIVE_INFINITY, fstatSync(descriptor).size);
    let bytes = Buffer.alloc(0);
    while (start > 0 && newlines(bytes) <= count) {
      const chunk = Buffer.alloc(Math.min(start, 64 * 1024));
      start -= chunk.length;
      readSync(descriptor, chunk, 0, chunk.length, start);
      bytes = Buffer.concat([chunk, bytes]);
    }
    for (let surplus = newlines(bytes) - count; surplus > 0; surplus -= 1)
      bytes = bytes.subarray(bytes.indexOf(10) + 1);
    return bytes.toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}

function newlines(bytes: Buffer): number {
  return bytes.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0);
}
