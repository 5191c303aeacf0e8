import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { secret } from '@holdfast/spec';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isDead, listProcesses, readCmdline, readProcess, readStat } from '../src/process/proc.js';
import type { UnitStatus } from '../src/runtime.js';
import {
  eventually,
  freePort,
  listener,
  makeTestCluster,
  marked,
  script,
  secrets,
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

/** Which of these pids are processes that have not ended; whoever inherits them may take its time to reap. */
function living(pids: readonly number[]): number[] {
  return pids.filter((pid) => {
    const stat = readStat(pid);
    return stat !== undefined && !isDead(stat);
  });
}

const noticesSignals = `
  for (const name of ['SIGHUP', 'SIGTERM']) process.on(name, () => { console.log('got', name); if (name === 'SIGTERM') process.exit(0) });
  setInterval(() => {}, 1000); console.log('listening for signals');`;

describe('apply', () => {
  it('starts units after what they depend on, and changes nothing when applied again', async () => {
    const [one, two] = [await freePort(), await freePort()];
    const first = cluster.unit('first', listener(one));
    const second = cluster.unit('second', { ...listener(two), after: { units: ['first'], atLeast: 1 } });
    const changes = await cluster.apply(second, first);
    expect(changes.map(({ unit, action }) => [unit, action])).toEqual([
      ['second', 'start'],
      ['first', 'start'],
    ]);
    expect((await cluster.status('second')).state).toBe('waiting');
    const started = await cluster.until('second', ({ state }) => state === 'ready');
    const waitedFor = await cluster.status('first');
    expect(waitedFor.state).toBe('ready');
    expect(Date.parse(started.since)).toBeGreaterThanOrEqual(Date.parse(waitedFor.since));

    expect(await cluster.apply(second, first)).toEqual([]);
    expect((await cluster.status('second')).pid).toBe(started.pid);
  });

  it('starts first what waits by itself, and later what yields: when told, after its time, or not where it began before', async () => {
    const [other, port] = [await freePort(), await freePort()];
    const until = { kind: 'tcp', host: '127.0.0.1', port, timeoutMilliseconds: 500 } as const;
    const after = { units: ['other'], atLeast: 1 };
    const yielding = (id: string, atMostMilliseconds: number, unlessExists?: string) => {
      const yieldsTo = { until, atMostMilliseconds, ...(unlessExists === undefined ? {} : { unlessExists }) };
      return cluster.unit(id, { after: { ...after, yieldsTo } });
    };
    const told = yielding('told', 60_000);
    const units = [
      cluster.unit('other', listener(other)),
      cluster.unit('self', { after: { units: ['nobody'], atLeast: 1, waitsByItself: true } }),
      told,
      yielding('timed', 1500),
      yielding('there', 60_000, cluster.directory),
    ];
    const begun = Date.now();
    await cluster.apply(...units);
    expect((await cluster.status('self')).pid).toBeDefined();
    const starts = [...cluster.read('logs', 'supervisor.log').matchAll(/(\w+): started as/g)].map(([, id]) => id);
    expect(starts.slice(0, 2)).toEqual(['self', 'other']);
    await cluster.until('there', ({ pid }) => pid !== undefined);
    expect((await cluster.status('timed')).state).toBe('waiting');
    await cluster.until('timed', ({ pid }) => pid !== undefined);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(1500);
    expect((await cluster.status('told')).state).toBe('waiting');

    const teller = cluster.unit('teller', listener(port));
    await cluster.apply(...units, teller);
    await cluster.until('told', ({ pid }) => pid !== undefined);

    // Only the very first start is in anybody's way.
    await cluster.apply(...units);
    const { pid } = await cluster.status('told');
    await cluster.runtime.restart('told', signal);
    await cluster.until('told', (status) => status.pid !== undefined && status.pid !== pid);
  });

  it('writes files with secrets in them, and reloads a unit whose file changed', async () => {
    const path = join(cluster.directory, 'units', 'one', 'conf', 'app.conf');
    const file = { path, mode: 0o640, content: ['password=', secret('postgres'), '\n'], onChange: 'reload' } as const;
    const unit = cluster.unit('one', { argv: script(noticesSignals), reloadSignal: 'SIGHUP', files: [file] });
    await cluster.apply(unit);
    await eventually(
      () => cluster.read('logs', 'one.log'),
      (text) => text.includes('listening'),
    );
    expect(readFileSync(path, 'utf8')).toBe(`password=${secrets.postgres}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    const { pid } = await cluster.status('one');

    const changed = { ...unit, files: [{ ...file, content: ['other=', secret('postgres'), '\n'] }] };
    expect(await cluster.apply(changed)).toEqual([{ unit: 'one', action: 'reload', because: [`file ${path}`] }]);
    await eventually(
      () => cluster.read('logs', 'one.log'),
      (text) => text.includes('got SIGHUP'),
    );
    expect(readFileSync(path, 'utf8')).toBe(`other=${secrets.postgres}\n`);
    expect((await cluster.status('one')).pid).toBe(pid);
    expect(await cluster.apply(changed)).toEqual([]);

    expect(await cluster.apply({ ...changed, files: [] })).toEqual([
      { unit: 'one', action: 'reload', because: [`file ${path}`] },
    ]);
    expect(() => statSync(path)).toThrow('ENOENT');
  });

  it('puts a file right that somebody else changed', async () => {
    const path = join(cluster.directory, 'units', 'one', 'app.conf');
    const unit = cluster.unit('one', {
      argv: script(noticesSignals),
      reloadSignal: 'SIGHUP',
      files: [{ path, mode: 0o600, content: 'right', onChange: 'reload' }],
    });
    await cluster.apply(unit);
    writeFileSync(path, 'wrong');
    expect(await cluster.apply(unit)).toEqual([{ unit: 'one', action: 'reload', because: [`file ${path}`] }]);
    expect(readFileSync(path, 'utf8')).toBe('right');
  });

  it('restarts what changed, removes what is gone, and leaves the rest alone', async () => {
    const [kept, changed, removed] = [cluster.unit('kept'), cluster.unit('changed'), cluster.unit('removed')];
    await cluster.apply(kept, changed, removed);
    const before = await cluster.runtime.status(signal);
    const pidOf = (id: string, list = before) => list.find((each) => each.id === id)?.pid;
    const changes = await cluster.apply(kept, { ...changed, argv: ['sleep', '1001'] }, cluster.unit('added'));
    expect(changes.map(({ unit, action, because }) => [unit, action, because])).toEqual([
      ['removed', 'remove', ['no longer in the plan']],
      ['changed', 'restart', ['argv']],
      ['added', 'start', ['new in the plan']],
    ]);
    const after = await cluster.runtime.status(signal);
    expect(after.map(({ id }) => id).sort()).toEqual(['added', 'changed', 'kept']);
    expect(pidOf('kept', after)).toBe(pidOf('kept'));
    expect(pidOf('changed', after)).not.toBe(pidOf('changed'));
    expect(readCmdline(pidOf('changed', after) ?? 0)).toEqual(['sleep', '1001']);
    expect(living([pidOf('removed') ?? 0])).toEqual([]);
    expect(readdirSync(join(cluster.directory, 'records'))).not.toContain('removed.json');
  });

  it('gives a unit exactly its environment, and the start environment once', async () => {
    const unit = cluster.unit('one', {
      argv: script('console.log(JSON.stringify(process.env)); setInterval(() => {}, 1000)'),
      env: { PASSWORD: secret('postgres'), PLAIN: 'x' },
    });
    await cluster.runtime.apply(cluster.plan(unit), {
      signal,
      secrets,
      startEnvironment: { one: { REJOIN: 'existing' } },
    });
    const lines = () => cluster.read('logs', 'one.log').trim().split('\n').filter(Boolean);
    await eventually(lines, (all) => all.length === 1);
    await cluster.runtime.restart('one', signal);
    const [first, second] = await eventually(lines, (all) => all.length === 2);
    const mark = `${cluster.directory}#one`;
    const PATH = expect.stringContaining('/usr/bin');
    const always = { PASSWORD: secrets.postgres, PLAIN: 'x', HOLDFAST_UNIT: mark, PATH };
    expect(JSON.parse(first ?? '')).toEqual({ ...always, REJOIN: 'existing' });
    expect(JSON.parse(second ?? '')).toEqual(always);
    // With the start environment gone there is nothing to do either.
    expect(await cluster.apply(unit)).toEqual([]);
  });

  it('keeps secrets out of the plan, the records, its log and every command line', async () => {
    const path = join(cluster.directory, 'units', 'one', 'secret.conf');
    const unit = cluster.unit('one', {
      env: { PASSWORD: secret('postgres') },
      files: [{ path, mode: 0o600, content: [secret('replication')], onChange: 'nothing' }],
    });
    await cluster.apply(unit);
    const values = Object.values(secrets);
    const folders = ['.', 'records', 'logs'].map((name) => join(cluster.directory, name));
    const files = folders
      .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
      .filter((file) => statSync(file).isFile() && !file.endsWith('secrets.json'));
    expect(files.some((file) => file.endsWith('plan.json'))).toBe(true);
    for (const file of files) {
      expect(values.filter((value) => readFileSync(file, 'utf8').includes(value))).toEqual([]);
      expect(statSync(file).mode & 0o077).toBe(0);
    }
    const commands = listProcesses().flatMap(({ cmdline }) => cmdline);
    expect(values.filter((value) => commands.some((text) => text.includes(value)))).toEqual([]);
  });

  it('restarts a unit when a secret in its environment changed', async () => {
    const unit = cluster.unit('one', { env: { PASSWORD: secret('postgres') } });
    await cluster.apply(unit);
    const newSecrets = { ...secrets, postgres: 'another' };
    await expect(cluster.runtime.apply(cluster.plan(unit), { signal, secrets: newSecrets })).rejects.toMatchObject({
      code: 'HF_RUNTIME_SECRETS',
    });
    writeFileSync(join(cluster.directory, 'secrets.json'), JSON.stringify(newSecrets));
    const changes = await cluster.runtime.apply(cluster.plan(unit), { signal, secrets: newSecrets });
    expect(changes).toEqual([{ unit: 'one', action: 'restart', because: ['a secret in its environment'] }]);
  });

  it('refuses the plan of another cluster', async () => {
    const plan = { ...cluster.plan(), cluster: 'another' };
    await expect(cluster.runtime.apply(plan, { signal, secrets })).rejects.toMatchObject({
      code: 'HF_RUNTIME_FOREIGN_PLAN',
    });
  });

  it('is finished by the next one when it was interrupted', async () => {
    const slow = cluster.unit('slow', {
      argv: script(
        `process.on('SIGTERM', () => setTimeout(() => process.exit(0), 700)); setInterval(() => {}, 1000); console.log('up')`,
      ),
      stop: { signal: 'SIGTERM', graceSeconds: 5 },
    });
    const other = cluster.unit('other');
    await cluster.apply(slow, other);
    await eventually(
      () => cluster.read('logs', 'slow.log'),
      (text) => text.includes('up'),
    );
    const newer = [{ ...slow, argv: ['sleep', '1002'] as const }, cluster.unit('added')] as const;
    const interrupt = AbortSignal.timeout(200);
    await expect(cluster.runtime.apply(cluster.plan(...newer), { signal: interrupt, secrets })).rejects.toThrow();
    await cluster.apply(...newer);
    expect((await cluster.runtime.status(signal)).map(({ id }) => id).sort()).toEqual(['added', 'slow']);
    expect(readCmdline((await cluster.status('slow')).pid ?? 0)).toEqual(['sleep', '1002']);
    expect(await cluster.apply(...newer)).toEqual([]);
  });
});

describe('a unit that ends', () => {
  it('is restarted with growing pauses, and says how and with what words it ended', async () => {
    await cluster.apply(
      cluster.unit('one', {
        argv: script(`console.log('cannot go on'); process.exit(3)`),
        restart: { minMilliseconds: 100, maxMilliseconds: 60_000 },
      }),
    );
    const status = await cluster.until('one', ({ state, restarts }) => state === 'backoff' && restarts >= 3);
    expect(status.lastEnd).toBe('exit 3');
    expect(status.lastOutput?.at(-1)).toBe('cannot go on');
    const pause = Date.parse(status.nextStartAt ?? '') - Date.parse(status.since);
    expect(pause).toBeGreaterThanOrEqual(100 * 2 ** (status.restarts - 1) - 2);
    expect(pause).toBeLessThanOrEqual(100 * 2 ** (status.restarts - 1) + 2);
  });

  it('is in backoff when its program does not exist', async () => {
    await cluster.apply(cluster.unit('one', { argv: ['/nowhere/program'] }));
    const status = await cluster.until('one', ({ state }) => state === 'backoff');
    expect(status.lastEnd).toContain('ENOENT');
    await cluster.runtime.stop('one', signal);
    expect((await cluster.status('one')).state).toBe('stopped');
  });

  it('leaves what it had started alone, and both are ended by stop', async () => {
    const child = `require('child_process').spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).unref();`;
    await cluster.apply(cluster.unit('one', { argv: script(`${child} setTimeout(() => process.exit(1), 300)`) }));
    const twice = await cluster.until('one', ({ restarts, pids }) => restarts >= 1 && pids.length >= 3);
    await cluster.runtime.stop('one', signal);
    expect(living(twice.pids)).toEqual([]);
    expect(await cluster.status('one')).toMatchObject({ state: 'stopped', pids: [] });
  });
});

describe('orders', () => {
  it('stop asks, waits for the grace period, and kills what does not listen; start starts again', async () => {
    const deaf = cluster.unit('deaf', {
      argv: script(`process.on('SIGTERM', () => console.log('no')); setInterval(() => {}, 1000); console.log('up')`),
      stop: { signal: 'SIGTERM', graceSeconds: 1 },
    });
    await cluster.apply(deaf);
    await eventually(
      () => cluster.read('logs', 'deaf.log'),
      (text) => text.includes('up'),
    );
    const begun = Date.now();
    await cluster.runtime.stop('deaf', signal);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(1_000);
    expect(Date.now() - begun).toBeLessThan(2_500);
    expect(cluster.read('logs', 'deaf.log')).toContain('no');
    expect(await cluster.status('deaf')).toMatchObject({ state: 'stopped', lastEnd: 'SIGKILL', pids: [] });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await cluster.status('deaf')).state).toBe('stopped');
    await cluster.runtime.start('deaf', signal);
    await cluster.until('deaf', ({ pid }) => pid !== undefined);
    await cluster.runtime.stop('deaf', signal);
    // `up` means that everything runs.
    expect(await cluster.apply(deaf)).toEqual([{ unit: 'deaf', action: 'start', because: ['stopped'] }]);
  });

  it('kill ends everything at once, also what left its session and forgot its mark, and the unit comes back', async () => {
    const territory = join(cluster.directory, 'data', 'pg', 'pgdata');
    // Like a postmaster: a session of its own, an environment of its own, known by its working directory only.
    const postmaster = `
      const { spawn } = require('child_process');
      const inner = \`const { spawn } = require('child_process');
        spawn('sleep', ['1000'], { detached: true, stdio: 'ignore', cwd: ${JSON.stringify(territory)}, env: {} }).unref();\`;
      if (process.env.AGAIN === undefined) spawn(process.execPath, ['-e', inner], { stdio: 'ignore' });
      setInterval(() => {}, 1000)`;
    await cluster.apply(
      cluster.unit('pg', {
        argv: script(postmaster),
        territory,
        volumes: [{ path: territory, mode: 0o700, persistent: true }],
      }),
    );
    const orphaned = ({ pid, pids }: UnitStatus) =>
      pids.length === 2 && pids.every((each) => each === pid || readProcess(each)?.name === 'sleep');
    const before = await cluster.until('pg', orphaned);
    expect(before.pids.map((pid) => readProcess(pid)?.cwd)).toContain(territory);
    expect(marked(cluster.directory).map(({ pid }) => pid)).toEqual([before.pid]);
    await cluster.runtime.kill('pg', signal);
    expect(living(before.pids)).toEqual([]);
    const after = await cluster.until('pg', orphaned);
    expect(after).toMatchObject({ restarts: 1, lastEnd: 'SIGKILL' });
  });

  it('restart starts it anew; an unknown unit is refused with the known ones', async () => {
    await cluster.apply(cluster.unit('one'));
    const { pid } = await cluster.status('one');
    await cluster.runtime.restart('one', signal);
    const after = await cluster.until('one', (status) => status.pid !== undefined);
    expect(after.pid).not.toBe(pid);
    expect(after.restarts).toBe(0);
    await expect(cluster.runtime.stop('two', signal)).rejects.toMatchObject({
      code: 'HF_RUNTIME_UNKNOWN_UNIT',
      suggestion: 'There are: one.',
    });
  });

  it('down stops group after group, then the rest, then the supervisor; apply brings everything back', async () => {
    const unit = (id: string) =>
      cluster.unit(id, {
        argv: script(
          `process.on('SIGTERM', () => { require('fs').appendFileSync(${JSON.stringify(join(cluster.directory, 'order'))}, '${id} '); process.exit(0) });
           setInterval(() => {}, 1000); console.log('up')`,
        ),
      });
    const units = ['a', 'b', 'c'].map(unit);
    await cluster.apply(...units);
    for (const { id } of units) {
      await eventually(
        () => cluster.read('logs', `${id}.log`),
        (text) => text.includes('up'),
      );
    }
    await cluster.runtime.down([['c'], ['a']], signal);
    expect(cluster.read('order')).toBe('c a b ');
    expect(marked(cluster.directory)).toEqual([]);
    expect(await cluster.runtime.isActive(signal)).toBe(false);
    expect(cluster.supervisorPid()).toBe(-1);
    expect((await cluster.runtime.status(signal)).map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped']);
    await cluster.runtime.down([], signal);
    expect((await cluster.apply(...units)).map(({ action }) => action)).toEqual(['start', 'start', 'start']);
  });
});

it('two clusters do not see each other', async () => {
  const other = makeTestCluster();
  try {
    await Promise.all([cluster.apply(cluster.unit('one')), other.apply(other.unit('one'))]);
    const [here, there] = [await cluster.status('one'), await other.status('one')];
    expect(here.pids).toEqual([here.pid]);
    expect(there.pids).toEqual([there.pid]);
    await cluster.runtime.down([], signal);
    expect(await other.status('one')).toMatchObject({ pid: there.pid, pids: [there.pid] });
  } finally {
    await other.close();
  }
});
