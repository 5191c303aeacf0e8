import { spawn } from 'node:child_process';
import { timeLimit } from '@holdfast/spec';
import { kubectlFailed, kubectlMissing } from './errors.js';
import { judgeKubectlFailure } from './kubectl-failure.js';

/** How long a question may take, and an order that waits for pods. */
const questionMilliseconds = 20_000;
export const orderMilliseconds = 300_000;
/** More than this is not kept: a list of a cluster's objects is far below. */
const keptBytes = 32 * 2 ** 20;

export interface KubectlOptions {
  readonly signal: AbortSignal;
  readonly timeoutMilliseconds?: number;
  /** Standard input, as for `-f -`; may hold secrets, and is in no command line. */
  readonly input?: string;
}

/** The kubectl command, against the cluster that it talks to by itself (KUBECONFIG, the current context). */
export interface Kubectl {
  /** Its standard output. Throws HF_KUBERNETES_… by what it said. */
  run(args: readonly string[], options: KubectlOptions): Promise<string>;
  /** The same for `-o json`; undefined: there is no such object. */
  get<Value>(args: readonly string[], options: KubectlOptions): Promise<Value | undefined>;
}

export const kubectl: Kubectl = {
  run,
  async get<Value>(args: readonly string[], options: KubectlOptions): Promise<Value | undefined> {
    const text = await run(['get', ...args, '--ignore-not-found', '--output', 'json'], options);
    return text.trim() === '' ? undefined : (JSON.parse(text) as Value);
  },
};

async function run(args: readonly string[], options: KubectlOptions): Promise<string> {
  const { timeoutMilliseconds = questionMilliseconds, input } = options;
  const name = `kubectl ${args[0] ?? ''}`;
  const signal = timeLimit(options.signal, timeoutMilliseconds);
  signal.throwIfAborted();
  return await new Promise<string>((resolve, reject) => {
    const child = spawn('kubectl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    let size = 0;
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= keptBytes) stdout.push(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-65_536);
    });
    const onAbort = () => child.kill('SIGKILL');
    signal.addEventListener('abort', onAbort, { once: true });
    child.once('error', (error: NodeJS.ErrnoException) => {
      signal.removeEventListener('abort', onAbort);
      reject(error.code === 'ENOENT' ? kubectlMissing(error) : error);
    });
    child.once('close', (code) => {
      signal.removeEventListener('abort', onAbort);
      if (options.signal.aborted) reject(options.signal.reason);
      else if (signal.aborted) reject(kubectlFailed(name, `no answer within ${timeoutMilliseconds / 1000} s`));
      else if (code !== 0) reject(judgeKubectlFailure(name, stderr));
      else resolve(Buffer.concat(stdout).toString('utf8'));
    });
    // It may end before it has read everything.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });
}
