import { ExitCode, HoldfastError } from '@holdfast/spec';
import { expect, test } from 'vitest';
import type { CommandEnvironment } from '../src/define-command.js';
import { askToConfirm } from '../src/terminal/confirm.js';
import { createOutput } from '../src/terminal/output.js';

function environment(json: boolean): CommandEnvironment {
  return { signal: new AbortController().signal, output: createOutput(json), cwd: '/', file: undefined };
}

test('--yes answers', async () => {
  expect(await askToConfirm('Delete it?', true, environment(false))).toBe(true);
});

test.each([[false], [true]])('without a terminal it is an error that names the option (json: %s)', async (json) => {
  expect(process.stdin.isTTY).not.toBe(true);
  const error = await askToConfirm('Delete it?', false, environment(json)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(HoldfastError);
  expect(error).toMatchObject({ code: 'HF_CONFIRMATION_NEEDED', exitCode: ExitCode.usage });
  expect(String(error)).toContain('Delete it?');
  expect((error as HoldfastError).suggestion).toContain('--yes');
});
