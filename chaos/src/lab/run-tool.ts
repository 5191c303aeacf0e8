import { spawn } from 'node:child_process';
import { toolFailed, toolMissing } from '../errors.js';

export interface ToolOptions {
  readonly signal: AbortSignal;
  readonly input?: string;
  /** Default 10 s. */
  readonly timeoutMilliseconds?: number;
}

/** Runs a program of the system to its end; answers its standard output. Throws HF_CHAOS_TOOL_MISSING and HF_CHAOS_TOOL_FAILED. */
export async function runTool(program: string, args: readonly string[], options: ToolOptions): Promise<string> {
  const timeout = options.timeoutMilliseconds ?? 10_000;
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Debian keeps these out of the PATH of ordinary accounts.
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' },
    timeout,
    killSignal: 'SIGKILL',
    signal: options.signal,
  });
  return await new Promise((resolve, reject) => {
    let output = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? toolMissing(program) : error),
    );
    child.once('close', (code, ended) => {
      if (code === 0) resolve(output);
      else reject(toolFailed([program, ...args].join(' '), ended ?? `exit ${code}`, complaint.trim()));
    });
  });
}

/** argv that runs a program in a network namespace; the program takes nsenter's place. */
export function inNamespace(namespace: string, argv: readonly string[]): readonly string[] {
  return ['nsenter', `--net=/run/netns/${namespace}`, '--', ...argv];
}

/** The same, run. */
export async function runToolIn(namespace: string, argv: readonly string[], options: ToolOptions): Promise<string> {
  const [program = '', ...args] = inNamespace(namespace, argv);
  return await runTool(program, args, options);
}
