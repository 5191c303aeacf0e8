import type { ChildProcess } from 'node:child_process';
import { lstat, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StatusReport } from '@holdfast/cluster';
import {
  cliProgram,
  createTestCluster,
  listProcessesOf,
  memberOf,
  pidsOf,
  primaryOf,
  query,
  replicasOf,
  runProgram,
  settingOnMembers,
  type TestCluster,
  waitForHealth,
} from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

interface UpDocument extends StatusReport {
  readonly changed: boolean;
  readonly changes: readonly { readonly unit: string; readonly action: string }[];
  readonly settings: readonly string[];
  readonly pendingRestart: readonly string[];
  readonly phases: readonly { readonly phase: string; readonly milliseconds: number }[];
}

interface UnitDocument {
  readonly id: string;
  readonly component: string;
  readonly state: string;
  readonly pid: number;
  readonly pids: readonly number[];
  readonly restarts: number;
}

const members = ['pg1', 'pg2', 'pg3'];
const agents = members.map((name) => `${name}-agent`);
const units = ['etcd1', 'etcd2', 'etcd3', ...members, ...agents, 'haproxy', 'pgbouncer', 'net', 'api'];

let cluster: TestCluster;
let firstUp: UpDocument;
/** The state folder is a link, as it is where the place beside the spec does not suit. */
let link: string;
let target: string;

