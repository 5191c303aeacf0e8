import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { supervisorProgram } from '../src/process/build-id.js';
import { bootId, isAlive, readEnvironmentVariable, readStat, signalProcess } from '../src/process/proc.js';
import type { UnitRecord } from '../src/process/unit-record.js';
import {
  eventually,
  freePort,
  listener,
  makeTestCluster,
  script,
  signal,
  type TestCluster,
} from './support/test-cluster.js';

let cluster: TestCluster;
beforeEach(() => {
  cluster = makeTestCluster();
});
afterEach(async () => {
  await cluster.close();
});

const recordFile = (id: string) => join(cluster.directory, 'records', `${id}.json`);

function forge(id: string, change: (record: UnitRecord) => UnitRecord): void {
  const record = JSON.parse(readFileSync(recordFile(id), 'utf8')) as UnitRecord;
  writeFileSync(recordFile(id), JSON.stringify(change(record)));
}

/** A process that has nothing to do with the cluster. */
function foreigner() {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const stat = readStat(child.pid ?? 0);
  if (stat === undefined) throw new Error('no sleep');
  return { stat, end: () => signalProcess(stat, 'SIGKILL') };
}

describe('after the supervisor was killed', () => {
  it('units live on, status still tells, and the next apply takes them back without a restart', async () => {
    const port = await freePort();
    const units = [cluster.unit('one', listener(port)), cluster.unit('two')];
    await cluster.apply(...units);
    const before = [await cluster.until('one', ({ state }) => state === 'ready'), await cluster.status('two')];
    await cluster.killSupervisor();
    const orphaned = await cluster.runtime.status(signal);
    expect(orphaned.map(({ id, state, pid, pids }) => [id, state, pid, pids])).toEqual([
      ['one', 'ready', before[0]?.pid, [before[0]?.pid]],
      ['two', 'starting', before[1]?.pid, [before[1]?.pid]],
    ]);
    expect(await cluster.runtime.isActive(signal)).toBe(true);
    expect(await cluster.apply(...units)).toEqual([]);
    const after = await cluster.runtime.status(signal);
    expect(after.map(({ pid, restarts }) => [pid, restarts])).toEqual(before.map(({ pid }) => [pid, 0]));
    await cluster.until('one', ({ state }) => state === 'ready');
  });

  it('an adopted unit is restarted when it dies, and can be stopped', async () => {
    await cluster.apply(cluster.unit('one'));
    await cluster.killSupervisor();
    await cluster.apply(cluster.unit('one'));
    const { pid } = await cluster.status('one');
    process.kill(pid ?? 0, 'SIGKILL');
    const again = await cluster.until('one', (status) => status.restarts === 1 && status.pid !== undefined);
    expect(again.pid).not.toBe(pid);
    expect(again.lastEnd).toBe('unknown');
    await cluster.killSupervisor();
    await cluster.runtime.stop('one', signal);
    expect(await cluster.status('one')).toMatchObject({ state: 'stopped', pids: [] });
  });

  it('down works', async () => {
    await cluster.apply(cluster.unit('one'));
    const { pid } = await cluster.status('one');
    await cluster.killSupervisor();
    await cluster.runtime.down([['one']], signal);
    expect(readStat(pid ?? 0)?.state ?? 'Z').toBe('Z');
  });

  it('a unit that died meanwhile is started, and one that was stopped stays so until apply', async () => {
    const units = [cluster.unit('dead'), cluster.unit('halted')];
    await cluster.apply(...units);
    const { pid } = await cluster.status('dead');
    await cluster.runtime.stop('halted', signal);
    await cluster.killSupervisor();
    process.kill(pid ?? 0, 'SIGKILL');
    await cluster.runtime.start('dead', signal);
    await cluster.until('dead', (status) => status.pid !== undefined);
    expect((await cluster.status('halted')).state).toBe('stopped');
    expect((await cluster.apply(...units)).map(({ unit }) => unit)).toEqual(['halted']);
  });

  it('a stop that was under way is finished', async () => {
    const deaf = script(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')`);
    await cluster.apply(
      cluster.unit('deaf', { argv: deaf, stop: { signal: 'SIGTERM', graceSeconds: 0.5 } }),
      cluster.unit('other'),
    );
    await eventually(
      () => cluster.read('logs', 'deaf.log'),
      (text) => text.includes('up'),
    );
    const stopping = cluster.runtime.stop('deaf', signal);
    await cluster.until('deaf', ({ state }) => state === 'stopping');
    await Promise.all([
      expect(stopping).rejects.toMatchObject({ code: 'HF_RUNTIME_SUPERVISOR_SILENT' }),
      cluster.killSupervisor(),
    ]);
    expect((await cluster.status('deaf')).pid).toBeDefined();
    await cluster.runtime.start('other', signal);
    const status = await cluster.until('deaf', ({ state }) => state !== 'stopping');
    expect(status).toMatchObject({ state: 'stopped', pids: [] });
  });

  it('what changed in the plan since is applied to what is taken back', async () => {
    await cluster.apply(cluster.unit('one'));
    await cluster.killSupervisor();
    // As if an apply had been cut off after it wrote the plan.
    const newer = cluster.unit('one', { argv: ['sleep', '1003'] });
    writeFileSync(join(cluster.directory, 'plan.json'), JSON.stringify(cluster.plan(newer)));
    expect(await cluster.apply(newer)).toEqual([{ unit: 'one', action: 'restart', because: ['argv'] }]);
  });
});

describe('a process is taken back only when it is the same one', () => {
  it('not by a pid whose start time differs: the foreign process there is never signalled', async () => {
    await cluster.apply(cluster.unit('one', { argv: ['sleep', '2000'] }));
    await cluster.killSupervisor();
    const { stat, end } = foreigner();
    try {
      const real = (JSON.parse(readFileSync(recordFile('one'), 'utf8')) as UnitRecord).process;
      forge('one', (record) => ({
        ...record,
        process: { pid: stat.pid, startTime: stat.startTime - 1, bootId: bootId() },
      }));
      expect(await cluster.apply(cluster.unit('one', { argv: ['sleep', '2000'] }))).toEqual([]);
      // The real one was found by its mark.
      expect((await cluster.status('one')).pid).toBe(real?.pid);
      await cluster.runtime.kill('one', signal);
      await cluster.runtime.down([], signal);
      expect(isAlive(stat)).toBe(true);
    } finally {
      end();
    }
  });

  it('not after a reboot', async () => {
    const unit = cluster.unit('one');
    await cluster.apply(unit);
    const { pid } = await cluster.status('one');
    await cluster.killSupervisor();
    process.kill(pid ?? 0, 'SIGKILL');
    const { stat, end } = foreigner();
    try {
      forge('one', (record) => ({ ...record, process: { ...stat, bootId: 'another boot' } }));
      expect(await cluster.apply(unit)).toEqual([{ unit: 'one', action: 'start', because: ['stopped'] }]);
      expect((await cluster.status('one')).pid).not.toBe(stat.pid);
      await cluster.runtime.down([], signal);
      expect(isAlive(stat)).toBe(true);
    } finally {
      end();
    }
  });

  it('by its mark when the record was never written, and not one that it has started', async () => {
    // The inner process carries the mark and the same argv, like a forked worker.
    const code = `if (process.env.INNER === undefined) require('child_process').spawn(process.execPath, process.execArgv.concat(process.argv.slice(1)), { env: { ...process.env, INNER: '1' }, stdio: 'ignore' }); setInterval(() => {}, 1000)`;
    const unit = cluster.unit('one', { argv: script(code) });
    await cluster.apply(unit);
    const before = await cluster.until('one', ({ pids }) => pids.length === 2);
    await cluster.killSupervisor();
    rmSync(recordFile('one'));
    expect((await cluster.status('one')).pid).toBe(before.pid);
    expect(await cluster.apply(unit)).toEqual([]);
    expect(await cluster.status('one')).toMatchObject({ pid: before.pid, pids: before.pids });
  });
});

describe('the supervisor process', () => {
  it('has nothing of the terminal and is small', async () => {
    await cluster.apply(cluster.unit('one'));
    const pid = cluster.supervisorPid();
    const stat = readStat(pid);
    expect(stat).toMatchObject({ session: pid, tty: 0 });
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
    expect(readlinkSync(`/proc/${pid}/fd/0`)).toBe('/dev/null');
    expect(readEnvironmentVariable(pid, 'HOME')).toBeUndefined();
    const files = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const target = attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`));
      return target?.startsWith('/') && !target.startsWith('/dev/null') ? [target] : [];
    });
    expect(files.filter((file) => !file.startsWith(cluster.directory))).toEqual([]);
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    expect(kilobytes / 1024).toBeLessThan(65);
  });

  it('inherits no descriptor: whoever reads from the command that started it sees its end', async () => {
    const code = `
      const { startSupervisor } = await import('${new URL('../dist/process/supervisor-process.js', import.meta.url).href}');
      await startSupervisor(${JSON.stringify(cluster.directory)}, new AbortController().signal);`;
    const gap = Array.from({ length: 36 }, () => 'ignore' as const);
    const starter = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit', ...gap, 'pipe'],
    });
    const pipe = starter.stdio[39 as 3];
    if (pipe === null || pipe === undefined) throw new Error('there is no descriptor 39');
    pipe.on('data', () => undefined);
    await Promise.all([once(starter, 'close'), once(pipe, 'close')]);
    expect(cluster.supervisorPid()).toBeGreaterThan(0);
    expect(readdirSync(`/proc/${cluster.supervisorPid()}/fd`)).not.toContain('39');
  });

  it('leaves the units running when it is ended by SIGTERM', async () => {
    await cluster.apply(cluster.unit('one'));
    const { pid } = await cluster.status('one');
    process.kill(cluster.supervisorPid(), 'SIGTERM');
    await eventually(
      () => cluster.supervisorPid(),
      (each) => each === -1,
    );
    expect(readStat(pid ?? 0)?.state).toBe('S');
  });

  it('started by itself, as after a reboot, starts what the last plan wants and nobody stopped', async () => {
    await cluster.apply(cluster.unit('one'), cluster.unit('two'));
    await cluster.runtime.stop('two', signal);
    const { pid } = await cluster.status('one');
    await cluster.killSupervisor();
    process.kill(pid ?? 0, 'SIGKILL');
    const foreground = spawn(process.execPath, [supervisorProgram, cluster.directory], { stdio: 'ignore' });
    const one = await cluster.until('one', (status) => status.pid !== undefined && status.pid !== pid);
    expect((await cluster.status('two')).state).toBe('stopped');
    expect(cluster.supervisorPid()).toBe(foreground.pid);
    const ended = once(foreground, 'exit');
    foreground.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect((await cluster.status('one')).pids).toEqual([one.pid]);
  });

  it('is the only one, however many start at once', async () => {
    const units = [cluster.unit('one'), cluster.unit('two')];
    await Promise.all(['a', 'b', 'c'].map(() => cluster.apply(...units)));
    const status = await cluster.runtime.status(signal);
    expect(status.map(({ pids }) => pids.length)).toEqual([1, 1]);
  });

  it('is replaced when it is of another build, and the units do not notice', async () => {
    const compiled = new URL('../dist/process/', import.meta.url).href;
    const code = `
      const [{ acquireLock }, { Supervisor }, { startControlServer }] = await Promise.all(
        ['lock.js', 'supervisor/supervisor.js', 'supervisor/control-server.js'].map((file) => import('${compiled}' + file)));
      const directory = ${JSON.stringify(cluster.directory)};
      await acquireLock(directory + '/supervisor.json', 'older', new AbortController().signal);
      const supervisor = new Supervisor(directory, () => {});
      supervisor.takeBack();
      const info = { pid: process.pid, build: 'older' };
      await startControlServer(directory, { supervisor, info, log: () => {}, leave: () => process.exit(0) });`;
    await cluster.apply(cluster.unit('one'));
    const before = await cluster.status('one');
    await cluster.killSupervisor();
    const older = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    await eventually(
      () => cluster.runtime.status(signal),
      ([status]) => cluster.supervisorPid() === older.pid && status?.pid === before.pid,
    );
    expect(await cluster.apply(cluster.unit('one'))).toEqual([]);
    expect(older.exitCode).toBe(0);
    expect(cluster.supervisorPid()).not.toBe(older.pid);
    expect(await cluster.status('one')).toMatchObject({ pid: before.pid, restarts: 0 });
  });

  it('is reached in a folder whose path is too long for a Unix socket', async () => {
    const long = makeTestCluster('long', 'x'.repeat(110));
    try {
      await long.apply(long.unit('one'));
      expect((await long.status('one')).pid).toBeDefined();
      expect(statSync(join(long.directory, 'supervisor.sock')).mode & 0o777).toBe(0o600);
    } finally {
      await long.close();
    }
  });
});

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
