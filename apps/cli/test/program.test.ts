import { type Command, CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../src/program.js';
import { version } from '../src/version.js';
import { captureOutput, plain } from './support/captured-output.js';

/** Every command that does something, by what one types for it. */
function listCommands(parent: Command, path: readonly string[] = []): readonly (readonly [string, Command])[] {
  return parent.commands.flatMap((command) => {
    const words = [...path, command.name()];
    return command.commands.length > 0 ? listCommands(command, words) : [[words.join(' '), command] as const];
  });
}

async function parse(...words: readonly string[]): Promise<{ error: unknown; stdout: string; stderr: string }> {
  using captured = captureOutput();
  const error: unknown = await createProgram()
    .parseAsync(['node', 'holdfast', ...words])
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  return { error, stdout: plain(captured.stdout), stderr: plain(captured.stderr) };
}

const commands = listCommands(createProgram());

test('the commands', () => {
  const names = commands.map(([name]) => name);
  for (const name of [
    ...['init', 'up', 'down', 'status', 'ps', 'logs', 'psql', 'url', 'doctor', 'switchover', 'failover', 'restart'],
    ...[
      'reinit',
      'pause',
      'resume',
      'env',
      'keys list',
      'keys rotate',
      'config get',
      'config set',
      'render',
      'install-service',
      'completion',
    ],
  ]) {
    expect(names).toContain(name);
  }
  expect(new Set(names).size).toBe(names.length);
});

describe.each(commands)('%s', (name, command) => {
  test('is described and takes -f, --json and --debug', () => {
    expect(command.description()).not.toBe('');
    const flags = command.options.map(({ flags }) => flags);
    // `logs -f` follows and `db diff -f` writes, as people know them, and both still take a file.
    const own: Record<string, readonly string[]> = {
      logs: ['-f [file]', '--file <file>'],
      'db diff': ['-f <name>', '--file <name>'],
    };
    const file = own[name] ?? ['-f, --file <file>'];
    expect(flags).toEqual(expect.arrayContaining([...file, '--json', '--debug']));
    for (const option of command.options) expect(option.description, option.flags).not.toBe('');
  });

  test('has help with examples that name it and only options that it has', async () => {
    const { error, stdout } = await parse(...name.split(' '), '--help');
    expect(error).toBeInstanceOf(CommanderError);
    expect(error).toMatchObject({ exitCode: 0 });
    expect(stdout).toContain(`Usage: holdfast ${name}`);
    const examples = stdout.split('\nExamples:\n')[1]?.trim().split('\n') ?? [];
    expect(examples.length).toBeGreaterThan(0);
    const options = command.options.flatMap(({ short, long }) => [short, long]);
    for (const example of examples) {
      expect(example).toContain(`holdfast ${name}`);
      const own = /holdfast (.*?)(?: {2}|\)|\||$)/.exec(example)?.[1]?.split(' -- ')[0] ?? '';
      for (const option of own.split(' ').filter((word) => /^--?[a-z]/.test(word))) expect(options).toContain(option);
    }
  });

  test('refuses an unknown option', async () => {
    const mandatory = command.options.filter((option) => option.mandatory).flatMap(({ long }) => [long ?? '', 'x']);
    const { error, stderr } = await parse(...name.split(' '), ...mandatory, '--no-such-option');
    expect(error).toBeInstanceOf(CommanderError);
    expect(stderr).toContain("unknown option '--no-such-option'");
  });
});

test('--version is that of the package', async () => {
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect((await parse('--version')).stdout).toBe(`${version}\n`);
});

test('a mistyped command gets a suggestion', async () => {
  expect((await parse('swichover')).stderr).toMatch(/unknown command 'swichover'\s+\(Did you mean switchover\?\)/);
});

test('help lists every command and the exit codes', async () => {
  const { stdout } = await parse('--help');
  for (const [name] of commands) expect(stdout).toMatch(new RegExp(`^ {2}${name.split(' ')[0]}\\b`, 'm'));
  expect(stdout).toContain('Exit codes: 0 done, 1 failed, 2 wrong usage or spec');
});
