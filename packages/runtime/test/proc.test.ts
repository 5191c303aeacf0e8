import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { portHolder } from '../src/process/port-holder.js';
import {
  bootId,
  isAlive,
  listProcesses,
  readEnvironmentVariable,
  readProcess,
  readStat,
  signalProcess,
} from '../src/process/proc.js';
import { eventually } from './support/test-cluster.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function sleeper(name = 'sleep') {
  const child = spawn('sleep', ['1000'], { argv0: name, cwd: '/tmp', env: { MARK: 'a=b', PATH: process.env.PATH } });
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  cleanups.push(() => child.kill('SIGKILL'));
  await eventually(
    () => readProcess(pid)?.cmdline[0],
    (each) => each === name,
  );
  return { child, pid };
}

describe('a process', () => {
  it('is described as it is', async () => {
    const { pid } = await sleeper('odd ) name (');
    expect(readProcess(pid)).toMatchObject({
      pid,
      ppid: process.pid,
      name: 'sleep',
      cmdline: ['odd ) name (', '1000'],
      cwd: '/tmp',
      uid: process.getuid?.(),
      threads: 1,
    });
    expect(readEnvironmentVariable(pid, 'MARK')).toBe('a=b');
    expect(readEnvironmentVariable(pid, 'MAR')).toBeUndefined();
    expect(listProcesses().map((each) => each.pid)).toEqual(expect.arrayContaining([pid, process.pid]));
    expect(bootId()).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is signalled only when its start time matches', async () => {
    const { child, pid } = await sleeper();
    const stat = readStat(pid);
    if (stat === undefined) throw new Error('gone');
    const other = { pid, startTime: stat.startTime + 1 };
    expect(isAlive(other)).toBe(false);
    expect(signalProcess(other, 'SIGKILL')).toBe(false);
    expect(isAlive(stat)).toBe(true);
    expect(signalProcess(stat, 'SIGKILL')).toBe(true);
    await once(child, 'exit');
    expect(isAlive(stat)).toBe(false);
    expect(signalProcess(stat, 'SIGKILL')).toBe(false);
    expect(readProcess(pid)).toBeUndefined();
  });
});

describe('portHolder', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['127.0.0.1', '0.0.0.0', true],
    ['0.0.0.0', '127.0.0.1', true],
    ['::', '127.0.0.1', true],
    ['::1', '::1', true],
    ['::1', '127.0.0.1', false],
    ['127.0.0.1', 'localhost', true],
  ])('of a listener on %s, asked for %s', async (listen, asked, taken) => {
    const server: Server = createServer();
    cleanups.push(() => new Promise((resolve) => server.close(resolve)));
    server.listen(0, listen);
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect(portHolder(asked, port)).toEqual(
      taken ? { pid: process.pid, name: readStat(process.pid)?.name } : undefined,
    );
  });

  it('is nobody when the port is free', () => {
    expect(portHolder('127.0.0.1', 1)).toBeUndefined();
  });
});
