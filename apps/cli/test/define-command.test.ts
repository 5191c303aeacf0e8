import { ExitCode, HoldfastError } from '@holdfast/spec';
import { Command } from 'commander';
import { afterEach, expect, test } from 'vitest';
import { type Action, runs } from '../src/define-command.js';
import { captureOutput, plain } from './support/captured-output.js';

afterEach(() => {
  process.exitCode = undefined;
});

interface Options {
  readonly size?: string;
}

interface Ended {
  readonly code: typeof process.exitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** Parses and runs `program probe …` with this action. */
async function runProbe(action: Action<Options>, ...words: readonly string[]): Promise<Ended> {
  const program = new Command('program').exitOverride();
  const probe = program.command('probe').argument('[names...]').option('--size <size>');
  runs<Options>(probe, [['program probe a', 'with a']], action);
  using captured = captureOutput();
  await program.parseAsync(['node', 'program', 'probe', ...words]);
  return { code: process.exitCode, stdout: captured.stdout, stderr: captured.stderr };
}

test('an action gets its arguments, its options and what all commands share', async () => {
  let seen: unknown;
  const ended = await runProbe(
    async (args, options, environment) => {
      seen = { args, size: options.size, file: environment.file, json: environment.output.json, cwd: environment.cwd };
    },
    'a',
    'b',
    '--size',
    '3',
    '-f',
    'x.yaml',
    '--json',
  );
  expect(seen).toEqual({ args: ['a', 'b'], size: '3', file: 'x.yaml', json: true, cwd: process.cwd() });
  expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
});

test.each([
  [undefined, 0],
  ['text', 0],
  [0, 0],
  [4, 4],
])('an action that answers %s exits with %s', async (answer, code) => {
  expect((await runProbe(async () => answer)).code).toBe(code);
});

test.each(Object.entries(ExitCode).filter(([name]) => name !== 'ok'))(
  'an error exits with its code: %s',
  async (name, exitCode) => {
    const ended = await runProbe(async () => {
      throw new HoldfastError({ code: 'HF_TEST', message: `Failed: ${name}.`, exitCode });
    });
    expect(ended.code).toBe(exitCode);
    expect(plain(ended.stderr)).toBe(`error Failed: ${name}. (HF_TEST)\n`);
    expect(ended.stdout).toBe('');
  },
);

test('a defect exits with 1 and shows its stack only with --debug', async () => {
  const defect: Action<Options> = async () => {
    throw new TypeError('x is undefined');
  };
  const ended = await runProbe(defect);
  expect(ended.code).toBe(ExitCode.failure);
  expect(ended.stderr).not.toMatch(/\n\s+at /);
  expect((await runProbe(defect, '--debug')).stderr).toMatch(/\n\s+at /);
});

test('--json prints the error as the only document', async () => {
  const ended = await runProbe(async () => {
    throw new HoldfastError({ code: 'HF_TEST', message: 'Failed.', suggestion: 'Try again.' });
  }, '--json');
  expect(JSON.parse(ended.stdout)).toEqual({
    error: { code: 'HF_TEST', message: 'Failed.', suggestion: 'Try again.' },
  });
  expect(ended.code).toBe(ExitCode.failure);
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s aborts the action, which ends as interrupted whatever it throws',
  async (name) => {
    const ended = await runProbe(async (_args, _options, { signal }) => {
      const aborted = new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(new Error('cut short'))),
      );
      process.emit(name);
      await aborted;
    });
    expect(ended.code).toBe(ExitCode.interrupted);
    expect(plain(ended.stderr)).toMatch(/^error Interrupted\. \(HF_INTERRUPTED\)/);
  },
);

test('signals are no longer listened to afterwards', async () => {
  const before = process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');
  await runProbe(async () => 0);
  await runProbe(async () => {
    throw new Error('x');
  });
  expect(process.listenerCount('SIGINT') + process.listenerCount('SIGTERM')).toBe(before);
});
