import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lastLines, rotateLog, unitLog } from '../src/process/log-files.js';
import { readLogs } from '../src/process/logs.js';
import { eventually } from './support/test-cluster.js';

let directory: string;
let log: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-logs-'));
  mkdirSync(join(directory, 'logs'));
  log = unitLog(directory, 'one');
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `line ${from + index}`);
const append = (...all: string[]) => appendFileSync(log, all.map((each) => `${each}\n`).join(''));
const limits = { maxBytes: 300, keep: 5 };

async function collect(options: { lines: number; follow: boolean; signal: AbortSignal }): Promise<string[]> {
  const found: string[] = [];
  for await (const { text } of readLogs(directory, ['one'], options)) found.push(text);
  return found;
}
const { signal } = new AbortController();

it('shows the last lines, also from before rotations', async () => {
  append(...lines(0, 60));
  expect(rotateLog(log, limits)).toBe(true);
  append(...lines(60, 120));
  expect(rotateLog(log, limits)).toBe(true);
  append(...lines(120, 125));
  expect(rotateLog(log, limits)).toBe(false);
  expect(await collect({ lines: 3, follow: false, signal })).toEqual(lines(122, 125));
  expect(await collect({ lines: 30, follow: false, signal })).toEqual(lines(95, 125));
  expect(await collect({ lines: 500, follow: false, signal })).toEqual(lines(0, 125));
  expect(await collect({ lines: 0, follow: false, signal })).toEqual([]);
  appendFileSync(log, 'begun');
  expect(lastLines(log, 2)).toEqual(['line 124', 'begun']);
});

it('shows the end of a long file', async () => {
  append(...lines(0, 50_000));
  expect(await collect({ lines: 20_000, follow: false, signal })).toEqual(lines(30_000, 50_000));
});

it('has nothing to show for a unit that never ran', async () => {
  expect(await collect({ lines: 10, follow: false, signal })).toEqual([]);
});

it('keeps no more files than it should', () => {
  for (let round = 0; round < 8; round += 1) {
    append(...lines(0, 60));
    rotateLog(log, limits);
  }
  expect(existsSync(`${log}.5`)).toBe(true);
  expect(existsSync(`${log}.6`)).toBe(false);
  expect(statSync(`${log}.1`).mode & 0o777).toBe(0o600);
});

it('loses and repeats nothing of a steady writer, in the files and for a follower, across rotations', async () => {
  const total = 400;
  append('before');
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const { text } of readLogs(directory, ['one'], { lines: 1, follow: true, signal: stop.signal }))
      seen.push(text);
  })();
  const output = openSync(log, 'a');
  const code = `let n = 0; const timer = setInterval(() => {
    require('fs').writeSync(1, 'line ' + n + ' grün\\n'); n += 1; if (n === ${total}) clearInterval(timer); }, 5)`;
  const writer = spawn(process.execPath, ['-e', code], { stdio: ['ignore', output, 'inherit'] });
  const ended = once(writer, 'exit');
  let rotations = 0;
  const rotating = setInterval(() => {
    if (rotateLog(log, { maxBytes: 800, keep: 50 })) rotations += 1;
  }, 250);
  await ended;
  clearInterval(rotating);
  expect(rotations).toBeGreaterThanOrEqual(3);
  const expected = ['before', ...lines(0, total).map((line) => `${line} grün`)];
  const files = [...Array.from({ length: rotations }, (_, index) => `${log}.${rotations - index}`), log];
  expect(files.map((file) => readFileSync(file, 'utf8')).join('')).toBe(`${expected.join('\n')}\n`);
  await eventually(
    () => seen.length,
    (count) => count >= expected.length,
  );
  await sleep(250);
  stop.abort();
  await following;
  expect(seen).toEqual(expected);
});
