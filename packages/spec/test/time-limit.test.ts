import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { timeLimit } from '../src/time-limit.js';

test('aborts with the signal, with its reason', () => {
  const abort = new AbortController();
  const limit = timeLimit(abort.signal, 60_000);
  expect(limit.aborted).toBe(false);
  abort.abort(new Error('enough'));
  expect(limit.reason).toEqual(new Error('enough'));
});

test('aborts after the time, also when the garbage collector has passed in between', () => {
  const compiled = fileURLToPath(new URL('../dist/time-limit.js', import.meta.url));
  const program = `
    const { timeLimit } = await import(${JSON.stringify(compiled)});
    const abort = new AbortController();
    const ended = ((limit) => new Promise((resolve) => {
      limit.addEventListener('abort', () => resolve(limit.reason.name), { once: true });
    }))(timeLimit(abort.signal, 300));
    for (let turn = 0; turn < 5; turn++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const never = new Promise((resolve) => setTimeout(resolve, 5000, 'never'));
    process.stdout.write(await Promise.race([ended, never]));
    process.exit();
  `;
  const { stdout } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(stdout).toBe('TimeoutError');
});
