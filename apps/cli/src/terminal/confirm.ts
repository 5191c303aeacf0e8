import { confirm, isCancel } from '@clack/prompts';
import { ExitCode, HoldfastError } from '@holdfast/spec';
import type { CommandEnvironment } from '../define-command.js';

/** Asks on a terminal; elsewhere an error says which option answers. `yes` is that option's value. */
export async function askToConfirm(question: string, yes: boolean, environment: CommandEnvironment): Promise<boolean> {
  if (yes) return true;
  environment.output.finish();
  if (process.stdin.isTTY !== true || environment.output.json) {
    throw new HoldfastError({
      code: 'HF_CONFIRMATION_NEEDED',
      message: `${question} There is no terminal to ask on, so nothing was done.`,
      suggestion: 'Give --yes to answer yes.',
      exitCode: ExitCode.usage,
    });
  }
  const answer = await confirm({ message: question, initialValue: false, output: process.stderr });
  return !isCancel(answer) && answer;
}
