import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderCompletion } from '../src/commands/completion/command.js';
import { createProgram } from '../src/program.js';
import { captureOutput } from './support/captured-output.js';

const timeout = 20_000;
const has = (shell: string) => spawnSync(shell, ['-c', 'exit 0'], { timeout }).status === 0;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-completion-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes what `holdfast completion SHELL` prints into a file. */
async function writeScript(shell: string): Promise<string> {
  using captured = captureOutput();
  await createProgram().parseAsync(['node', 'holdfast', 'completion', shell]);
  expect(process.exitCode).toBe(0);
  process.exitCode = undefined;
  const path = join(folder, `holdfast.${shell}`);
  writeFileSync(path, captured.stdout);
  return path;
}

function checkSyntax(shell: string, path: string): void {
  const result = spawnSync(shell, ['-n', path], { encoding: 'utf8', timeout });
  expect(result.stderr).toBe('');
  expect(result.status).toBe(0);
}

describe.skipIf(!has('bash'))('bash', () => {
  /** What the function that the script registers offers for a line; the last word is the one being typed. */
  async function complete(...words: readonly string[]): Promise<readonly string[]> {
    const path = await writeScript('bash');
    const program = `
      source "$1"; shift
      spec=$(complete -p "$1") || exit 3
      function=$(sed 's/.*-F \\([^ ]*\\).*/\\1/' <<<"$spec")
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}
      "$function" "$1" "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}" || exit 4
      [ \${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"`;
    const result = spawnSync('bash', ['--norc', '-c', program, 'bash', path, ...words], {
      encoding: 'utf8',
      timeout,
      cwd: folder,
    });
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
    return result.stdout.split('\n').filter((line) => line !== '');
  }

  test('is valid', async () => checkSyntax('bash', await writeScript('bash')));

  test('offers all commands', async () => {
    const names = createProgram().commands.map((command) => command.name());
    expect(await complete('holdfast', '')).toEqual(names);
  });

  test.each([
    [['holdfast', 'sw'], ['switchover']],
    [['./holdfast', 'sw'], ['switchover']],
    [['holdfast', 'stat'], ['status']],
    [
      ['holdfast', 're'],
      ['restart', 'reinit', 'resume', 'render'],
    ],
    [['holdfast', 'nothing'], []],
    [['holdfast', 'switchover', '--t'], ['--to']],
    [['holdfast', 'up', '--no'], ['--no-install']],
    [['holdfast', 'down', '--purge', '--y'], ['--yes']],
    [['holdfast', 'config', ''], expect.arrayContaining(['get', 'set'])],
    [['holdfast', 'config', 'g'], ['get']],
    [['holdfast', 'nonsense', '--'], []],
  ])('%j gives %j', async (words, expected) => {
    expect(await complete(...words)).toEqual(expected);
  });
});

test.skipIf(!has('zsh'))('zsh: valid', async () => checkSyntax('zsh', await writeScript('zsh')));

test.skipIf(!has('fish'))('fish: valid', async () => checkSyntax('fish', await writeScript('fish')));

test('another shell has none', () => {
  expect(renderCompletion('tcsh', [])).toBeUndefined();
});

test('quotes and colons in a description stay text', () => {
  const commands = [{ name: 'say', description: "don't: speak", words: ['--loud'] }];
  expect(renderCompletion('zsh', commands)).toContain(`'say:don'\\''t - speak'`);
  expect(renderCompletion('fish', commands)).toContain(`-a say -d 'don'\\''t: speak'`);
});
