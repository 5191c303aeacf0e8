import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { timeLimit } from '@holdfast/spec';
import { privatePostgresFailed } from '../../errors.js';
import { findAccount, isRoot } from '../accounts.js';
import { findProgram } from '../tools/programs.js';
import { runCommand } from '../tools/run-command.js';
import type { KeeperAnswer, KeeperOrder } from './order.js';

/** Compiled, also when this file runs from its source. */
const program = fileURLToPath(new URL('../../../dist/process/private-postgres/keeper-main.js', import.meta.url));

const startMilliseconds = 60_000;
const endMilliseconds = 10_000;

export interface PrivatePostgresOptions {
  /** Folder of initdb and postgres. */
  readonly bin: string;
  /** The account that it runs as when we are root; PostgreSQL refuses to run as root. */
  readonly user: string;
  /** As PostgreSQL names them: `UTF8`, `C.UTF-8`. */
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  /** shared_preload_libraries. */
  readonly preload: string;
  /** After so long it ends by itself: whoever asked for it has been frozen. */
  readonly boundMilliseconds: number;
  readonly signal: AbortSignal;
}

export interface PrivatePostgres extends AsyncDisposable {
  /** Folder of its socket, on port 5432; the superuser postgres needs no password, and nobody else can enter the folder. */
  readonly socketFolder: string;
  /** It has no network: what runs in it reaches no other server. */
  readonly isolated: boolean;
}

/**
 * Starts an empty PostgreSQL that lives in a temporary folder and is gone with it: no TCP, no durability, no network where the kernel lets
 * us take it away. A process of its own, the keeper, ends and deletes it when our end of a pipe closes, whatever closes it (SIGKILL
 * included), and after a time in any case; what a killed keeper leaves, the next one removes. Throws HF_SHADOW_START.
 */
export async function startPrivatePostgres(options: PrivatePostgresOptions): Promise<PrivatePostgres> {
  const { signal } = options;
  signal.throwIfAborted();
  const account = isRoot() ? findAccount(options.user) : undefined;
  if (isRoot() && account === undefined) {
    throw privatePostgresFailed(`there is no account ${options.user}, and PostgreSQL does not run as root`);
  }
  const isolation = await networkIsolation(signal);
  // A session of its own: a Ctrl-C is for us.
  const [command = process.execPath, ...args] = [...isolation, process.execPath, program];
  const child = spawn(command, args, { cwd: '/', detached: true, env: {}, stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
  child.stdin.on('error', () => {});
  const order: KeeperOrder = {
    bin: options.bin,
    account,
    temporaryFolders: [tmpdir(), '/tmp', '/var/tmp'],
    encoding: options.encoding,
    collate: options.collate,
    ctype: options.ctype,
    preload: options.preload,
    boundMilliseconds: options.boundMilliseconds,
  };
  child.stdin.write(`${JSON.stringify(order)}\n`);
  const end = async () => await endKeeper(child, ended);
  try {
    const answer = await firstAnswer(child, timeLimit(signal, startMilliseconds));
    if ('failed' in answer) throw privatePostgresFailed(answer.failed);
    return { socketFolder: answer.ready, isolated: isolation.length > 0, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    signal.throwIfAborted();
    if ((error as Error).name === 'TimeoutError') {
      throw privatePostgresFailed(`it was not ready within ${startMilliseconds / 1000} s`);
    }
    throw error;
  }
}

/** What to put before a command so that it has a network of its own with nothing in it; empty where the kernel refuses that. */
async function networkIsolation(signal: AbortSignal): Promise<readonly string[]> {
  const unshare = await findProgram('unshare');
  if (unshare === undefined) return [];
  const prefix = [unshare, '--net', ...(isRoot() ? [] : ['--map-current-user']), '--'] as const;
  const tried = await runCommand([unshare, ...prefix.slice(1), '/bin/true'], {
    signal,
    timeoutMilliseconds: 5000,
  }).catch(() => undefined);
  signal.throwIfAborted();
  return tried?.code === 0 ? prefix : [];
}

async function firstAnswer(child: ChildProcess, limit: AbortSignal): Promise<KeeperAnswer> {
  const { stdout } = child;
  if (stdout === null) throw new Error('the keeper has no output');
  const lines = createInterface({ input: stdout });
  const abort = () => lines.close();
  limit.addEventListener('abort', abort, { once: true });
  try {
    for await (const line of lines) return JSON.parse(line) as KeeperAnswer;
    limit.throwIfAborted();
    return { failed: 'the process that was to run it ended at once' };
  } finally {
    limit.removeEventListener('abort', abort);
  }
}

/** Its input ends, and with it the server and the folder. A keeper that takes longer is left to itself: killed, it would leave the rest. */
async function endKeeper(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.stdin?.end();
  child.stdout?.resume();
  await Promise.race([ended, sleep(endMilliseconds, undefined, { ref: false })]);
  child.unref();
}
