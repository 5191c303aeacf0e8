import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLine, Runtime } from '../runtime.js';
import { endOfLastLine, lastLines, logLimits, rotatedLog, unitLog } from './log-files.js';

const pollPause = 200;

/** Needs no supervisor. Ends without an error when the signal aborts while following. */
export async function* readLogs(
  stateDirectory: string,
  units: readonly string[],
  { lines, follow, signal }: Parameters<Runtime['logs']>[1],
): AsyncGenerator<LogLine> {
  const followers: LogFollower[] = [];
  for (const unit of units) {
    const path = unitLog(stateDirectory, unit);
    // What is shown ends exactly where following begins.
    const end = follow ? endOfLastLine(path) : undefined;
    if (end !== undefined) followers.push(new LogFollower(unit, path, end));
    for (const text of lastLines(path, lines, end)) yield { unit, text };
  }
  while (follow && !signal.aborted) {
    for (const follower of followers) yield* follower.readNew();
    await sleep(pollPause, undefined, { signal }).catch(() => undefined);
  }
}

/** Reads what is appended to one log, also across rotations (see log-files.ts). */
class LogFollower {
  #decoder = new StringDecoder('utf8');
  #begun = '';
  /** The latest rotated file that was there when we looked last. */
  #rotated: number | undefined;

  constructor(
    private readonly unit: string,
    private readonly path: string,
    private offset: number,
  ) {
    this.#rotated = inode(rotatedLog(path, 1));
  }

  *readNew(): Generator<LogLine> {
    const newest = inode(rotatedLog(this.path, 1));
    if (newest !== undefined && newest !== this.#rotated) {
      for (const file of this.#rotatedSince()) {
        yield* this.#read(file);
        this.offset = 0;
      }
      this.#rotated = newest;
    }
    yield* this.#read(this.path);
  }

  /** Files that hold what was our log when we looked last and after, oldest first. */
  #rotatedSince(): string[] {
    const files: string[] = [];
    for (let number = 1; number <= logLimits.keep; number += 1) {
      const file = rotatedLog(this.path, number);
      const found = inode(file);
      if (found === undefined || found === this.#rotated) break;
      files.unshift(file);
    }
    return files;
  }

  *#read(path: string): Generator<LogLine> {
    for (let chunk = readAt(path, this.offset); chunk.length > 0; chunk = readAt(path, this.offset)) {
      this.offset += chunk.length;
      const pieces = (this.#begun + this.#decoder.write(chunk)).split('\n');
      this.#begun = pieces.pop() ?? '';
      for (const text of pieces) yield { unit: this.unit, text };
    }
  }
}

function inode(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function readAt(path: string, offset: number): Buffer {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return Buffer.alloc(0);
  }
  try {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    return chunk.subarray(0, readSync(descriptor, chunk, 0, chunk.length, offset));
  } finally {
    closeSync(descriptor);
  }
}
