import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { access, chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import {
  cliProgram,
  createTestCluster,
  killProcessesOf,
  listProcessesOf,
  memberOf,
  pidsOf,
  query,
  replicasOf,
  runProgram,
  signal,
  type TestCluster,
  testSpec,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const isRoot = process.getuid?.() === 0;
const up = ['up', '--no-install'];

describe('what is refused before anything starts', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await createTestCluster();
  });

  afterAll(async () => {
    expect(listProcessesOf(cluster.folder)).toEqual([]);
    await cluster[Symbol.asyncDispose]();
  });

  test('malformed YAML, with its place; nothing is made', async () => {
    await cluster.writeSpec('name: test\nmembers: [3\n');
    const { code, error } = await cluster.refused(up);
    expect(code).toBe(2);
    expect(error.code).toBe('HF_SPEC_INVALID');
    expect(error.detail).toMatch(/^holdfast\.yaml:[23]:\d+: /);
    expect(await readdir(cluster.folder)).toEqual(['holdfast.yaml']);
  });

  test('settings that do not exist or cannot be, with path, value and suggestion', async () => {
    await cluster.writeSpec('name: test\nmember: 5\netcd:\n  size: 4\n');
    const { code, error } = await cluster.refused(up);
    expect(code).toBe(2);
    expect(error.detail).toMatch(/holdfast\.yaml:2: member: is not a setting \(found: 5\)\n.*members/);
    expect(error.detail).toMatch(/holdfast\.yaml:4: etcd\.size: must be 1, 3, 5 or 7 \(found: 4\)\n/);
    const text = await cluster.holdfast(up);
    expect({ code: text.code, stdout: text.stdout }).toEqual({ code: 2, stdout: '' });
    expect(text.stderr).toContain('etcd.size');
    expect(text.stderr).toContain('what to do:');
    expect(text.stderr).not.toMatch(/^ +at /m);
    expect(await readdir(cluster.folder)).toEqual(['holdfast.yaml']);
  });

  test('a Patroni that loses writes', async () => {
    const script = join(cluster.folder, 'old-patroni');
    await writeFile(script, '#!/bin/sh\necho patroni 3.0.2\n');
    await chmod(script, 0o755);
    await cluster.writeSpec(testSpec);
    const { code, error } = await cluster.refused(up, { env: { HOLDFAST_PATRONI: script } });
    expect(code).toBe(3);
    expect(error.message).toContain('3.0.2');
    expect(error.message).toMatch(/acknowledged|lose/);
    const missing = await cluster.refused(up, { env: { HOLDFAST_PATRONI: join(cluster.folder, 'none') } });
    expect(missing.code).toBe(3);
    expect(missing.error.message).toContain(join(cluster.folder, 'none'));
  });

  test('a PostgreSQL that is not there, with the command that installs it', async (context) => {
    const majors = await Promise.all(
      [18, 17, 16, 14, 13].map(async (major) => ((await hasPostgres(major)) ? [] : [major])),
    );
    const [major] = majors.flat();
    if (major === undefined) return context.skip('every supported PostgreSQL is installed here');
    await cluster.writeSpec(`${testSpec}postgres:\n  version: ${major}\n`);
    const { code, error } = await cluster.refused(up);
    expect(code).toBe(3);
    expect(error.detail).toContain(`PostgreSQL ${major} is not installed`);
    expect(error.suggestion).toContain(`sudo apt-get install --no-install-recommends postgresql-${major}`);
  });

  test('too little room on the disk', async (context) => {
    const disk = join(cluster.folder, 'disk');
    await mkdir(disk, { mode: 0o711 });
    await cluster.writeSpec(`${testSpec}dataDirectory: ${disk}/state\n`);
    // In a mount namespace of its own, so that the little disk goes with the command.
    const mount = `mount -t tmpfs -o size=64m,mode=711 none ${disk} || exit 99; cd ${cluster.folder} && exec "$0" "$@"`;
    const result = await runProgram(
      'unshare',
      ['--mount', 'sh', '-c', mount, process.execPath, cliProgram, ...up, '--json'],
      { timeoutMilliseconds: 60_000 },
    );
    if (!isRoot || result.code === 99 || result.stderr.includes('unshare'))
      return context.skip('mounting is not permitted here');
    expect(result.code).toBe(3);
    const { error } = JSON.parse(result.stdout) as { error: { code: string; message: string } };
    expect(error.code).toBe('HF_DISK_FULL');
    expect(error.message).toMatch(/has \d+ MiB free; at least \d+ MiB are needed/);
    expect(await readdir(disk)).toEqual([]);
    expect(listProcessesOf(cluster.folder)).toEqual([]);
  });
});

