import { ExitCode, HoldfastError } from '@holdfast/spec';
import type { Command } from 'commander';
import { runs } from '../../define-command.js';

const shells = ['bash', 'zsh', 'fish'] as const;

export function addCompletion(program: Command): void {
  const command = program
    .command('completion')
    .description('print a completion script')
    .argument('<shell>', shells.join(', '));
  runs(
    command,
    [
      ['source <(holdfast completion bash)', 'in ~/.bashrc'],
      ['holdfast completion zsh > ~/.zfunc/_holdfast', 'in a folder of $fpath'],
      ['holdfast completion fish > ~/.config/fish/completions/holdfast.fish', 'for fish'],
    ],
    async ([shell = ''], _options, environment) => {
      const script = renderCompletion(shell, describeCommands(program));
      if (script === undefined) {
        throw new HoldfastError({
          code: 'HF_USAGE',
          message: `There is no completion for "${shell}".`,
          suggestion: `Choose one of ${shells.join(', ')}.`,
          exitCode: ExitCode.usage,
        });
      }
      environment.output.result({ shell, script }, script);
    },
  );
}

interface CommandWords {
  readonly name: string;
  readonly description: string;
  readonly words: readonly string[];
}

function describeCommands(program: Command): readonly CommandWords[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    words: [
      ...command.commands.map((inner) => inner.name()),
      ...command.options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long])),
    ],
  }));
}

/** Pure. Names and options are our own and hold nothing that a shell would interpret. */
export function renderCompletion(shell: string, commands: readonly CommandWords[]): string | undefined {
  const names = commands.map(({ name }) => name).join(' ');
  const quoted = (text: string) => `'${text.replace(/'/g, "'\\''")}'`;
  switch (shell) {
    case 'bash':
      return [
        '_holdfast() {',
        '  local current="$2" words',
        `  if [ "$COMP_CWORD" -eq 1 ]; then words="${names}"; else`,
        '    set -- $COMP_LINE',
        '    case "$2" in',
        ...commands.map(({ name, words }) => `      ${name}) words="${words.join(' ')}" ;;`),
        '    esac',
        '  fi',
        '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")',
        '}',
        'complete -o default -F _holdfast holdfast ./holdfast',
      ].join('\n');
    case 'zsh':
      return [
        '#compdef holdfast',
        '_holdfast() {',
        '  local -a commands',
        '  commands=(',
        ...commands.map(({ name, description }) => `    ${quoted(`${name}:${description.replace(/:/g, ' -')}`)}`),
        '  )',
        '  if (( CURRENT == 2 )); then _describe command commands; return; fi',
        '  case "$words[2]" in',
        ...commands.map(({ name, words }) => `    ${name}) compadd -- ${words.join(' ')}; _files ;;`),
        '  esac',
        '}',
        '_holdfast "$@"',
      ].join('\n');
    case 'fish':
      return commands
        .flatMap(({ name, description, words }) => [
          `complete -c holdfast -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
          ...words.map((word) =>
            word.startsWith('--')
              ? `complete -c holdfast -n "__fish_seen_subcommand_from ${name}" -l ${word.slice(2)}`
              : `complete -c holdfast -n "__fish_seen_subcommand_from ${name}" -a ${word}`,
          ),
        ])
        .join('\n');
    default:
      return undefined;
  }
}
