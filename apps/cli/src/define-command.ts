import { ExitCode, HoldfastError } from '@holdfast/spec';
import type { Command } from 'commander';
import { createOutput, type Output } from './terminal/output.js';

/** Options that every command takes. */
export interface CommonOptions {
  readonly file?: string;
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** What a command's action gets beside its arguments. */
export interface CommandEnvironment {
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  readonly output: Output;
  readonly cwd: string;
  /** The value of -f. */
  readonly file: string | undefined;
}

/** A number it answers is the exit code; anything else means success. */
export type Action<Options> = (
  args: readonly string[],
  options: Options & CommonOptions,
  environment: CommandEnvironment,
) => Promise<unknown>;

/**
 * Adds what all commands share to one: -f, --json, --debug, examples below the help, errors as words and exit codes, Ctrl-C as an abort.
 * Call after the command's own arguments and options were declared.
 */
export function runs<Options>(
  command: Command,
  examples: readonly (readonly [string, string])[],
  action: Action<Options>,
): Command {
  // `logs` has a -f of its own, which takes a file as well.
  if (!command.options.some(({ short }) => short === '-f')) {
    command.option('-f, --file <file>', 'the cluster to use, default ./holdfast.yaml if it is there');
  }
  command.option('--json', 'print the result, or the error, as JSON').option('--debug', 'print stack traces');
  const width = Math.max(...examples.map(([text]) => text.length));
  command.addHelpText(
    'after',
    `\nExamples:\n${examples.map(([text, meaning]) => `  ${text.padEnd(width)}  ${meaning}`).join('\n')}\n`,
  );
  return command.action(async () => {
    const options = command.opts<Options & CommonOptions>();
    process.exitCode = await execute(
      command.processedArgs
        .flat()
        .filter((argument) => argument !== undefined)
        .map(String),
      options,
      action,
    );
  });
}

async function execute<Options>(
  args: readonly string[],
  options: Options & CommonOptions,
  action: Action<Options>,
): Promise<number> {
  const abort = new AbortController();
  const interrupt = () => abort.abort(interrupted());
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const output = createOutput(options.json === true);
  try {
    const code = await action(args, options, { signal: abort.signal, output, cwd: process.cwd(), file: options.file });
    output.finish();
    return typeof code === 'number' ? code : ExitCode.ok;
  } catch (error) {
    const shown = abort.signal.aborted ? abort.signal.reason : error;
    output.error(shown, options.debug === true);
    return shown instanceof HoldfastError ? shown.exitCode : ExitCode.failure;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

function interrupted(): HoldfastError {
  return new HoldfastError({
    code: 'HF_INTERRUPTED',
    message: 'Interrupted.',
    suggestion: 'What was begun goes on where it can; `holdfast status` shows it, and the same command continues.',
    exitCode: ExitCode.interrupted,
  });
}
