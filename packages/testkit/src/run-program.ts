import { spawn } from 'node:child_process';

export interface ProgramResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end without standard input; it is killed after the time limit. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: {
    readonly timeoutMilliseconds: number;
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    /** Account to run as, when we are root. */
    readonly account?: { readonly uid: number; readonly gid: number };
  },
): Promise<ProgramResult> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    timeout: options.timeoutMilliseconds,
    killSignal: 'SIGKILL',
    ...options.account,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  return await new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