describe('a cluster that exists', () => {
  let cluster: TestCluster;
  let state: string;
  const spec = `${testSpec}synchronous: off\n`;

  beforeAll(async () => {
    cluster = await createTestCluster(spec);
    state = join(cluster.folder, '.holdfast', 'test');
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  test('up twice at once: one does it, the other says who', async () => {
    const pids: number[] = [];
    const onStart = ({ pid }: ChildProcess) => pids.push(pid ?? 0);
    const results = await Promise.all([0, 1].map(async () => await cluster.holdfast([...up, '--json'], { onStart })));
    expect(results.map(({ code }) => code).sort()).toEqual([0, 5]);
    const winner = pids[results.findIndex(({ code }) => code === 0)];
    const { error } = JSON.parse(results.find(({ code }) => code === 5)?.stdout ?? '') as {
      error: { code: string; message: string };
    };
    expect(error.code).toBe('HF_LOCKED');
    expect(error.message).toContain(`process ${winner} (holdfast up)`);
    await waitForHealth(cluster);
    await query(await cluster.url('rw'), 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)');
  });

  test('a switchover to a member that is not there, or leads already', async () => {
    const before = await waitForHealth(cluster);
    const missing = await cluster.refused(['switchover', '--to', 'pg4']);
    expect(missing.code).toBe(4);
    expect(missing.error.message).toContain('pg4');
    expect(missing.error.detail).toContain('pg1, pg2, pg3');
    const same = await cluster.refused(['switchover', '--to', before.leader ?? '']);
    expect(same.code).toBe(4);
    expect(same.error.message).toBe(`${before.leader} is the leader already.`);
    expect(await cluster.status()).toMatchObject({ leader: before.leader, timeline: before.timeline });
  });

  test('a switchover to a member that lags', async () => {
    const before = await waitForHealth(cluster);
    const [lagging] = replicasOf(before);
    if (lagging === undefined) throw new Error('there is no replica');
    const { units } = await cluster.json<{ units: readonly { id: string; pids: readonly number[] }[] }>(['ps']);
    const own = units.find(({ id }) => id === lagging.name)?.pids ?? [];
    const receiver = listProcessesOf(cluster.folder).find(
      ({ pid, commandLine }) => own.includes(pid) && commandLine.includes('walreceiver'),
    );
    if (receiver === undefined) throw new Error(`${lagging.name} has no walreceiver`);
    signal(receiver.pid, 'SIGSTOP');
    try {
      const url = await cluster.url('rw');
      await query(url, "CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 8000)");
      const { code, error } = await cluster.refused(['switchover', '--to', lagging.name]);
      expect(code).toBe(4);
      expect(error.message).toMatch(
        new RegExp(
          `^${lagging.name} cannot take over: it lags \\d{7,} bytes behind, more than the \\d+ that are allowed`,
        ),
      );
      expect(await cluster.status()).toMatchObject({ leader: before.leader, timeline: before.timeline });
    } finally {
      signal(receiver.pid, 'SIGCONT');
    }
    expect(pidsOf(await waitForHealth(cluster))).toEqual(pidsOf(before));
  });

  test('an etcd member loses its data while the cluster runs', async () => {
    const before = await waitForHealth(cluster);
    await rm(join(state, 'data', 'etcd2'), { recursive: true });
    signal(before.etcd[1]?.pid ?? 0, 'SIGKILL');
    await waitUntil('the loss', async () => (await cluster.status()).etcd[1]?.healthy === false, {
      timeoutMilliseconds: 20_000,
    });
    await cluster.json(up);
    const after = await waitForHealth(cluster);
    expect(after.etcd.map(({ healthy }) => healthy)).toEqual([true, true, true]);
    expect(pidsOf(after)).toEqual({ ...pidsOf(before), etcd2: after.etcd[1]?.pid });
    expect(await rows()).toEqual([1]);
  });

  describe('stopped', () => {
    let replica: string;

    beforeAll(async () => {
      replica = replicasOf(await waitForHealth(cluster))[0]?.name ?? '';
      await killProcessesOf(cluster.folder);
    });

    const nothingStarted = () => expect(listProcessesOf(cluster.folder)).toEqual([]);

    test('a taken port is named, with its holder', async () => {
      const { port, host } = memberOf(await cluster.status(), 'pg2');
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(port, host, resolve));
      try {
        const { code, error } = await cluster.refused(up);
        expect(code).toBe(3);
        expect(error.code).toBe('HF_PORTS_TAKEN');
        expect(error.detail).toMatch(
          new RegExp(`^- 127\\.0\\.0\\.1:${port} \\(pg2, .*\\) is held by \\S.* \\(pid ${process.pid}\\)$`),
        );
      } finally {
        await new Promise((resolve) => server.close(resolve));
      }
      nothingStarted();
    });

    test('a state folder of another cluster', async () => {
      await cluster.writeSpec(`${spec.replace('name: test', 'name: other')}dataDirectory: ${state}\n`);
      const { code, error } = await cluster.refused(up);
      expect(code).toBe(4);
      expect(error.code).toBe('HF_STATE_FOREIGN');
      expect(error.message).toContain('holds the cluster "test", not "other"');
      await cluster.writeSpec(spec);
      nothingStarted();
    });

    test('a data directory of another PostgreSQL', async () => {
      const path = join(memberOf(await cluster.status(), 'pg2').dataDir, 'PG_VERSION');
      const real = await readFile(path, 'utf8');
      await writeFile(path, '14\n');
      try {
        const { code, error } = await cluster.refused(up);
        expect(code).toBe(4);
        expect(error.code).toBe('HF_STATE_MAJOR');
        expect(error.message).toContain(`was made by PostgreSQL 14; this would start PostgreSQL ${real.trim()} on it`);
      } finally {
        await writeFile(path, real);
      }
      nothingStarted();
    });

    test('a data directory of another database', async () => {
      const { dataDir } = memberOf(await cluster.status(), 'pg3');
      await rename(dataDir, `${dataDir}.own`);
      const patroni = await readFile(join(state, 'units', 'pg3', 'patroni.yml'), 'utf8');
      const initdb = join(/^ *bin_dir: (.*)$/m.exec(patroni)?.[1] ?? '', 'initdb');
      const { uid, gid } = await stat(`${dataDir}.own`);
      const initialised = await runProgram(initdb, ['-D', dataDir, '-A', 'reject', '-N'], {
        timeoutMilliseconds: 60_000,
        cwd: '/',
        ...(isRoot ? { account: { uid, gid } } : {}),
      });
      expect(initialised.code, initialised.stderr).toBe(0);
      try {
        const { code, error } = await cluster.refused(up);
        expect(code).toBe(4);
        expect(error.code).toBe('HF_STATE_OTHER_CLUSTER');
        expect(error.message).toMatch(
          /belongs to another database cluster \(system identifier \d+; this cluster's is \d+\)/,
        );
        expect(error.message).toContain(dataDir);
      } finally {
        await rm(dataDir, { recursive: true });
        await rename(`${dataDir}.own`, dataDir);
      }
      nothingStarted();
    });

    test('a lost etcd member and a member that was never completed are mended; nothing is deleted', async () => {
      const { dataDir } = memberOf(await cluster.status(), replica);
      await rm(join(state, 'data', 'etcd1'), { recursive: true });
      await rm(join(dataDir, 'global', 'pg_control'));
      await cluster.json(up);
      const after = await waitForHealth(cluster);
      expect(after.etcd.map(({ healthy }) => healthy)).toEqual([true, true, true]);
      expect(await query(await cluster.url('member', replica), 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
      expect(await rows()).toEqual([1]);
      const aside = (await readdir(join(dataDir, '..'))).filter((name) => name.startsWith('pgdata.incomplete-'));
      expect(aside).toHaveLength(1);
      expect(await readFile(join(dataDir, '..', aside[0] ?? '', 'PG_VERSION'), 'utf8')).toMatch(/^\d+\n$/);
    });
  });

  async function rows(): Promise<readonly number[]> {
    return (await query<{ n: number }>(await cluster.url('rw'), 'SELECT n FROM kept')).map(({ n }) => n);
  }
});

async function hasPostgres(major: number): Promise<boolean> {
  return await access(`/usr/lib/postgresql/${major}/bin/postgres`, constants.X_OK).then(
    () => true,
    () => false,
  );
}
