import { ExitCode, HoldfastError } from '@holdfast/spec';
import { describe, expect, test } from 'vitest';
import { createOutput, indent } from '../src/terminal/output.js';
import { captureOutput, plain } from './support/captured-output.js';

const refused = new HoldfastError({
  code: 'HF_TEST_REFUSED',
  message: 'The test was refused.',
  detail: 'first line\nsecond line',
  suggestion: 'holdfast status',
  exitCode: ExitCode.state,
  cause: new Error('the door is shut'),
});

describe('a result', () => {
  test('is text on standard output, with one newline at its end', () => {
    using captured = captureOutput();
    createOutput(false).result({ a: 1 }, 'done');
    createOutput(false).result({ a: 1 }, 'done\n');
    expect(captured.stdout).toBe('done\ndone\n');
    expect(captured.stderr).toBe('');
  });

  test('is nothing at all when there is no text', () => {
    using captured = captureOutput();
    createOutput(false).result({ a: 1 }, '');
    expect(captured.stdout).toBe('');
  });

  test('is the document with --json', () => {
    using captured = captureOutput();
    createOutput(true).result({ a: [1, null] }, 'done');
    expect(JSON.parse(captured.stdout)).toEqual({ a: [1, null] });
    expect(captured.stdout.endsWith('}\n')).toBe(true);
  });
});

test('progress and notes go to standard error, a line each, without cursor movements where there is no terminal', () => {
  using captured = captureOutput();
  const output = createOutput(false);
  output.progress.step('Starting etcd');
  output.progress.note('etcd1 is ready');
  output.progress.step('Starting members');
  output.note('by the way');
  output.finish();
  expect(captured.stdout).toBe('');
  expect(captured.stderr).toBe('Starting etcd\n  etcd1 is ready\nStarting members\nby the way\n');
});

describe('an error', () => {
  test('says what happened, its code, the detail and what to do', () => {
    using captured = captureOutput();
    createOutput(false).error(refused, false);
    expect(plain(captured.stderr)).toBe(
      'error The test was refused. (HF_TEST_REFUSED)\n  first line\n  second line\nwhat to do: holdfast status\n',
    );
    expect(captured.stdout).toBe('');
  });

  test('is also a document on standard output with --json', () => {
    using captured = captureOutput();
    createOutput(true).error(refused, false);
    expect(JSON.parse(captured.stdout)).toEqual({
      error: {
        code: 'HF_TEST_REFUSED',
        message: 'The test was refused.',
        detail: 'first line\nsecond line',
        suggestion: 'holdfast status',
      },
    });
    expect(plain(captured.stderr)).toContain('HF_TEST_REFUSED');
  });

  test('shows stack traces, causes included, only with --debug', () => {
    using captured = captureOutput();
    createOutput(false).error(refused, false);
    expect(captured.stderr).not.toMatch(/\n\s+at /);
    createOutput(false).error(refused, true);
    expect(captured.stderr).toMatch(/\n\s+at /);
    expect(captured.stderr).toContain('caused by Error: the door is shut');
  });

  test.each([[new TypeError('x is undefined')], ['x is undefined']])('%s of our own is called a defect', (error) => {
    using captured = captureOutput();
    createOutput(true).error(error, false);
    expect(plain(captured.stderr)).toMatch(
      /^error x is undefined \(HF_INTERNAL\)\nwhat to do: This is a defect of Holdfast/,
    );
    expect(JSON.parse(captured.stdout)).toEqual({ error: { code: 'HF_INTERNAL', message: 'x is undefined' } });
  });
});

test('indent moves every line', () => {
  expect(indent('a\n b')).toBe('  a\n   b');
});
