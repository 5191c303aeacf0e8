import { type ProgramResult, runProgram } from '@holdfast/testkit';

export interface RunOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMilliseconds?: number;
}

/** argv that runs a program as an account that PostgreSQL agrees to: not root. */
export function asPostgres(argv: readonly [string, ...string[]]): readonly [string, ...string[]] {
  return process.getuid?.() === 0
    ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', ...argv]
    : argv;
}

/** Runs a program that must succeed. */
export async function mustRun(argv: readonly [string, ...string[]], options: RunOptions): Promise<ProgramResult> {
  const [program, ...args] = argv;
  const result = await runProgram(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    timeoutMilliseconds: options.timeoutMilliseconds ?? 120_000,
  });
  if (result.code !== 0)
    throw new Error(`${argv.join(' ')} ended with ${result.code}\n${result.stdout}\n${result.stderr}`);
  return result;
}
