import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CliResult, createThrowAwayFolder, runCli, type ThrowAwayFolder } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** The built command line as a script sees it: exit codes and streams. Nothing is started here. */
let folder: ThrowAwayFolder;

beforeAll(async () => {
  folder = await createThrowAwayFolder();
});

afterAll(async () => await folder[Symbol.asyncDispose]());

const holdfast = async (...args: readonly string[]): Promise<CliResult> =>
  await runCli(args, { cwd: folder.path, timeoutMilliseconds: 30_000, env: { FORCE_COLOR: undefined } });

test('--version and --help succeed on standard output', async () => {
  const version = await holdfast('--version');
  const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(version).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  const help = await holdfast('up', '--help');
  expect(help.code).toBe(0);
  expect(help.stdout).toContain('Examples:');
  expect(help.stderr).toBe('');
});

describe('wrong usage exits with 2 and says so on standard error', () => {
  test.each([
    [['nonsense'], "unknown command 'nonsense'"],
    [['up', '--nonsense'], "unknown option '--nonsense'"],
    [['config', 'nonsense'], "unknown command 'nonsense'"],
    [['config', 'get', '--nonsense'], "unknown option '--nonsense'"],
    [['restart'], 'holdfast restart pg2, or holdfast restart --all'],
    [['reinit'], "missing required argument 'member'"],
    [['status', 'too', 'many'], 'too many arguments'],
    [['completion', 'tcsh'], 'HF_USAGE'],
    [['up', '-f', 'missing.yaml'], 'missing.yaml'],
  ])('%j', async (args, words) => {
    const result = await holdfast(...args);
    expect(result.stderr).toContain(words);
    expect(result.code).toBe(2);
    expect(result.stdout).toBe('');
    expect(result.stderr).not.toMatch(/\n\s+at /);
  });
});

test('init writes a file once, and never over one that is there', async () => {
  const path = join(folder.path, 'holdfast.yaml');
  const first = await holdfast('init', '--name', 'shop', '--json');
  expect(first.code).toBe(0);
  expect(JSON.parse(first.stdout)).toEqual({ file: path });
  const text = await readFile(path, 'utf8');
  expect(text).toContain('\nname: shop\n');

  const second = await holdfast('init', '--name', 'other', '--json');
  expect(second.code).toBe(2);
  expect(JSON.parse(second.stdout)).toMatchObject({ error: { code: 'HF_INIT_EXISTS' } });
  expect(await readFile(path, 'utf8')).toBe(text);
});

test.each([['0'], ['16'], ['three']])('init refuses %s members and writes nothing', async (members) => {
  const result = await holdfast('init', '-f', 'refused.yaml', '--members', members, '--json');
  expect(result.code).toBe(2);
  expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: 'HF_SPEC_INVALID' } });
  await expect(readFile(join(folder.path, 'refused.yaml'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('what needs a cluster that never was says so', async () => {
  for (const command of [
    ['url', 'rw'],
    ['psql'],
    ['env'],
    ['keys'],
    ['keys', 'rotate', 'secret', '--yes'],
    ['install-service', '-o', '-'],
  ]) {
    const result = await holdfast(...command, '-f', 'holdfast.yaml', '--json');
    expect(JSON.parse(result.stdout), command.join(' ')).toMatchObject({ error: { code: 'HF_NOT_UP' } });
    expect(result.code, command.join(' ')).toBe(4);
  }
});
