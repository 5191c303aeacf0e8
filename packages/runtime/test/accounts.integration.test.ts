import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findAccount, isRoot } from '../src/process/accounts.js';
import { prepareUnit } from '../src/process/prepare-unit.js';
import { isAlive, listProcesses, readStat, readUid } from '../src/process/proc.js';
import {
  eventually,
  makeTestCluster,
  marked,
  script,
  secrets,
  signal,
  type TestCluster,
} from './support/test-cluster.js';

const user = findAccount('postgres') === undefined ? 'nobody' : 'postgres';
const account = findAccount(user);

describe.skipIf(!isRoot() || account === undefined)('as root', () => {
  let cluster: TestCluster;
  beforeEach(() => {
    cluster = makeTestCluster();
  });
  afterEach(async () => {
    await cluster.close();
  });

  const owned = (path: string) => {
    const { uid, gid, mode } = statSync(path);
    return { uid, gid, mode: mode & 0o777 };
  };

  it('a folder that a killed supervisor had not yet given away is made anew', () => {
    const folder = join(cluster.directory, 'data', 'one');
    mkdirSync(`${folder}.new`, { recursive: true });
    const volumes = [{ path: folder, mode: 0o750, persistent: true }];
    prepareUnit(cluster.unit('one', { user, argv: ['true'], volumes }), cluster.directory, secrets);
    expect(owned(folder)).toEqual({ uid: account?.uid, gid: account?.gid, mode: 0o750 });
    expect(existsSync(`${folder}.new`)).toBe(false);
  });

  it('a unit runs under its account, with folders and files of its own and nothing of root', async () => {
    const data = join(cluster.directory, 'data', 'one', 'deep');
    const file = join(cluster.directory, 'units', 'one', 'one.conf');
    const code = `
      const fs = require('fs');
      const may = (what) => { try { what(); return true } catch { return false } };
      console.log(JSON.stringify({
        uid: process.getuid(), gid: process.getgid(), groups: process.getgroups(), umask: process.umask(),
        config: fs.readFileSync(${JSON.stringify(file)}, 'utf8'),
        data: may(() => fs.writeFileSync(${JSON.stringify(join(data, 'file'))}, 'x')),
        output: may(() => fs.openSync('/dev/stderr', 'a')),
        secrets: may(() => fs.readFileSync(${JSON.stringify(join(cluster.directory, 'secrets.json'))})),
        list: may(() => fs.readdirSync(${JSON.stringify(cluster.directory)})),
      }));
      setInterval(() => {}, 1000);`;
    await cluster.apply(
      cluster.unit('one', {
        user,
        argv: script(code),
        files: [{ path: file, mode: 0o400, content: 'content', onChange: 'nothing' }],
        volumes: [{ path: data, mode: 0o750, persistent: true }],
      }),
    );
    const said = await eventually(
      () => cluster.read('logs', 'one.log'),
      (text) => text.includes('\n'),
    );
    expect(JSON.parse(said)).toEqual({
      uid: account?.uid,
      gid: account?.gid,
      groups: [account?.gid],
      umask: 0o077,
      config: 'content',
      data: true,
      output: true,
      secrets: false,
      list: false,
    });
    expect(owned(file)).toEqual({ ...account, mode: 0o400 });
    expect(owned(data)).toEqual({ ...account, mode: 0o750 });
    expect(owned(dirname(data))).toEqual({ ...account, mode: 0o700 });
    expect(owned(dirname(file))).toEqual({ ...account, mode: 0o700 });
    expect(owned(join(cluster.directory, 'logs', 'one.log'))).toEqual({ ...account, mode: 0o600 });
    for (const folder of ['.', 'units', 'data', 'logs']) {
      expect(owned(join(cluster.directory, folder))).toEqual({ uid: 0, gid: 0, mode: 0o711 });
    }
    expect(owned(join(cluster.directory, 'records')).mode).toBe(0o700);
    expect(await cluster.apply(...[])).toEqual([{ unit: 'one', action: 'remove', because: ['no longer in the plan'] }]);
    expect(existsSync(file)).toBe(false);
    expect(existsSync(join(data, 'file'))).toBe(true);
  });

  it('an unknown account is refused before anything is changed', async () => {
    await cluster.apply(cluster.unit('one'));
    const bad = cluster.unit('two', { user: 'nobody-of-that-name' });
    await expect(cluster.apply(bad)).rejects.toMatchObject({ code: 'HF_RUNTIME_ACCOUNT', exitCode: 3 });
    expect((await cluster.runtime.currentPlan(signal))?.units.map(({ id }) => id)).toEqual(['one']);
    expect((await cluster.status('one')).pid).toBeDefined();
  });

  it('a territory does not make a person’s shell or another account’s process the unit’s', async () => {
    const territory = join(cluster.directory, 'data', 'one');
    const unit = cluster.unit('one', {
      user,
      territory,
      volumes: [{ path: territory, mode: 0o711, persistent: true }],
    });
    await cluster.apply(unit);
    const other = spawn('sleep', ['1000'], { cwd: territory, stdio: 'ignore' });
    // script(1) gives it a terminal; setpriv(1) makes it the account's.
    const become = `setpriv --reuid ${account?.uid} --regid ${account?.gid} --clear-groups`;
    const inTerminal = `cd ${territory} && exec ${become} sleep 1234`;
    const terminal = spawn('script', ['-qec', inTerminal, '/dev/null'], { stdio: 'ignore' });
    try {
      const shell = await eventually(
        () =>
          listProcesses().find(
            ({ cmdline, cwd, uid }) => cmdline.join(' ') === 'sleep 1234' && cwd === territory && uid === account?.uid,
          ),
        (each) => each !== undefined,
      );
      expect(shell?.tty).not.toBe(0);
      const own = spawn('sleep', ['1000'], { cwd: territory, stdio: 'ignore', detached: true, ...account });
      await once(own, 'spawn');
      const { pid, pids } = await cluster.until('one', (status) => status.pids.includes(own.pid ?? 0));
      expect(pids).toEqual(expect.arrayContaining([pid, own.pid]));
      expect(pids).not.toContain(other.pid);
      expect(pids).not.toContain(shell?.pid);
      const ended = once(own, 'exit');
      await cluster.runtime.stop('one', signal);
      await ended;
      expect(readStat(other.pid ?? 0)).toBeDefined();
      expect(shell !== undefined && isAlive(shell)).toBe(true);
    } finally {
      other.kill('SIGKILL');
      terminal.kill('SIGKILL');
    }
  });
});

