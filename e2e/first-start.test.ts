import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createTestCluster,
  findLostInserts,
  killProcessesOf,
  listProcessesOf,
  prepareUniqueInserts,
  query,
  signal,
  startUniqueInserts,
  type TestCluster,
  testSpec,
  waitForHealth,
  waitUntil,
} from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

const isRoot = process.getuid?.() === 0;
const up = ['up', '--no-install'];

describe('a first start that was cut off', () => {
  test.each([{ moments: [400] }, { moments: [1200] }, { moments: [2000] }, { moments: [800, 1600] }])(
    'by power cuts after $moments ms is finished by the next up',
    async ({ moments }) => {
      await using cluster = await createTestCluster();
      for (const milliseconds of moments) {
        const begun = cluster.holdfast(up);
        await sleep(milliseconds);
        await killProcessesOf(cluster.folder);
        expect((await begun).code).toBeNull();
      }
      await finish(cluster);
    },
  );

  test('by a power cut after the first acknowledged writes loses none of them', async () => {
    await using cluster = await createTestCluster();
    const first = cluster.holdfast(up);
    const url = await waitUntil('a URL', async () => await earlyUrl(cluster), {
      timeoutMilliseconds: 60_000,
      intervalMilliseconds: 50,
    });
    await waitUntil(
      'the first write',
      async () =>
        await prepareUniqueInserts(url).then(
          () => true,
          () => false,
        ),
      { timeoutMilliseconds: 60_000, intervalMilliseconds: 20 },
    );
    const workload = startUniqueInserts(url);
    await waitUntil('writes', async () => workload.count() > 5, {
      timeoutMilliseconds: 20_000,
      intervalMilliseconds: 5,
    });
    await killProcessesOf(cluster.folder);
    const history = await workload.stop();
    await first;
    await finish(cluster);
    expect(await findLostInserts(url, history)).toEqual([]);
  });

  test('by Ctrl-C is finished by the next up', async () => {
    await using cluster = await createTestCluster();
    const { code, stdout } = await cluster.holdfast([...up, '--json'], {
      onStart: (child) => {
        void sleep(1500).then(() => child.kill('SIGINT'));
      },
    });
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'HF_INTERRUPTED' } });
    await finish(cluster);
  });

  async function finish(cluster: TestCluster): Promise<void> {
    const again = await cluster.holdfast([...up, '--json']);
    expect(again.code, `${again.stdout}\n${again.stderr}`).toBe(0);
    const status = await waitForHealth(cluster);
    expect(status.members.map(({ state }) => state).sort()).toEqual(['running', 'streaming', 'streaming']);
    await query(await cluster.url('rw'), 'CREATE TABLE written (n int)');
  }

  /** As soon as `up` has chosen ports and made secrets. */
  async function earlyUrl(cluster: TestCluster): Promise<string | undefined> {
    const made: readonly string[] = await readdir(join(cluster.folder, '.holdfast', 'test')).catch(() => []);
    if (!made.includes('ports.json') || !made.includes('secrets.json')) return undefined;
    return await cluster.url('rw');
  }
});

// One makes the database, the other the copy that the first commit waits for. The third member waits for neither of them for ever.
test.each(['pg1', 'pg2'])('a first start in which %s hangs is finished by the others', async (member) => {
  await using cluster = await createTestCluster();
  const begun = cluster.holdfast([...up, '--json']);
  const patroni = await waitUntil(`the Patroni of ${member}`, async () => findPatroni(cluster, member), {
    timeoutMilliseconds: 30_000,
    intervalMilliseconds: 10,
  });
  signal(patroni, 'SIGSTOP');
  const written = async () =>
    await query(
      await cluster.url('rw'),
      'CREATE TABLE IF NOT EXISTS written (n int); INSERT INTO written VALUES (1)',
    ).then(
      () => true,
      () => false,
    );
  await waitUntil('a write', written, { timeoutMilliseconds: 60_000 });
  signal(patroni, 'SIGCONT');
  const { code, stdout, stderr } = await begun;
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  const status = await waitForHealth(cluster);
  expect(status.members.map(({ state }) => state).sort()).toEqual(['running', 'streaming', 'streaming']);
});

function findPatroni(cluster: TestCluster, member: string): number | undefined {
  const ends = `/units/${member}/patroni.yml`;
  return listProcessesOf(cluster.folder).find(({ commandLine }) => commandLine.endsWith(ends))?.pid;
}

test.skipIf(!isRoot)('an account without any rights has a whole cluster of its own', async (context) => {
  const nobody = await accountOf('nobody');
  await using cluster = await createTestCluster(testSpec, { account: nobody, env: { HOME: '/nonexistent' } });
  if ((await cluster.holdfast(['--version']).catch(() => undefined))?.code !== 0)
    return context.skip('nobody may not read this clone');
  await cluster.json(up);
  const status = await waitForHealth(cluster);
  const { units } = await cluster.json<{ units: readonly { pids: readonly number[] }[] }>(['ps']);
  const pids = [status.supervisor.pid ?? 0, ...units.flatMap((unit) => unit.pids)];
  const owners = await Promise.all(
    pids.map(async (pid) => /^Uid:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))?.[1]),
  );
  expect(new Set(owners.filter((owner) => owner !== undefined))).toEqual(new Set([String(nobody.uid)]));
  const written = await cluster.holdfast(['psql', '--', '-c', 'CREATE TABLE kept (n int)']);
  expect(written).toEqual({ code: 0, stdout: 'CREATE TABLE\n', stderr: '' });
  const doctor = await cluster.json<{ findings: readonly { severity: string }[] }>(['doctor']);
  expect(doctor.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(await cluster.json(['down', '--purge', '--yes'])).toMatchObject({ stopped: true, purged: true });
  expect(listProcessesOf(cluster.folder)).toEqual([]);
  expect(await readdir(join(cluster.folder, '.holdfast'))).toEqual([]);
});

async function accountOf(name: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((each) => each.startsWith(`${name}:`));
  const [, , uid, gid] = (line ?? '').split(':');
  if (uid === undefined || gid === undefined) throw new Error(`there is no account ${name}`);
  return { uid: Number(uid), gid: Number(gid) };
}
