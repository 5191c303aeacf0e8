import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Plan, statePaths, type Unit, unitDirectory } from '@holdfast/components';
import { type Secrets, secretNames } from '@holdfast/spec';
import { supervisorProgram } from '../../src/process/build-id.js';
import { readLockHolder } from '../../src/process/lock.js';
import { signalProcess } from '../../src/process/proc.js';
import { createProcessRuntime } from '../../src/process/process-runtime.js';
import { listMarkedProcesses } from '../../src/process/unit-processes.js';
import type { Runtime, UnitStatus } from '../../src/runtime.js';

export const signal: AbortSignal = new AbortController().signal;

export const secrets = Object.fromEntries(secretNames.map((name) => [name, `value-of-${name}-9f3c`])) as Secrets;

/** A throw-away state folder with secrets in it, and what belongs to it. */
export interface TestCluster {
  readonly directory: string;
  readonly runtime: Runtime;
  plan(...units: Unit[]): Plan;
  apply(...units: Unit[]): ReturnType<Runtime['apply']>;
  unit(id: string, changes?: Partial<Unit>): Unit;
  status(id: string): Promise<UnitStatus>;
  /** Waits until the unit's status fulfils the condition. */
  until(id: string, condition: (status: UnitStatus) => boolean): Promise<UnitStatus>;
  supervisorPid(): number;
  killSupervisor(): Promise<void>;
  read(...path: string[]): string;
  /** Ends everything; throws when something of the cluster was left running. */
  close(): Promise<void>;
}

export function makeTestCluster(name = 'test', below = ''): TestCluster {
  if (!existsSync(supervisorProgram))
    throw new Error('The supervisor is not compiled: run `npx tsc -b packages/runtime` first.');
  const temporary = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-runtime-')));
  chmodSync(temporary, 0o711);
  const directory = join(temporary, below);
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  writeFileSync(statePaths(directory).secrets, JSON.stringify(secrets), { mode: 0o600 });
  const runtime = createProcessRuntime({ stateDirectory: directory, cluster: name });
  const holder = () => readLockHolder(statePaths(directory).supervisorPid);

  const cluster: TestCluster = {
    directory,
    runtime,
    plan: (...units) => ({ cluster: name, units, dynamicConfiguration: {} }),
    apply: (...units) => runtime.apply(cluster.plan(...units), { signal, secrets }),
    unit: (id, changes = {}) => ({
      id,
      component: 'etcd',
      host: '127.0.0.1',
      argv: ['sleep', '1000'],
      env: {},
      files: [],
      volumes: [],
      ports: [],
      user: 'root',
      workingDirectory: unitDirectory(directory, id),
      readiness: { kind: 'tcp', host: '127.0.0.1', port: 1, timeoutMilliseconds: 500 },
      stop: { signal: 'SIGTERM', graceSeconds: 2 },
      restart: { minMilliseconds: 50, maxMilliseconds: 400 },
      reloadSignal: undefined,
      after: undefined,
      territory: undefined,
      ...changes,
    }),
    async status(id) {
      const found = (await runtime.status(signal)).find((each) => each.id === id);
      if (found === undefined) throw new Error(`no unit ${id}`);
      return found;
    },
    until: (id, condition) => eventually(() => cluster.status(id), condition),
    supervisorPid: () => holder()?.pid ?? -1,
    async killSupervisor() {
      const running = holder();
      if (running === undefined) throw new Error('no supervisor runs');
      signalProcess(running, 'SIGKILL');
      await eventually(
        () => holder(),
        (each) => each === undefined,
      );
    },
    read: (...path) => readFileSync(join(directory, ...path), 'utf8'),
    async close() {
      try {
        await runtime.down([], signal);
        const left = [...marked(directory), holder()].filter((each) => each !== undefined);
        if (left.length > 0) throw new Error(`left running: ${JSON.stringify(left)}`);
      } finally {
        const running = holder();
        if (running !== undefined) signalProcess(running, 'SIGKILL');
        for (const each of marked(directory)) signalProcess(each, 'SIGKILL');
        rmSync(temporary, { recursive: true, force: true });
      }
    },
  };
  return cluster;
}

export function marked(directory: string) {
  return listMarkedProcesses()
    .filter((each) => each.stateDirectory === directory)
    .map((each) => each.process);
}

export async function eventually<T>(
  read: () => T | Promise<T>,
  condition: (value: T) => boolean,
  milliseconds = 8_000,
): Promise<T> {
  const limit = Date.now() + milliseconds;
  for (;;) {
    const value = await read();
    if (condition(value)) return value;
    if (Date.now() > limit) throw new Error(`did not come about: ${condition}; last: ${JSON.stringify(value)}`);
    await sleep(20);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** argv of a program in JavaScript. */
export function script(code: string): [string, ...string[]] {
  return [process.execPath, '-e', code];
}

/** A unit's changes that make it listen on a port and be ready then. */
export function listener(port: number): Pick<Unit, 'argv' | 'readiness'> {
  return {
    argv: script(`require('net').createServer((s) => s.destroy()).listen(${port}, '127.0.0.1')`),
    readiness: { kind: 'tcp', host: '127.0.0.1', port, timeoutMilliseconds: 500 },
  };
}