const dist = fileURLToPath(new URL('../dist/index.js', import.meta.url));

function isOpenToOthers(path: string): boolean {
  const folder = dirname(path);
  return (statSync(folder).mode & 0o001) !== 0 && (folder === '/' || isOpenToOthers(folder));
}

describe.skipIf(!isRoot() || findAccount('nobody') === undefined)('not as root', () => {
  it('everything runs as oneself, whatever account the unit names', async (context) => {
    if (!isOpenToOthers(dist)) return context.skip('other accounts may not enter the folder of this clone');
    const nobody = findAccount('nobody') ?? { uid: 0, gid: 0 };
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-nobody-'));
    const state = join(directory, 'state');
    mkdirSync(state);
    writeFileSync(join(state, 'secrets.json'), JSON.stringify(secrets), { mode: 0o600 });
    for (const path of [directory, state, join(state, 'secrets.json')]) chownSync(path, nobody.uid, nobody.gid);
    chmodSync(directory, 0o700);
    const unit = {
      ...makeUnit(state),
      files: [{ path: join(state, 'units', 'one', 'a.conf'), mode: 0o600, content: 'x', onChange: 'nothing' }],
    };
    const code = `
      const { createProcessRuntime } = await import(${JSON.stringify(pathToFileURL(dist).href)});
      const runtime = createProcessRuntime({ stateDirectory: ${JSON.stringify(state)}, cluster: 'test' });
      const { signal } = new AbortController();
      const plan = { cluster: 'test', units: [${JSON.stringify(unit)}], dynamicConfiguration: {} };
      if (process.argv[1] === 'up') await runtime.apply(plan, { signal, secrets: ${JSON.stringify(secrets)} });
      else await runtime.down([], signal);
      console.log(JSON.stringify(await runtime.status(signal)));`;
    const run = async (what: string) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', code, what], {
        stdio: ['ignore', 'pipe', 'inherit'],
        cwd: '/',
        ...nobody,
      });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
      await once(child, 'close');
      return JSON.parse(output) as { pid?: number; state: string; pids: number[] }[];
    };
    try {
      const [up] = await run('up');
      expect(readUid(up?.pid ?? 0)).toBe(nobody.uid);
      expect(up?.pids).toEqual([up?.pid]);
      expect(statSync(join(state, 'units')).mode & 0o777).toBe(0o700);
      expect((await run('down'))[0]?.state).toBe('stopped');
      expect(marked(state)).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  const makeUnit = (state: string) => {
    const cluster = makeTestCluster();
    rmSync(cluster.directory, { recursive: true });
    return cluster.unit('one', { user: 'postgres', workingDirectory: join(state, 'units', 'one') });
  };
});
