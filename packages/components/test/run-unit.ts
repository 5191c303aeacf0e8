import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fillTemplate, type Secrets, secretNames } from '@holdfast/spec';
import type { Unit } from '../src/index.js';

/** A little of what a runtime does, so that rendered files meet their real programs. */
export interface RunningUnit extends AsyncDisposable {
  readonly process: ChildProcess;
  /** Everything it wrote so far. */
  output(): string;
  stop(): Promise<void>;
}

export const testSecrets = Object.fromEntries(
  secretNames.map((name) => [name, `secret-of-${name}`]),
) as unknown as Secrets;

/** Node 20 has no AsyncDisposableStack. */
export class Disposables implements AsyncDisposable {
  readonly #all: AsyncDisposable[] = [];

  use<T extends AsyncDisposable>(one: T): T {
    this.#all.push(one);
    return one;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#all.splice(0).reverse()) await one[Symbol.asyncDispose]();
  }
}

/** A folder that other accounts may enter. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-components-'));
  chmodSync(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const isRoot = process.getuid?.() === 0;

function account(name: string): { readonly uid: number; readonly gid: number } | undefined {
  if (!isRoot) return undefined;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${name}:`));
  if (line === undefined) throw new Error(`This machine has no account ${name}.`);
  const [, , uid, gid] = line.split(':').map(Number);
  return { uid: uid ?? 0, gid: gid ?? 0 };
}

/** Writes the unit's files and makes its volumes. */
export function prepareUnit(unit: Unit): void {
  const owner = account(unit.user);
  const own = (path: string) => owner && chownSync(path, owner.uid, owner.gid);
  for (const { path, mode } of unit.volumes) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, mode);
    own(path);
  }
  for (const { path, mode, content } of unit.files) {
    writeFileSync(path, fillTemplate(content, testSecrets), { mode });
    own(path);
  }
}

export interface RunOptions {
  /** Instead of the unit's own arguments. */
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export function startUnit(unit: Unit, options: RunOptions = {}): RunningUnit {
  prepareUnit(unit);
  const [program = '', ...args] = options.argv ?? unit.argv;
  const env = Object.entries(unit.env).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : testSecrets[value.secret],
  ]);
  const child = spawn(program, args, {
    cwd: unit.workingDirectory,
    env: { ...Object.fromEntries(env), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...account(unit.user),
  });
  const ended = once(child, 'close');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));

  async function stop(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) child.kill(unit.stop.signal);
    const killer = setTimeout(() => child.kill('SIGKILL'), unit.stop.graceSeconds * 1000);
    await ended;
    clearTimeout(killer);
  }
  return { process: child, output: () => output, stop, [Symbol.asyncDispose]: stop };
}

/** Runs a unit's program with other arguments until it ends by itself: its exit code and what it wrote. */
export async function runOnce(unit: Unit, options: RunOptions): Promise<{ code: number | null; output: string }> {
  await using running = startUnit(unit, options);
  await once(running.process, 'close', { signal: AbortSignal.timeout(20_000) });
  return { code: running.process.exitCode, output: running.output() };
}

export async function waitUntil(what: string, check: () => Promise<boolean>, seconds = 20): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await check().catch(() => false))) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(25);
  }
}

export async function waitReady(unit: Unit, running: RunningUnit): Promise<void> {
  const { readiness } = unit;
  const check = async () => {
    if (running.process.exitCode !== null) return true;
    if (readiness.kind === 'running') return true;
    if (readiness.kind === 'tcp') return await acceptsTcp(readiness.host, readiness.port);
    const signal = AbortSignal.timeout(readiness.timeoutMilliseconds);
    return readiness.statuses.includes((await fetch(readiness.url, { signal })).status);
  };
  await waitUntil(`${unit.id} ready`, check).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${running.output()}`);
  });
  if (running.process.exitCode !== null) throw new Error(`${unit.id} ended:\n${running.output()}`);
}

async function acceptsTcp(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}

export function unitOf(units: readonly Unit[], id: string): Unit {
  const found = units.find((unit) => unit.id === id);
  if (found === undefined) throw new Error(`no unit ${id}`);
  return found;
}
