import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createTestCluster,
  docker,
  dockerMissing,
  findLostInserts,
  prepareUniqueInserts,
  query,
  startUniqueInserts,
  type TestCluster,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import { createClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

/** Counted as skipped where there is no engine. */
const missing = dockerMissing();
/** As in failover.test.ts: what is measured is far below. */
const lax = 10_000;
const spec = 'name: dockertest\nruntime: docker\nports: auto\nresources: { memory: 2GiB }\n';

interface Up {
  readonly changed: boolean;
  readonly phases: readonly { readonly phase: string; readonly milliseconds: number }[];
}

interface Doctor {
  readonly findings: readonly { readonly id: string; readonly severity: string; readonly what: string }[];
}

const container = (member: string) => `dockertest-patroni-postgres-${member.slice(2)}`;
const firstProcess = (name: string) => Number(docker('container', 'inspect', '--format', '{{.State.Pid}}', name));
/** What it wrote on its standard error. */
const logsOf = (name: string) => spawnSync('docker', ['logs', '--tail', '5', name], { encoding: 'utf8' }).stderr;
const ours = (...args: readonly string[]) => docker(...args, '--filter', 'label=io.holdfast.cluster=dockertest');

describe.skipIf(missing !== undefined)('the runtime docker', () => {
  let cluster: TestCluster;
  let url: string;

  beforeAll(async () => {
    cluster = await createTestCluster(spec);
    // With the images built or in the engine's cache.
    const built = await cluster.holdfast(['up', '--json'], { timeoutMilliseconds: 280_000 });
    expect(built.stderr + built.stdout).toContain('"healthy"');
    url = await cluster.url('rw');
    await prepareUniqueInserts(url);
  });

  afterAll(async () => {
    await cluster?.holdfast(['down', '--purge', '--yes']);
    await cluster?.[Symbol.asyncDispose]();
    expect(ours('container', 'ls', '--all', '--quiet')).toBe('');
    expect(docker('volume', 'ls', '--quiet', '--filter', 'name=holdfast-dockertest-')).toBe('');
  });

  /** Writes before, through and after the fault; answers the longest time without an acknowledged one. */
  async function underLoad(fault: () => Promise<void> | void): Promise<number> {
    const workload = startUniqueInserts(url, 2);
    try {
      await waitUntil('writes', async () => workload.count() > 100, { timeoutMilliseconds: 30_000 });
      await fault();
      const seen = workload.count();
      await waitUntil('writes after it', async () => workload.count() > seen + 50, { timeoutMilliseconds: lax });
      await sleep(500);
    } catch (error) {
      await workload.stop();
      throw error;
    }
    const history = await workload.stop();
    await waitForHealth(cluster);
    expect(await findLostInserts(url, history)).toEqual([]);
    return history.longestGapMilliseconds;
  }

  const leader = async () => (await waitForHealth(cluster)).leader ?? '';

  test('runs every unit, without a password in what the engine shows of it', async () => {
    const { units } = await cluster.json<{ units: readonly { id: string; state: string; pid: number | null }[] }>([
      'ps',
    ]);
    expect(units.map(({ id }) => id)).toEqual([
      ...['etcd1', 'etcd2', 'etcd3', 'pg1', 'pg2', 'pg3', 'pg1-agent', 'pg2-agent', 'pg3-agent'],
      ...['haproxy', 'pgbouncer', 'net', 'api'],
    ]);
    const state = join(cluster.folder, '.holdfast/dockertest');
    const secrets = Object.values(JSON.parse(await readFile(join(state, 'secrets.json'), 'utf8')) as object);
    const { SUPABASE_SECRET_KEY = '', SUPABASE_SERVICE_ROLE_KEY = '' } = await cluster.environment();
    expect([SUPABASE_SECRET_KEY, SUPABASE_SERVICE_ROLE_KEY]).not.toContain('');
    secrets.push(SUPABASE_SECRET_KEY, SUPABASE_SERVICE_ROLE_KEY);
    const ids = ours('container', 'ls', '--quiet').split('\n');
    const shown = docker('container', 'inspect', ...ids);
    for (const secret of secrets) expect(shown).not.toContain(secret);
    expect(await query<{ one: number }>(await cluster.url('pooler'), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('kill -9 of the primary’s container: another member takes over', async () => {
    const old = await leader();
    const gap = await underLoad(() => {
      process.kill(firstProcess(container(old)), 'SIGKILL');
    });
    console.log(`kill -9 of the primary's container: ${gap} ms without a write`);
    expect(gap).toBeLessThan(lax);
    expect((await cluster.status()).leader).not.toBe(old);
  });

  test('supabase-js signs up, writes and reads through the container of the API, and rides through such a kill', async () => {
    const { SUPABASE_URL = '', SUPABASE_PUBLISHABLE_KEY = '' } = await cluster.environment();
    await query(
      url,
      `CREATE TABLE public.notes (id uuid PRIMARY KEY, owner uuid NOT NULL DEFAULT auth.uid(), text text NOT NULL);
       ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
       CREATE POLICY own ON public.notes TO authenticated USING (owner = auth.uid()) WITH CHECK (owner = auth.uid())`,
    );
    const client = createClient(SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, {
      auth: { persistSession: false, autoRefreshToken: false },
      realtime: { transport: WebSocket as never },
    });
    const { error } = await client.auth.signUp({ email: 'alice@example.com', password: 'secret123' });
    expect(error).toBeNull();
    await expect.poll(async () => (await client.from('notes').select()).error, { timeout: 20_000 }).toBeNull();

    const written: string[] = [];
    const failed: unknown[] = [];
    let longest = 0;
    let isStopping = false;
    const writer = (async () => {
      while (!isStopping) {
        const id = randomUUID();
        const began = performance.now();
        // Twice is as good as once.
        const wrote = await client.from('notes').upsert({ id, text: 'through it' });
        const read = await client.from('notes').select('text').eq('id', id);
        longest = Math.max(longest, performance.now() - began);
        if (wrote.error === null) written.push(id);
        failed.push(...[wrote.error, read.error].filter((each) => each !== null));
        if (wrote.error === null && read.data?.length !== 1) failed.push(`${id} is not there`);
      }
    })();
    try {
      await waitUntil('requests', async () => written.length > 20, { timeoutMilliseconds: 30_000 });
      const old = await leader();
      process.kill(firstProcess(container(old)), 'SIGKILL');
      const seen = written.length;
      await waitUntil('requests after it', async () => written.length > seen + 20, { timeoutMilliseconds: 60_000 });
    } finally {
      isStopping = true;
      await writer;
    }
    console.log(
      `kill -9 of the primary's container: ${written.length} writes and reads, the slowest ${Math.round(longest)} ms`,
    );
    expect(failed).toEqual([]);
    await waitForHealth(cluster);
    const [kept] = await query<{ n: string }>(url, 'SELECT count(*) AS n FROM public.notes');
    expect(Number(kept?.n)).toBe(written.length);
  });

  test('the container of the API: not root, nothing to write to, ends in order, comes back, and hears of new keys', async () => {
    const name = 'dockertest-api';
    expect(docker('exec', name, 'id', '-u')).toBe('996');
    const touched = docker('exec', name, 'sh', '-c', 'touch /usr/x /opt/holdfast/x /run/holdfast-keys/x 2>&1; true');
    expect(touched.match(/Read-only file system/g)).toHaveLength(3);
    const { SUPABASE_URL = '', SUPABASE_SECRET_KEY: before = '' } = await cluster.environment();
    const status = async (apikey: string) =>
      await fetch(`${SUPABASE_URL}/auth/v1/settings`, { headers: { apikey } }).then(
        (answer) => answer.status,
        () => 0,
      );
    await cluster.json(['keys', 'rotate', 'secret', '--grace', '0s', '--yes']);
    await expect.poll(async () => await status(before), { timeout: 20_000 }).toBe(401);
    const { SUPABASE_SECRET_KEY: after = '' } = await cluster.environment();
    expect(await status(after)).toBe(200);
    const pid = firstProcess(name);
    process.kill(pid, 'SIGKILL');
    await expect
      .poll(async () => (firstProcess(name) === pid ? 0 : await status(after)), { timeout: 20_000 })
      .toBe(200);
    docker('stop', '--time', '15', name);
    expect(logsOf(name)).toContain('"event":"stopped"');
    docker('start', name);
    await expect.poll(async () => await status(after), { timeout: 20_000 }).toBe(200);
    expect((await cluster.json<Up>(['up'])).changed).toBe(false);
  });

  test('kill -9 of its PostgreSQL: another member takes over', async () => {
    const old = await leader();
    const gap = await underLoad(() => {
      docker('exec', container(old), 'sh', '-c', 'kill -9 $(head -n 1 /var/lib/holdfast/data/*/pgdata/postmaster.pid)');
    });
    console.log(`kill -9 of the primary's PostgreSQL: ${gap} ms without a write`);
    expect(gap).toBeLessThan(lax);
    expect((await cluster.status()).leader).not.toBe(old);
  });

  test('every container is killed at once: all come back by themselves', async () => {
    const { units } = await cluster.json<{ units: readonly { pid: number }[] }>(['ps']);
    for (const pid of new Set(units.map((unit) => unit.pid))) process.kill(pid, 'SIGKILL');
    await sleep(1000);
    await waitForHealth(cluster);
    expect((await cluster.json<Up>(['up'])).changed).toBe(false);
  });

  test('the images are small', () => {
    const size = (image: string) => Number(docker('image', 'inspect', '--format', '{{.Size}}', image));
    const images = new Set(ours('container', 'ls', '--format', '{{.Image}}').split('\n'));
    const beyond = Object.fromEntries(
      [...images].map((image) => [image.replace(/:.*/, ''), (size(image) - size('debian:bookworm-slim')) / 1e6]),
    );
    console.log('MB beyond the base image:', beyond);
    expect(beyond['holdfast/patroni']).toBeLessThan(350);
    expect(beyond['holdfast/proxy']).toBeLessThan(250);
    expect(beyond['holdfast/etcd']).toBeLessThan(100);
    expect(beyond['holdfast/api']).toBeLessThan(250);
  });

  test('logs tell the member from its agent', async () => {
    const lines = async (unit: string) => (await cluster.holdfast(['logs', unit, '-n', '5'])).stdout.trim().split('\n');
    for (const line of await lines('pg1-agent')) expect(JSON.parse(line)).toHaveProperty('event');
    expect((await lines('pg1')).join('\n')).toMatch(/INFO|LOG/);
  });

  test('up changes nothing when all is as it should be, and loads a parameter without a restart', async () => {
    expect((await cluster.json<Up>(['up'])).changed).toBe(false);
    const before = firstProcess(container('pg1'));
    await cluster.writeSpec(`${spec}postgres: { parameters: { work_mem: 12MB } }\n`);
    expect((await cluster.json<Up>(['up'])).changed).toBe(true);
    expect(await query<{ work_mem: string }>(url, 'SHOW work_mem')).toEqual([{ work_mem: '12MB' }]);
    expect(firstProcess(container('pg1'))).toBe(before);
  });

  test('up finishes what was half done', async () => {
    docker('rm', '--force', 'dockertest-haproxy', container('pg3'));
    expect((await cluster.json<Up>(['up'])).changed).toBe(true);
    await waitForHealth(cluster);
  });

  test('down keeps the data, and says whose port is taken', async () => {
    const [before] = await query<{ n: string }>(url, 'SELECT count(*) AS n FROM holdfast_unique_inserts');
    await cluster.json(['down']);
    expect(ours('container', 'ls', '--all', '--quiet')).toBe('');

    const server = createServer();
    const port = Number(new URL(url).port);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const { error } = await cluster.refused(['up']);
    await new Promise((resolve) => server.close(resolve));
    expect(error.code).toBe('HF_PORTS_TAKEN');
    expect(error.detail).toContain(`127.0.0.1:${port} (haproxy, read-write) is held by node (pid ${process.pid})`);

    const began = performance.now();
    const { phases } = await cluster.json<Up>(['up']);
    const writable = phases.slice(0, phases.findIndex(({ phase }) => phase === 'read-write port') + 1);
    const milliseconds = writable.reduce((sum, phase) => sum + phase.milliseconds, 0);
    console.log(
      `up with images and data: writable after ${milliseconds} ms, done after ${Math.round(performance.now() - began)} ms`,
    );
    expect(await query(url, 'SELECT count(*) AS n FROM holdfast_unique_inserts')).toEqual([before]);
  });

  test('doctor finds nothing wrong, and what is for processes alone is refused', async () => {
    await waitForHealth(cluster);
    const { findings } = JSON.parse((await cluster.holdfast(['doctor', '--json'])).stdout) as Doctor;
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(findings.find(({ id }) => id === 'docker')).toMatchObject({ severity: 'ok' });
    expect(findings.find(({ id }) => id === 'api')).toMatchObject({ severity: 'ok' });
    expect((await cluster.refused(['supervise'])).error.code).toBe('HF_RUNTIME_PROCESS_ONLY');
  });

  test('chaos freezes what runs in a container', async () => {
    const scenarios = ['freeze-member-primary'];
    const args = ['chaos', 'run', ...scenarios, '--cluster', 'dockertest', '--yes', '--output', 'report'];
    const { code, stdout, stderr } = await cluster.holdfast(args, { timeoutMilliseconds: 200_000 });
    expect(code, stdout + stderr).toBe(0);
  });

  test('a cluster of the same name in another folder leaves this one alone', async () => {
    await using other = await createTestCluster(spec);
    const { error } = await other.refused(['up']);
    expect(error.code).toBe('HF_DOCKER_FOREIGN');
    expect(error.detail).toContain('volume holdfast-dockertest-pg1');
    await other.holdfast(['down', '--purge', '--yes']);
    await waitForHealth(cluster);
  });

  test('an image that is missing is named, with the command that would build it', async () => {
    await using other = await createTestCluster(
      'name: noimage\nruntime: docker\nports: auto\ndocker: { baseImage: "nowhere:none" }\n',
    );
    const { error } = await other.refused(['up', '--no-install']);
    expect(error.code).toBe('HF_DOCKER_IMAGE');
    expect(error.detail).toMatch(/^docker build .*--build-arg BASE=nowhere:none/);
    expect((await other.refused(['up'])).error.code).toBe('HF_DOCKER_IMAGE');
  });

  test('new images: members are made anew one at a time, the primary after a switchover, and writes go on', async () => {
    await waitForHealth(cluster);
    const before = ours('container', 'ls', '--quiet').split('\n');
    docker('tag', 'debian:bookworm-slim', 'holdfast-test:base');
    await cluster.writeSpec(`${spec}docker: { baseImage: 'holdfast-test:base' }\n`);
    const workload = startUniqueInserts(url, 2);
    const up = await cluster.holdfast(['up', '--yes'], { timeoutMilliseconds: 280_000 });
    const history = await workload.stop();
    docker('rmi', 'holdfast-test:base');
    expect(up.code, up.stdout + up.stderr).toBe(0);
    console.log(`new images: ${history.longestGapMilliseconds} ms without a write at most`);
    // HAProxy's container is made anew, too.
    expect(history.longestGapMilliseconds).toBeLessThan(3 * lax);
    expect(await findLostInserts(url, history)).toEqual([]);
    expect(
      ours('container', 'ls', '--quiet')
        .split('\n')
        .filter((id) => before.includes(id)),
    ).toEqual([]);
  });

  test('another runtime is refused, since it would not find the data', async () => {
    expect((await cluster.refused(['up', '--runtime', 'process'])).error.code).toBe('HF_RUNTIME_CHANGED');
  });

  test.skipIf(process.getuid?.() !== 0)('an account that may not use the engine is told so', async () => {
    const account = { uid: 65_534, gid: 65_534 };
    await using other = await createTestCluster('name: denied\nruntime: docker\n', { account });
    expect((await other.refused(['up'])).error.code).toBe('HF_DOCKER_DENIED');
  });
});

describe.skipIf(missing !== undefined)('the rendered folder', () => {
  test('is enough for Compose alone', async () => {
    const ports = 'postgres: 21432, patroni: 21008, agent: 21108, etcdClient: 21379, etcdPeer: 21380, readWrite: 21000';
    const rest = 'readOnly: 21001, haproxyStats: 21700, pooler: 21543';
    await using cluster = await createTestCluster(
      `name: byhand\nmembers: 2\nsynchronous: on\nresources: { memory: 1GiB }\nports: { ${ports}, ${rest} }\n`,
    );
    await cluster.json(['render', 'docker', '-o', 'compose']);
    const cwd = join(cluster.folder, 'compose');
    const compose = (...args: readonly string[]) => {
      const [program, ...first] =
        spawnSync('docker', ['compose', 'version']).status === 0 ? ['docker', 'compose'] : ['docker-compose'];
      return spawnSync(program ?? '', [...first, ...args], { cwd, encoding: 'utf8', timeout: 200_000 });
    };
    expect(spawnSync('sh', ['create-secrets.sh'], { cwd }).status).toBe(0);
    try {
      const up = compose('up', '-d');
      expect(up.stderr, up.stderr).toMatch(/byhand-haproxy/);
      expect(up.status).toBe(0);
      const password = await readFile(join(cwd, 'secrets/postgres'), 'utf8');
      const url = `postgresql://postgres:${password}@127.0.0.1:21000/postgres`;
      await waitUntil(
        'a write',
        async () => await query(url, 'CREATE TABLE IF NOT EXISTS written ()').catch(() => undefined),
        { timeoutMilliseconds: 60_000 },
      );
      const pooled = `postgresql://postgres:${password}@127.0.0.1:21543/postgres`;
      await waitUntil(
        'an answer of the pooler',
        async () => await query(pooled, 'SELECT FROM written').catch(() => undefined),
        { timeoutMilliseconds: 60_000 },
      );
      const list = compose('exec', '-T', 'patroni-postgres-1', 'patronictl', 'list');
      expect(list.stdout).toContain('Leader');
    } finally {
      compose('down', '--volumes');
    }
  });
});

describe('without an engine', () => {
  const hasDocker = spawnSync('docker', ['--version']).status === 0;

  test.skipIf(!hasDocker)('up says that none answers', async () => {
    await using cluster = await createTestCluster('name: noengine\nruntime: docker\n');
    const env = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };
    const { code, error } = await cluster.refused(['up'], { env });
    expect([code, error.code]).toEqual([3, 'HF_DOCKER_NO_ENGINE']);
  });

  test('up says that the command is missing', async () => {
    await using cluster = await createTestCluster('name: nodocker\nruntime: docker\n');
    const programs = join(cluster.folder, 'bin');
    await mkdir(programs);
    await symlink('/usr/bin/flock', join(programs, 'flock'));
    const { code, error } = await cluster.refused(['up'], { env: { PATH: programs } });
    expect([code, error.code]).toEqual([3, 'HF_DOCKER_MISSING']);
  });
});
