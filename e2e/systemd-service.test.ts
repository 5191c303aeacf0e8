import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { StatusReport } from '@holdfast/cluster';
import { startTestCluster, type TestCluster, waitUntil } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const main = fileURLToPath(new URL('../apps/cli/dist/main.js', import.meta.url));

let cluster: TestCluster;
let service: ChildProcess;

beforeAll(async () => {
  cluster = await startTestCluster();
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

/** What systemd does with the unit that `install-service` writes. */
function startService(): ChildProcess {
  return spawn(process.execPath, [main, 'supervise'], { cwd: cluster.folder, stdio: 'ignore' });
}

async function waitForSupervisor(pid: number | undefined): Promise<StatusReport> {
  return await waitUntil(
    `supervisor ${pid}`,
    async () => {
      const status = await cluster.status();
      return status.supervisor.pid === pid ? status : undefined;
    },
    { timeoutMilliseconds: 20_000 },
  );
}

const pidsOf = (status: StatusReport) => [
  ...status.members.map(({ pids }) => pids),
  ...status.etcd.map(({ pid }) => pid),
];

describe('the supervisor as a service', () => {
  test('takes the units over from the one that `up` started, without a restart', async () => {
    const before = await cluster.status();
    service = startService();
    const after = await waitForSupervisor(service.pid);
    expect(after.supervisor.pid).not.toBe(before.supervisor.pid);
    expect(pidsOf(after)).toEqual(pidsOf(before));
  });

  test('is started again after a SIGKILL and takes them back', async () => {
    const before = await cluster.status();
    service.kill('SIGKILL');
    await once(service, 'close');
    service = startService();
    expect(pidsOf(await waitForSupervisor(service.pid))).toEqual(pidsOf(before));
  });

  test('leaves the units running when it is ended by SIGTERM', async () => {
    const before = await cluster.status();
    service.kill('SIGTERM');
    const [code] = await once(service, 'close');
    expect(code).toBe(0);
    const after = await cluster.status();
    expect(after.supervisor.alive).toBe(false);
    expect(pidsOf(after)).toEqual(pidsOf(before));
    service = startService();
    await waitForSupervisor(service.pid);
  });

  test('ends with success after `holdfast down`, so that systemd does not start it again', async () => {
    await waitForSupervisor(service.pid);
    await cluster.json(['down']);
    expect(await waitUntil('its end', async () => service.exitCode ?? undefined, { timeoutMilliseconds: 20_000 })).toBe(
      0,
    );
  });
});
