import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { acquireLock, readLockHolder } from '../src/process/lock.js';
import { readStat } from '../src/process/proc.js';
import { eventually, signal } from './support/test-cluster.js';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-lock-'));
  path = join(directory, 'lock');
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const compiled = new URL('../dist/process/lock.js', import.meta.url).href;

it('is held by one at a time, who is named to the others', async () => {
  const lock = await acquireLock(path, 'holdfast up', signal);
  expect(readLockHolder(path)).toMatchObject({ pid: process.pid, command: 'holdfast up' });
  await expect(acquireLock(path, 'holdfast down', signal)).rejects.toMatchObject({
    code: 'HF_LOCKED',
    exitCode: 5,
    message: expect.stringContaining(`${process.pid} (holdfast up)`),
  });
  lock.release();
  lock.release();
  expect(readLockHolder(path)).toBeUndefined();
  const next = await acquireLock(path, 'holdfast down', signal);
  await next[Symbol.asyncDispose]();
});

it('is won by exactly one of many', async () => {
  const attempts = await Promise.allSettled(
    Array.from({ length: 12 }, () => acquireLock(path, 'up', new AbortController().signal)),
  );
  const won = attempts.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  expect(won.length).toBe(1);
  const said = attempts.flatMap((each) => (each.status === 'rejected' ? [String((each.reason as Error).message)] : []));
  expect(said.filter((text) => !text.includes(`${process.pid} (up)`))).toEqual([]);
  won[0]?.release();
});

it('names a holder that has not written itself into the file yet', async () => {
  writeFileSync(path, '');
  const holder = spawn('flock', ['--no-fork', path, 'sleep', '20'], { stdio: 'ignore' });
  try {
    const isHeld = () => spawnSync('flock', ['--nonblock', path, 'true']).status === 1;
    await eventually(isHeld, (held) => held);
    const refused = acquireLock(path, 'other', signal).catch((error: unknown) => error);
    await sleep(200);
    const startTime = readStat(process.pid)?.startTime;
    writeFileSync(path, JSON.stringify({ pid: process.pid, startTime, command: 'late', since: '' }));
    expect(await refused).toMatchObject({ message: expect.stringContaining(`${process.pid} (late)`) });
  } finally {
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
  }
});

it('vanishes with its holder, and is not inherited by what the holder started', async () => {
  const code = `
    const { acquireLock } = await import(${JSON.stringify(compiled)});
    await acquireLock(${JSON.stringify(path)}, 'holder', new AbortController().signal);
    const child = (await import('node:child_process')).spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  holder.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await eventually(
    () => output,
    (text) => text.includes('\n'),
  );
  const sleeper = Number(output);
  try {
    await expect(acquireLock(path, 'other', signal)).rejects.toMatchObject({ code: 'HF_LOCKED' });
    const ended = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await ended;
    const lock = await acquireLock(path, 'other', signal);
    expect(process.kill(sleeper, 0)).toBe(true);
    lock.release();
  } finally {
    process.kill(sleeper, 'SIGKILL');
  }
});

it('is taken anew when its file was removed meanwhile', async () => {
  const first = await acquireLock(path, 'purge', signal);
  rmSync(path);
  const second = await acquireLock(path, 'up', signal);
  first.release();
  await expect(acquireLock(path, 'third', signal)).rejects.toMatchObject({ code: 'HF_LOCKED' });
  second.release();
});

it('gives up when it is interrupted', async () => {
  await expect(acquireLock(path, 'up', AbortSignal.abort(new Error('Ctrl-C')))).rejects.toThrow('Ctrl-C');
});
