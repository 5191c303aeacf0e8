import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  apiUser,
  createEtcdClient,
  createPatroniClient,
  dcsPrefix,
  etcdClientUrl,
  memberDataDirectory,
  patroniUrl,
  planCluster,
  renderDynamicConfiguration,
  renderPatroniConfiguration,
} from '../src/index.js';
import { type ExampleOptions, exampleLayout, exampleSpec, examples } from './example.js';
import { onFreePorts } from './free-ports.js';
import { layoutWithPatroni, patroniMissing } from './patroni-tool.js';
import {
  Disposables,
  prepareUnit,
  type RunningUnit,
  runOnce,
  startUnit,
  temporaryDirectory,
  testSecrets,
  unitOf,
  waitReady,
  waitUntil,
} from './run-unit.js';

const never = new AbortController().signal;

describe.skipIf(patroniMissing !== undefined)(`patroni.yml ${patroniMissing ?? ''}`, () => {
  /** Patroni's own check: it wants to reach etcd, and no 127.0.0.1 to be given to other members. */
  async function validate(options: ExampleOptions, change: (text: string) => string) {
    await using cleanup = new Disposables();
    const directory = cleanup.use(await temporaryDirectory());
    const spec = await onFreePorts(exampleSpec({ ...options, listen: '127.0.0.2' }));
    for (const member of spec.etcd.members) cleanup.use(await listener(member.host, member.clientPort));
    const planned = unitOf(planCluster({ spec, layout: layoutWithPatroni(directory.path) }).units, 'pg1');
    const files = planned.files.map((file) => ({ ...file, content: change(String(file.content)) }));
    const argv = [...planned.argv.slice(0, -1), '--validate-config', ...planned.argv.slice(-1)];
    const { code, output } = await runOnce({ ...planned, files }, { argv });
    return { code, complaints: output.trim().split('\n') };
  }

  async function listener(host: string, port: number): Promise<AsyncDisposable> {
    const server = createServer((socket) => socket.destroy()).listen(port, host);
    await once(server, 'listening');
    return { [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) };
  }

  it.each(Object.entries(examples))('of %s is accepted', async (_, options) => {
    const { code, complaints } = await validate(options, (text) => text);
    // Patroni 4.0 documents `quorum`, but its check does not know the word yet.
    const quorum = complaints.includes('bootstrap.dcs.synchronous_mode quorum is not a boolean');
    expect(complaints.filter((line) => line !== '')).toHaveLength(quorum ? 1 : 0);
    expect(code).toBe(quorum ? 1 : 0);
  });

  it("means the same to Patroni's YAML 1.1 as it does to us", async () => {
    const parameters = {
      a: 'on',
      b: 'no',
      c: '1:30',
      d: '0755',
      e: '1_000',
      f: "it's",
      g: '# x',
      h: '',
      i: '~',
      j: true,
    };
    const spec = exampleSpec({ change: (each) => ({ ...each, postgres: { ...each.postgres, parameters } }) });
    const [member] = spec.members;
    if (member === undefined) throw new Error('no members');
    const text = renderPatroniConfiguration({ spec, layout: exampleLayout() }, member);
    const script = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)["bootstrap"]["dcs"]))';
    const { stdout } = spawnSync('/usr/bin/python3', ['-c', script], {
      input: text,
      encoding: 'utf8',
      timeout: 10_000,
    });
    expect(JSON.parse(stdout)).toEqual(renderDynamicConfiguration(spec));
  });

  it('is refused when it is broken', async () => {
    const { code, complaints } = await validate({}, (text) => text.replace('ttl: 20', 'ttl: 2'));
    expect(complaints).toEqual([expect.stringContaining('bootstrap.dcs.ttl')]);
    expect(code).toBe(1);
  });
});

