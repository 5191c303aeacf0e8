import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The built command line, for node. */
export const cliProgram = fileURLToPath(new URL('../../../apps/cli/dist/holdfast.mjs', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Default 180 s; the command is killed then and the promise rejects. */
  readonly timeoutMilliseconds?: number;
  /** Account to run as, when we are root. */
  readonly account?: { readonly uid: number; readonly gid: number };
  /** Told of the process when it was started, for signals. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** Runs the built command line without a terminal, as a user's script would. */
export async function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const child = spawn(process.execPath, [cliProgram, ...args], {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options.account,
  });
  options.onStart?.(child);
  const limit = options.timeoutMilliseconds ?? 180_000;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, limit);
  try {
    return await new Promise((resolve, reject) => {
      let stdout = '';
      let stderr = '';
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      child.once('error', reject);
      child.once('close', (code) => {
        if (timedOut)
          reject(new Error(`holdfast ${args.join(' ')} did not end within ${limit} ms\n${stdout}\n${stderr}`));
        else resolve({ code, stdout, stderr });
      });
    });
  } finally {
    clearTimeout(timer);
  }
}
