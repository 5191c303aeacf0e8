import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findTools } from '@holdfast/runtime';
import { createThrowAwayFolder, signal, type ThrowAwayFolder, waitUntil } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asPostgres, mustRun } from '../as-postgres.js';
import { startClient } from '../failover/client-process.js';
import { measureGaps } from '../failover/history.js';
import { findProcesses, signalAll } from '../failover/member-processes.js';
import { monotonic } from '../failover/monotonic.js';
import { countLost, prepareTable } from '../failover/written-rows.js';
import { freePort } from '../postgres-by-hand.js';

/** The instrument itself, on one real PostgreSQL. */
describe('the client that failovers are measured with', () => {
  let folder: ThrowAwayFolder;
  let data: string;
  let url: string;
  let server: string;
  let start: () => Promise<void>;
  const limit = () => AbortSignal.timeout(20_000);
  const processes = () => findProcesses({ folders: [data], onlyPostgres: true });

  beforeAll(async () => {
    execFileSync('npx', ['--no-install', 'tsc', '-b', 'bench'], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
    });
    const { tools } = await findTools({ major: undefined, signal: limit() });
    if (tools === undefined) throw new Error('PostgreSQL is not installed');
    folder = await createThrowAwayFolder();
    const home = join(folder.path, 'by-hand');
    await mkdir(home);
    await chmod(home, 0o777);
    data = join(home, 'data');
    const run = async (program: string, ...args: readonly string[]) =>
      await mustRun(asPostgres([join(tools.postgresBin, program), ...args]), { cwd: home });
    await run('initdb', '-D', data, '-U', 'postgres', '--auth=trust', '--no-sync');
    const port = await freePort();
    const settings = `listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nport = ${port}\n`;
    await appendFile(join(data, 'postgresql.conf'), settings);
    start = async () => void (await run('pg_ctl', 'start', '-w', '-D', data, '-l', join(home, 'log')));
    await start();
    server = `127.0.0.1:${port}`;
    url = `postgresql://postgres@${server}/postgres`;
    await prepareTable([url], limit());
  });

  afterAll(async () => await folder?.[Symbol.asyncDispose]());

  it('knows every write that was acknowledged, by whom, and nothing else', async () => {
    await using client = startClient([url], 4);
    const { acknowledged } = await client.firstBegunAfter(monotonic(), limit());
    await client.firstBegunAfter(acknowledged + 500, limit());
    const history = await client.stop(limit());
    expect(history.ids.length).toBeGreaterThan(50);
    expect(new Set(history.ids).size).toBe(history.ids.length);
    expect(history.servers).toEqual([server]);
    expect(new Set(history.connections)).toEqual(new Set([0, 1, 2, 3]));
    expect(history.errors).toEqual([]);
    expect(await countLost([url], history.ids)).toBe(0);
    expect(await countLost([url], [...history.ids, 1, 2])).toBe(2);
  });

  it('measures the gap of a server that is killed and started again', async () => {
    await using client = startClient([url], 1);
    await client.firstBegunAfter(monotonic(), limit());
    const killed = processes();
    let begun = 0;
    expect(
      signalAll({ folders: [data] }, 'SIGKILL', () => {
        begun = monotonic();
      }),
    ).toBeGreaterThan(3);
    const struck = monotonic();
    // Until somebody has reaped them they are in its way.
    await waitUntil('the end of PostgreSQL', async () => !killed.some((pid) => existsSync(`/proc/${pid}`)), {
      timeoutMilliseconds: 10_000,
      intervalMilliseconds: 20,
    });
    await sleep(300);
    await start();
    const back = await client.firstBegunAfter(struck, limit());
    const history = await client.stop(limit());
    const gaps = measureGaps(history, { begun, struck });
    expect(gaps.gapMilliseconds).toBe(back.acknowledged - begun);
    expect(gaps.gapMilliseconds).toBeGreaterThan(300);
    expect(gaps.longestMilliseconds).toBeGreaterThanOrEqual(300);
    expect(gaps.errors).toBeGreaterThan(0);
    expect(await countLost([url], history.ids)).toBe(0);
  });

  it('cuts a connection that is silent for two seconds, and sees a stall of less as a stall', async () => {
    for (const [frozen, errors] of [
      [1000, false],
      [2600, true],
    ] as const) {
      await using client = startClient([url], 1);
      await client.firstBegunAfter(monotonic(), limit());
      const begun = monotonic();
      const stopped = processes();
      for (const pid of stopped) signal(pid, 'SIGSTOP');
      const struck = monotonic();
      await sleep(frozen);
      for (const pid of stopped) signal(pid, 'SIGCONT');
      await client.firstBegunAfter(struck, limit());
      const gaps = measureGaps(await client.stop(limit()), { begun, struck });
      expect(gaps.longestMilliseconds).toBeGreaterThan(frozen - 50);
      expect(gaps.longestMilliseconds).toBeLessThan(frozen + 1500);
      expect(gaps.errors > 0).toBe(errors);
    }
  });

  it('takes the first of several servers that can be written to', async () => {
    const nobody = `postgresql://postgres@127.0.0.1:${await freePort()}/postgres`;
    await using client = startClient([nobody, url], 1);
    expect((await client.firstBegunAfter(monotonic(), limit())).server).toBe(server);
    const { errors } = await client.stop(limit());
    expect(errors).toEqual([]);
  });

  it('rejects what it is asked when the signal aborts', async () => {
    await using client = startClient([url], 1);
    await client.firstBegunAfter(monotonic(), limit());
    await expect(client.firstBegunAfter(monotonic() + 60_000, AbortSignal.timeout(100))).rejects.toThrow('timeout');
  });
});