describe.skipIf(patroniMissing !== undefined)('one member, running as planned', async () => {
  const all = new Disposables();
  const spec = await onFreePorts(exampleSpec({ ...examples['one-member'] }));
  const [member] = spec.members;
  const [etcdMember] = spec.etcd.members;
  if (member === undefined || etcdMember === undefined) throw new Error('no members');
  const url = patroniUrl(member);
  const client = createPatroniClient({ url, username: apiUser, password: testSecrets['patroni-api'] });
  const anonymous = createPatroniClient({ url });
  const etcd = createEtcdClient({ url: etcdClientUrl(etcdMember) });
  let directory: string;
  let patroni: RunningUnit;

  beforeAll(async () => {
    directory = all.use(await temporaryDirectory()).path;
    const { units } = planCluster({ spec, layout: layoutWithPatroni(directory) });
    // Its dependencies first; the proxies wait for what comes.
    for (const id of ['etcd1', 'pg1', 'haproxy', 'pgbouncer']) {
      const unit = unitOf(units, id);
      const running = all.use(startUnit(unit));
      await waitReady(unit, running);
      if (id === 'pg1') patroni = running;
    }
    const running = async () => (await client.state(never)).role === 'primary';
    await waitUntil('the primary runs', running, 60).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${patroni.output()}`);
    });
  });
  afterAll(async () => {
    await all[Symbol.asyncDispose]();
    expect(() => readFileSync(join(memberDataDirectory(directory, 'pg1'), 'postmaster.pid'))).toThrow('ENOENT');
  });

  /** What psql prints, or the error it ends with. */
  async function psql(port: number, user: string, password: string, statement: string): Promise<string> {
    const argv = ['-XAt', '-h', '127.0.0.1', '-p', String(port), '-U', user, '-d', 'postgres', '-v', 'ON_ERROR_STOP=1'];
    const child = spawn(join(layoutWithPatroni(directory).tools.postgresBin, 'psql'), [...argv, '-c', statement], {
      env: { PGPASSWORD: password, PGCONNECT_TIMEOUT: '10' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [output, error] = ['', ''];
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (error += String(chunk)));
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(error);
    return output.trim();
  }
  const asSuperuser = (statement: string, port = member.port) =>
    psql(port, 'postgres', testSecrets.postgres, statement);

  it('tells its state', async () => {
    expect(await anonymous.state(never)).toMatchObject({
      state: 'running',
      role: 'primary',
      timeline: 1,
      patroniVersion: expect.stringMatching(/^4\./),
      scope: 'main',
      name: 'pg1',
      systemIdentifier: expect.stringMatching(/^\d{10,}$/),
      pendingRestart: false,
      paused: false,
      serverVersion: expect.any(Number),
      walBytes: expect.any(Number),
      dcsLastSeen: expect.any(Number),
    });
  });

  it('tells the cluster', async () => {
    const cluster = await anonymous.cluster(never);
    expect(cluster).toMatchObject({ scope: 'main', paused: false });
    expect(cluster.members).toEqual([
      {
        name: 'pg1',
        role: 'leader',
        state: 'running',
        host: '127.0.0.1',
        port: member.port,
        timeline: 1,
        lagBytes: undefined,
        pendingRestart: false,
        tags: {},
      },
    ]);
  });

  it('runs PostgreSQL with what the plan says, and nothing of it needs a restart', async () => {
    const plan = planCluster({ spec, layout: layoutWithPatroni(directory) });
    expect(await client.config(never)).toEqual(plan.dynamicConfiguration);
    for (const [name, value] of [
      ['wal_level', 'logical'],
      ['jit', 'off'],
      ['data_checksums', 'on'],
      ['unix_socket_directories', ''],
      ['password_encryption', 'scram-sha-256'],
      ['wal_retrieve_retry_interval', '100ms'],
      ['server_encoding', 'UTF8'],
    ]) {
      expect(`${name}=${await asSuperuser(`SHOW ${name}`)}`).toBe(`${name}=${value}`);
    }
    expect(await asSuperuser('SELECT datcollate FROM pg_database WHERE datname = current_database()')).toBe('C.UTF-8');
  });

  it('knows the three roles by their secrets and lets nobody in without', async () => {
    expect(await psql(member.port, 'rewinder', testSecrets.rewind, 'SELECT current_user')).toBe('rewinder');
    expect(await asSuperuser(`SELECT rolreplication FROM pg_roles WHERE rolname = 'replicator'`)).toBe('t');
    await expect(psql(member.port, 'postgres', 'wrong', 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('keeps its keys where dcsPrefix says', async () => {
    const keys = (await etcd.getPrefix(dcsPrefix(spec), never)).map((each) => each.key);
    expect(keys).toEqual(expect.arrayContaining(['/service/main/leader', '/service/main/config']));
    expect((await etcd.getPrefix('/', never)).map((each) => each.key)).toHaveLength(keys.length);
  });

  it("has one log, Patroni's and PostgreSQL's, without a secret in it", async () => {
    expect(patroni.output()).toContain('INFO: ');
    expect(patroni.output()).toContain('database system is ready to accept connections');
    expect(Object.values(testSecrets).filter((value) => patroni.output().includes(value))).toEqual([]);
  });

  it('lets only those change something who know the password', async () => {
    await expect(anonymous.patchConfig({ ttl: 30 }, never)).rejects.toMatchObject({ code: 'HF_PATRONI_REFUSED' });
    await expect(anonymous.restart(never)).rejects.toMatchObject({ code: 'HF_PATRONI_REFUSED' });
  });

  it('takes a patch of its configuration, and null removes a key', async () => {
    const patched = await client.patchConfig({ postgresql: { parameters: { work_mem: '5MB' } } }, never);
    expect(patched).toMatchObject({ ttl: 20, postgresql: { parameters: { work_mem: '5MB', wal_level: 'logical' } } });
    await waitUntil('PostgreSQL has it', async () => (await asSuperuser('SHOW work_mem')) === '5MB');
    const again = await client.patchConfig({ postgresql: { parameters: { work_mem: null } } }, never);
    expect(again).toEqual(planCluster({ spec, layout: layoutWithPatroni(directory) }).dynamicConfiguration);
  });

  it('refuses what cannot be done, in its own words', async () => {
    await expect(client.switchover({ leader: 'pg1', candidate: 'pg9' }, never)).rejects.toMatchObject({
      code: 'HF_PATRONI_REFUSED',
      detail: expect.stringMatching(/candidate|members/),
    });
    await expect(client.failover({ candidate: 'pg9' }, never)).rejects.toMatchObject({ code: 'HF_PATRONI_REFUSED' });
    await expect(client.reinitialize({ force: false }, never)).rejects.toMatchObject({ code: 'HF_PATRONI_REFUSED' });
  });

  it('reads its file again', async () => {
    const unit = unitOf(planCluster({ spec, layout: layoutWithPatroni(directory) }).units, 'pg1');
    const files = unit.files.map((file) => ({
      ...file,
      content: `${file.content}`.replace('tags: {}', 'tags: {a: b}'),
    }));
    prepareUnit({ ...unit, files });
    await client.reload(never);
    await waitUntil('the tag is there', async () => (await client.cluster(never)).members[0]?.tags.a === 'b');
  });

  it('restarts PostgreSQL', async () => {
    const started = await asSuperuser('SELECT pg_postmaster_start_time()');
    await client.restart(never);
    expect(await asSuperuser('SELECT pg_postmaster_start_time()')).not.toBe(started);
  });

  it('is reached through HAProxy and through PgBouncer', async () => {
    await asSuperuser(`
      CREATE ROLE pgbouncer LOGIN PASSWORD '${testSecrets.pgbouncer}';
      CREATE SCHEMA pgbouncer AUTHORIZATION pgbouncer;
      CREATE FUNCTION pgbouncer.get_auth(name text) RETURNS TABLE (usename name, passwd text)
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
        AS 'SELECT s.usename, s.passwd FROM pg_shadow s WHERE s.usename = name';
      CREATE ROLE app LOGIN PASSWORD 'of-app';`);
    const { readWritePort, readOnlyPort } = spec.haproxy;
    expect(await psql(readWritePort, 'app', 'of-app', 'SELECT current_user')).toBe('app');
    // There is no replica: the primary serves readers.
    expect(await psql(readOnlyPort, 'app', 'of-app', 'SELECT current_user')).toBe('app');
    expect(await psql(spec.pooler.port, 'app', 'of-app', 'SELECT current_user')).toBe('app');
    await expect(psql(spec.pooler.port, 'app', 'wrong', 'SELECT 1')).rejects.toThrow('SASL authentication failed');
    await expect(psql(spec.pooler.port, 'nobody', 'x', 'SELECT 1')).rejects.toThrow(/no such user|SASL/);
  });
});
