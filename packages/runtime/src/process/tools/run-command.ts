import { spawn } from 'node:child_process';
import { timeLimit } from '@holdfast/spec';

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly signal: AbortSignal;
  readonly timeoutMilliseconds: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Called for each line of standard output, for progress. */
  readonly onLine?: (line: string) => void;
}

/** More output than this is cut at the front: what matters in an error stands at the end. */
const keptCharacters = 256 * 1024;

/**
 * Runs a program to its end without a shell and without standard input; collects what it prints.
 * Answers whatever the exit code is; rejects when the program cannot be started, is aborted or takes too long (and is ended then).
 */
export async function runCommand(
  argv: readonly [string, ...string[]],
  options: CommandOptions,
): Promise<CommandResult> {
  const signal = timeLimit(options.signal, options.timeoutMilliseconds);
  signal.throwIfAborted();
  const [program, ...args] = argv;
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    let stdout = '';
    let stderr = '';
    let partial = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-keptCharacters);
      if (options.onLine === undefined) return;
      const lines = (partial + text).split('\n');
      partial = lines.pop() ?? '';
      for (const line of lines) options.onLine(line);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-keptCharacters);
    });
    let force: NodeJS.Timeout | undefined;
    const onAbort = () => {
      child.kill('SIGTERM');
      force = setTimeout(() => child.kill('SIGKILL'), 2000);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const done = () => {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(force);
    };
    child.once('error', (error) => {
      done();
      reject(error);
    });
    child.once('close', (code, endSignal) => {
      done();
      if (signal.aborted) reject(signal.reason);
      else resolve({ code, signal: endSignal, stdout, stderr });
    });
  });
}
