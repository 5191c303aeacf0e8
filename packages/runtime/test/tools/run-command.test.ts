import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runCommand } from '../../src/process/tools/run-command.js';

const never = new AbortController().signal;
const options = { signal: never, timeoutMilliseconds: 10_000 };

/** Neither running nor waiting to be reaped. */
function isGone(pid: number): boolean {
  try {
    readFileSync(`/proc/${pid}/stat`);
    return false;
  } catch {
    return true;
  }
}

test('collects both streams and the exit code, whatever it is', async () => {
  const result = await runCommand(['sh', '-c', 'echo out; echo err >&2; exit 3'], options);
  expect(result).toEqual({ code: 3, signal: null, stdout: 'out\n', stderr: 'err\n' });
});

test('says which signal ended the program', async () => {
  const result = await runCommand(['sh', '-c', 'kill -TERM $$'], options);
  expect(result).toMatchObject({ code: null, signal: 'SIGTERM' });
});

test('no shell reads the arguments', async () => {
  const result = await runCommand(['printf', '%s|', '$HOME', 'a b', '; exit 1', '*'], options);
  expect(result.stdout).toBe('$HOME|a b|; exit 1|*|');
});

test('there is no standard input to wait for', async () => {
  expect((await runCommand(['cat'], options)).stdout).toBe('');
});

test('environment and folder', async () => {
  const result = await runCommand(['/bin/sh', '-c', 'pwd; echo "$PROBE"; echo "[$HOME]"'], {
    ...options,
    cwd: '/usr',
    env: { PROBE: 'yes' },
  });
  expect(result.stdout).toBe('/usr\nyes\n[]\n');
});

test('tells whole lines as they come', async () => {
  const lines: string[] = [];
  await runCommand(['sh', '-c', 'printf "a\\nb"; sleep 0.1; printf "c\\nü\\n"'], {
    ...options,
    onLine: (line) => lines.push(line),
  });
  expect(lines).toEqual(['a', 'bc', 'ü']);
});

test('keeps the end of endless output', async () => {
  const result = await runCommand(['sh', '-c', 'seq 1 200000'], options);
  expect(result.stdout.length).toBeLessThanOrEqual(256 * 1024);
  expect(result.stdout.endsWith('\n199999\n200000\n')).toBe(true);
});

test('a program that is not there rejects', async () => {
  await expect(runCommand(['/nonexistent/program'], options)).rejects.toMatchObject({ code: 'ENOENT' });
});

describe('ends the program', () => {
  const script = 'echo $$; exec sleep 20';

  test('at an abort, with its reason', async () => {
    const abort = new AbortController();
    const reason = new Error('Ctrl-C');
    let pid = 0;
    const ended = runCommand(['sh', '-c', script], {
      ...options,
      signal: abort.signal,
      onLine: (line) => {
        pid = Number(line);
        abort.abort(reason);
      },
    });
    await expect(ended).rejects.toBe(reason);
    expect(pid).toBeGreaterThan(1);
    expect(isGone(pid)).toBe(true);
  });

  test('after its time', async () => {
    let pid = 0;
    const start = performance.now();
    const ended = runCommand(['sh', '-c', script], {
      signal: never,
      timeoutMilliseconds: 300,
      onLine: (line) => {
        pid = Number(line);
      },
    });
    await expect(ended).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(performance.now() - start).toBeLessThan(2000);
    expect(isGone(pid)).toBe(true);
  });

  test('by SIGKILL two seconds later when it does not listen', async () => {
    let pid = 0;
    const start = performance.now();
    const ended = runCommand(
      [
        process.execPath,
        '-e',
        "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log(process.pid)",
      ],
      {
        signal: never,
        timeoutMilliseconds: 1000,
        onLine: (line) => {
          pid = Number(line);
        },
      },
    );
    await expect(ended).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(performance.now() - start).toBeGreaterThan(2500);
    expect(pid).toBeGreaterThan(1);
    expect(isGone(pid)).toBe(true);
  });

  test('an abort before the start starts nothing', async () => {
    await expect(
      runCommand(['/nonexistent/program'], { ...options, signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