beforeAll(async () => {
  cluster = await createTestCluster();
  link = join(cluster.folder, '.holdfast', 'test');
  target = join(cluster.folder, 'state');
  await mkdir(join(cluster.folder, '.holdfast'));
  await symlink(target, link);
  firstUp = await cluster.json<UpDocument>(['up', '--no-install']);
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

describe('up and status', () => {
  test('the first up says what it started, how long it took, and the status', async () => {
    expect(firstUp.changed).toBe(true);
    expect(firstUp.changes.map(({ unit }) => unit).sort()).toEqual([...units].sort());
    expect(new Set(firstUp.changes.map(({ action }) => action))).toEqual(new Set(['start']));
    expect(firstUp.settings).toEqual([]);
    expect(firstUp.pendingRestart).toEqual([]);
    expect(firstUp.phases.every(({ milliseconds }) => milliseconds >= 0)).toBe(true);
    expect(firstUp.members.map(({ name }) => name)).toEqual(['pg1', 'pg2', 'pg3']);
    expect(firstUp.endpoints.readWrite).toMatch(/^postgresql:\/\/postgres@127\.0\.0\.1:\d+\/postgres/);
  });

  test('the same up again changes nothing and says so', async () => {
    const before = await waitForHealth(cluster);
    const again = await cluster.json<UpDocument>(['up', '--no-install']);
    expect(again).toMatchObject({ changed: false, changes: [], settings: [], pendingRestart: [] });
    expect(pidsOf(again)).toEqual(pidsOf(before));
    expect(Object.values(pidsOf(again)).every((pid) => typeof pid === 'number')).toBe(true);
    expect(again.supervisor).toEqual(before.supervisor);
    const text = await cluster.holdfast(['up', '--no-install']);
    expect(text.code).toBe(0);
    expect(text.stdout).toContain('test is up already; nothing was changed.');
    expect(pidsOf(await cluster.status())).toEqual(pidsOf(before));
  });

  test('status --json has exactly the documented keys', async () => {
    const status = await waitForHealth(cluster);
    expect(shapeOf(status)).toEqual({
      cluster: 'string',
      runtime: 'string',
      health: 'string',
      reasons: [],
      leader: 'string',
      timeline: 'number',
      synchronous: { mode: 'string', standbys: ['string'] },
      paused: 'boolean',
      members: [
        {
          name: 'string',
          role: 'string',
          state: 'string',
          timeline: 'number',
          lagBytes: 'number',
          pendingRestart: 'boolean',
          host: 'string',
          port: 'number',
          patroniUrl: 'string',
          dataDir: 'string',
          pids: { patroni: 'number', postgres: 'number', agent: 'number' },
        },
      ],
      etcd: [{ name: 'string', healthy: 'boolean', isLeader: 'boolean', clientUrl: 'string', pid: 'number' }],
      proxies: [
        {
          name: 'string',
          healthy: 'boolean',
          host: 'string',
          port: 'number',
          pid: 'number',
          servers: [{ backend: 'string', server: 'string', status: 'string' }],
        },
        { name: 'string', healthy: 'boolean', host: 'string', port: 'number', pid: 'number', servers: [] },
      ],
      services: [],
      endpoints: { readWrite: 'string', readOnly: 'string', pooler: 'string', api: 'string', haproxyStats: 'string' },
      patroni: { version: 'string', origin: 'string' },
      postgres: { version: 'string' },
      supervisor: { pid: 'number', alive: 'boolean' },
      warnings: [],
      unknown: [],
    });
    expect(status.cluster).toBe('test');
    expect(Number.parseInt(status.patroni.version ?? '', 10)).toBeGreaterThanOrEqual(4);
    expect(status.members.map(({ role }) => role).sort()).toEqual(['primary', 'replica', 'sync standby']);
    expect(status.etcd.filter(({ isLeader }) => isLeader === true)).toHaveLength(1);
    expect(status.supervisor.alive).toBe(true);
  });

  test('status for people needs no terminal', async () => {
    const { code, stdout, stderr } = await cluster.holdfast(['status']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).not.toContain('\x1b');
    for (const name of units.filter((unit) => unit !== 'net' && unit !== 'api' && !agents.includes(unit)))
      expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
    expect(stdout).toMatch(/^test {2}healthy$/m);
    expect(stdout).toContain((await cluster.status()).endpoints.readWrite);
  });

  test('a reader that has seen enough is no error', async () => {
    const result = await runProgram('sh', ['-c', '"$0" "$@" | true', process.execPath, cliProgram, 'status'], {
      timeoutMilliseconds: 30_000,
      cwd: cluster.folder,
    });
    expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('status --watch goes on until %s', async (name) => {
    const json = name === 'SIGINT' ? ['--json'] : [];
    const { code, stdout, stderr } = await cluster.holdfast(['status', '--watch', '0.2', ...json], {
      onStart: (child) =>
        endAfter(child, name, json.length > 0 ? /^\{.*\}\n\{.*\}\n/ : /test {2}healthy[\s\S]*test {2}healthy/),
    });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    if (json.length === 0) return;
    const documents = stdout.trimEnd().split('\n');
    expect(documents.length).toBeGreaterThanOrEqual(2);
    for (const line of documents) expect((JSON.parse(line) as StatusReport).health).toBe('healthy');
  });

  test('ps names every unit and its processes', async () => {
    const status = await cluster.status();
    const { units: found } = await cluster.json<{ units: readonly UnitDocument[] }>(['ps']);
    expect(found.map(({ id }) => id).sort()).toEqual([...units].sort());
    for (const { id, state, restarts, pid, pids } of found) {
      expect({ id, state, restarts }).toEqual({ id, state: 'ready', restarts: 0 });
      expect(pids).toContain(pid);
    }
    const member = memberOf(status, 'pg1');
    const { agent, ...own } = member.pids;
    expect(found.find(({ id }) => id === 'pg1')?.pids).toEqual(expect.arrayContaining(Object.values(own)));
    expect(found.find(({ id }) => id === 'pg1-agent')?.pids).toEqual([agent]);
    const text = await cluster.holdfast(['ps']);
    expect(text.stdout).toMatch(/^pg1 +patroni +ready/m);
  });
});

describe('logs', () => {
  test('of several units, so many lines each', async () => {
    const { code, stdout } = await cluster.holdfast(['logs', 'pg1', 'etcd2', '-n', '2']);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split(' ', 1)[0]).sort()).toEqual(['etcd2', 'etcd2', 'pg1', 'pg1']);
  });

  test('as JSON, one document a line', async () => {
    const { stdout } = await cluster.holdfast(['logs', 'pg1', 'supervisor', '-n', '3', '--json']);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { unit: string; text: string });
    expect(lines.map(({ unit }) => unit)).toEqual(['pg1', 'pg1', 'pg1', 'supervisor', 'supervisor', 'supervisor']);
    expect(lines.every(({ text }) => text.length > 0)).toBe(true);
  });

  test('of a unit that does not exist are refused', async () => {
    const { code, error } = await cluster.refused(['logs', 'pg9']);
    expect(code).toBe(2);
    expect(error.suggestion).toContain('pg1');
  });

  test('are followed until Ctrl-C', async () => {
    const leader = primaryOf(await cluster.status());
    const word = 'a line that follows';
    const { code, stdout, stderr } = await cluster.holdfast(['logs', leader.name, '-f', '-n', '1'], {
      onStart: (child) => {
        child.stdout?.once('data', () => {
          void cluster.url('rw').then((url) => query(url, `DO $$ BEGIN RAISE WARNING '${word}'; END $$`));
        });
        endAfter(child, 'SIGINT', new RegExp(word));
      },
    });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain(word);
  });
});

describe('connecting', () => {
  test('psql goes to the primary, with --ro to a replica, and passes on what stands after --', async () => {
    const ask = async (...args: string[]) => await cluster.holdfast(['psql', ...args]);
    const recovery = ['--', '-At', '-c', 'SELECT pg_is_in_recovery()'];
    expect(await ask(...recovery)).toEqual({ code: 0, stdout: 'f\n', stderr: '' });
    expect(await ask('--ro', ...recovery)).toEqual({ code: 0, stdout: 't\n', stderr: '' });
    const other = await ask('-d', 'template1', '--', '-At', '-c', 'SELECT current_database()');
    expect(other.stdout).toBe('template1\n');
  });

  test("psql's exit code is ours", async () => {
    const failed = await cluster.holdfast(['psql', '--', '-c', 'SELECT nonsense']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('nonsense');
    const noDatabase = await cluster.holdfast(['psql', '-d', 'nowhere', '--', '-c', 'SELECT 1']);
    expect(noDatabase.code).toBe(2);
  });

  test('every URL works with psql', async () => {
    const status = await cluster.status();
    const [replica] = replicasOf(status);
    if (replica === undefined) throw new Error('there is no replica');
    const expected = [
      [['rw'], 'f', primaryOf(status).port],
      [['ro'], 't', undefined],
      [['pooler'], 'f', primaryOf(status).port],
      [['member', replica.name], 't', replica.port],
    ] as const;
    for (const [args, recovery, port] of expected) {
      const { stdout: url } = await cluster.holdfast(['url', ...args]);
      const answer = await runProgram(
        'psql',
        [url.trim(), '-At', '-F', ' ', '-c', 'SELECT pg_is_in_recovery(), inet_server_port()'],
        { timeoutMilliseconds: 30_000 },
      );
      expect({ args, ...answer, stdout: answer.stdout.split(' ')[0] }).toEqual({
        args,
        code: 0,
        stdout: recovery,
        stderr: '',
      });
      if (port !== undefined) expect(Number(answer.stdout.split(' ')[1])).toBe(port);
    }
    const database = await cluster.url('rw', '-d', 'template1');
    expect(await query(database, 'SELECT current_database() AS name')).toEqual([{ name: 'template1' }]);
  });

  test('the statistics ask for their password', async () => {
    const url = new URL(await cluster.url('stats'));
    const authorization = `Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}`;
    const bare = url.href.replace(/\/\/.*@/, '//');
    const limit = () => AbortSignal.timeout(10_000);
    expect((await fetch(bare, { signal: limit() })).status).toBe(401);
    const page = await fetch(`${bare};csv`, { headers: { authorization }, signal: limit() });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('primary,pg1,');
  });

  test('a URL that does not exist is refused', async () => {
    expect((await cluster.refused(['url', 'nonsense'])).code).toBe(2);
    const member = await cluster.refused(['url', 'member', 'pg9']);
    expect(member.code).toBe(2);
    expect(member.error.suggestion).toContain('pg1, pg2, pg3');
  });
});

describe('operations', () => {
  test('config set reaches every member, and config get shows it', async () => {
    const path = 'postgresql.parameters.log_replication_commands';
    const before = pidsOf(await waitForHealth(cluster));
    const changed = await cluster.json<{ changed: readonly string[]; pendingRestart: readonly string[] }>([
      'config',
      'set',
      `${path}=on`,
    ]);
    expect(changed.changed).toHaveLength(1);
    expect(changed.pendingRestart).toEqual([]);
    expect((await cluster.holdfast(['config', 'get', path])).stdout).toBe('on\n');
    expect(await settingOnAll('log_replication_commands')).toEqual(['on', 'on', 'on']);
    expect(pidsOf(await cluster.status())).toEqual(before);
  });

  test('what holdfast.yaml decides, and what Patroni does not know, is refused', async () => {
    const before = await cluster.json(['config', 'get']);
    for (const assignment of ['synchronous_mode=false', 'ttl=60', 'tttl=60']) {
      expect((await cluster.refused(['config', 'set', assignment])).code).toBe(2);
    }
    expect(await cluster.json(['config', 'get'])).toEqual(before);
  });

  test('pause and resume', async () => {
    await cluster.json(['pause']);
    const paused = await cluster.status();
    expect(paused.paused).toBe(true);
    expect(paused.reasons).toEqual(['automatic failover is paused']);
    await cluster.json(['resume']);
    expect((await waitForHealth(cluster)).paused).toBe(false);
  });

  test('restart restarts the PostgreSQL of one member; --pending only where a setting waits for it', async () => {
    await query(await cluster.url('rw'), 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)');
    const before = await waitForHealth(cluster);
    expect(await cluster.json(['restart', 'pg1', '--pending'])).toMatchObject({ restarted: false });
    const set = await cluster.json<{ pendingRestart: readonly string[] }>([
      'config',
      'set',
      'postgresql.parameters.track_activity_query_size=2048',
    ]);
    expect(set.pendingRestart).toEqual(['pg1', 'pg2', 'pg3']);
    expect(pidsOf(await cluster.status())).toEqual(pidsOf(before));

    const [replica, other] = replicasOf(before).map(({ name }) => name);
    if (replica === undefined || other === undefined) throw new Error('there are too few replicas');
    for (const command of [[replica], [primaryOf(before).name, '--pending', '--in-place']]) {
      const earlier = pidsOf(await cluster.status());
      expect(await cluster.json(['restart', ...command])).toMatchObject({ member: command[0], restarted: true });
      const after = await waitForHealth(cluster);
      const restarted = `${command[0]} postgres`;
      expect(after.leader).toBe(before.leader);
      expect(pidsOf(after)).toEqual({ ...earlier, [restarted]: pidsOf(after)[restarted] });
      expect(pidsOf(after)[restarted]).not.toBe(earlier[restarted]);
    }
    const { members } = await cluster.status();
    expect(members.filter(({ pendingRestart }) => pendingRestart).map(({ name }) => name)).toEqual([other]);
    expect(await settingOnAll('track_activity_query_size')).toEqual(
      members.map(({ name }) => (name === other ? '1kB' : '2kB')),
    );
    expect(await rows()).toEqual([7]);
  });

  test('reinit refuses the leader, asks first, and then copies anew', async () => {
    const before = await waitForHealth(cluster);
    const refused = await cluster.refused(['reinit', primaryOf(before).name, '--yes']);
    expect(refused.code).toBe(4);
    expect(refused.error.suggestion).toContain('holdfast switchover');
    const victim = before.members.find(({ role }) => role === 'replica');
    if (victim === undefined) throw new Error('there is no replica');
    const mark = join(victim.dataDir, 'only-in-the-old-copy');
    await writeFile(mark, '');

    const asked = await cluster.refused(['reinit', victim.name]);
    expect(asked.code).toBe(2);
    expect(asked.error.suggestion).toContain('--yes');
    expect((await lstat(mark)).isFile()).toBe(true);
    expect(pidsOf(await cluster.status())).toEqual(pidsOf(before));

    expect(await cluster.json(['reinit', victim.name, '--yes'])).toMatchObject({ reinitialised: true });
    await expect(lstat(mark)).rejects.toThrow('ENOENT');
    const after = await waitForHealth(cluster);
    expect(after.leader).toBe(before.leader);
    expect(memberOf(after, victim.name).pids.postgres).not.toBe(victim.pids.postgres);
    expect(await query(await cluster.url('member', victim.name), 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
  });

  test('switchover --to moves the primary there', async () => {
    const before = await waitForHealth(cluster);
    const [to] = before.synchronous.standbys;
    const moved = await cluster.json<{ from: string; to: string; timeline: number }>(['switchover', '--to', to ?? '']);
    expect(moved).toMatchObject({ from: before.leader, to, timeline: (before.timeline ?? 0) + 1 });
    const after = await waitForHealth(cluster);
    expect(after.leader).toBe(to);
    expect(after.members.every(({ timeline }) => timeline === moved.timeline)).toBe(true);
    expect(await rows()).toEqual([7]);
  });

  test('failover promotes the synchronous standby', async () => {
    const before = await waitForHealth(cluster);
    const moved = await cluster.json<{ from: string; to: string }>(['failover']);
    expect(moved.from).toBe(before.leader);
    expect(before.synchronous.standbys).toContain(moved.to);
    expect((await waitForHealth(cluster)).leader).toBe(moved.to);
    expect(await rows()).toEqual([7]);
  });

  test('doctor finds nothing wrong', async () => {
    const result = await cluster.holdfast(['doctor', '--json']);
    const { findings } = JSON.parse(result.stdout) as { findings: readonly { severity: string; what: string }[] };
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(result.code).toBe(0);
    expect(findings.length).toBeGreaterThan(10);
  });
});

describe('down', () => {
  test('leaves no process, and says so when there was none', async () => {
    expect(listProcessesOf(cluster.folder).length).toBeGreaterThan(20);
    expect(await cluster.json(['down'])).toEqual({ cluster: 'test', stopped: true, purged: false });
    expect(listProcessesOf(cluster.folder)).toEqual([]);
    expect(await cluster.json(['down'])).toEqual({ cluster: 'test', stopped: false, purged: false });
    const status = await cluster.holdfast(['status', '--json']);
    expect(status.code).toBe(4);
    expect(JSON.parse(status.stdout)).toMatchObject({ health: 'down', leader: null, supervisor: { alive: false } });
  });

  test('up brings the same rows back', async () => {
    expect((await cluster.json<UpDocument>(['up', '--no-install'])).changed).toBe(true);
    await waitForHealth(cluster);
    expect(await rows()).toEqual([7]);
  });

  test('--purge asks first, and then deletes everything', async () => {
    const before = pidsOf(await cluster.status());
    const asked = await cluster.refused(['down', '--purge']);
    expect(asked.code).toBe(2);
    expect(asked.error.suggestion).toContain('--yes');
    expect(pidsOf(await cluster.status())).toEqual(before);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);

    expect(await cluster.json(['down', '--purge', '--yes'])).toEqual({ cluster: 'test', stopped: true, purged: true });
    expect(listProcessesOf(cluster.folder)).toEqual([]);
    expect((await readdir(cluster.folder)).sort()).toEqual(['.holdfast', 'holdfast.yaml']);
    expect(await readdir(join(cluster.folder, '.holdfast'))).toEqual([]);
  });
});

/** Types instead of values; of elements that look alike only one. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) {
    const shapes = new Map(value.map((each) => [JSON.stringify(shapeOf(each)), shapeOf(each)]));
    return [...shapes.values()];
  }
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}

/** Sends the signal once what was printed matches. */
function endAfter(child: ChildProcess, name: NodeJS.Signals, pattern: RegExp): void {
  let printed = '';
  child.stdout?.on('data', (text: string) => {
    printed += text;
    if (pattern.test(printed)) child.kill(name);
  });
}

async function settingOnAll(name: string): Promise<readonly string[]> {
  return await settingOnMembers(await cluster.status(), await cluster.url('rw'), name);
}

async function rows(): Promise<readonly number[]> {
  return (await query<{ n: number }>(await cluster.url('rw'), 'SELECT n FROM kept')).map(({ n }) => n);
}
