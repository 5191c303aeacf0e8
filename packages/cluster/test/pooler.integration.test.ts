import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { planCluster } from '@holdfast/components';
import { type Connection, connect } from '@holdfast/postgres';
import type { Runtime } from '@holdfast/runtime';
import type { ClusterSpec } from '@holdfast/spec';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exampleLayout } from '../../components/test/example.js';
import { onFreePorts } from '../../components/test/free-ports.js';
import {
  Disposables,
  startUnit,
  temporaryDirectory,
  testSecrets,
  unitOf,
  waitReady,
  waitUntil,
} from '../../components/test/run-unit.js';
import {
  postgresBin,
  startThrowAwayPostgres,
  type ThrowAwayPostgres,
} from '../../postgres/test/throw-away-postgres.js';
import type { ClusterContext } from '../src/context.js';
import { createPoolerConsole, type PoolerConsole, type PoolerConsoleTarget } from '../src/pooler/console.js';
import { resumePooler, whilePoolerPaused } from '../src/pooler/paused-pooler.js';
import { startResumeGuard } from '../src/pooler/resume-guard.js';
import { prepareDatabase } from '../src/up/prepare-database.js';
import { testSpec, testView } from './fixtures.js';

const installed = postgresBin !== undefined && existsSync(exampleLayout().tools.pgbouncer);

describe.skipIf(!installed)('PgBouncer before a real server', () => {
  const { signal } = new AbortController();
  const stack = new Disposables();
  let server: ThrowAwayPostgres;
  let target: PoolerConsoleTarget;
  let pooler: PoolerConsole;
  let context: ClusterContext;
  const notes: string[] = [];
  const options = { signal, progress: { step: () => {}, note: (text: string) => notes.push(text) } };

  beforeAll(async () => {
    server = stack.use(await startThrowAwayPostgres(postgresBin ?? ''));
    const spec = await startPooler();
    await prepareDatabase(server.target, testSecrets, new AbortController().signal);
    target = { host: '127.0.0.1', port: spec.pooler.port, password: testSecrets['pooler-admin'] };
    pooler = createPoolerConsole(target);
    context = { spec, secrets: testSecrets, runtime: {} as Runtime } as ClusterContext;
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  async function startPooler(): Promise<ClusterSpec> {
    const directory = stack.use(await temporaryDirectory());
    const free = await onFreePorts(testSpec());
    const spec = {
      ...free,
      haproxy: { ...free.haproxy, readWritePort: server.target.port },
      failover: { ...free.failover, enabled: false },
    };
    const unit = unitOf(planCluster({ spec, layout: exampleLayout(directory.path) }).units, 'pgbouncer');
    await waitReady(unit, stack.use(startUnit(unit)));
    return spec;
  }

  async function client(): Promise<Connection> {
    return await connect(
      { ...server.target, port: target.port },
      { timeoutMilliseconds: 10_000, statementTimeoutMilliseconds: 10_000, serverTimeout: false },
    );
  }

  /** A client that connects and asks, and whether it was answered yet. */
  function ask(): { readonly answer: Promise<unknown>; readonly answered: () => boolean } {
    let done = false;
    const answer = (async () => {
      await using connection = await client();
      const rows = await connection.query('SELECT 1 AS one');
      done = true;
      return rows;
    })();
    return { answer, answered: () => done };
  }

  const view = () => {
    const given = testView();
    const proxies = given.proxies.map((proxy) =>
      proxy.component === 'pgbouncer' ? { ...proxy, healthy: true } : proxy,
    );
    return { ...given, proxies };
  };

  test('a pause waits for the transaction that runs, and nobody is refused', async () => {
    await using busy = await client();
    await busy.query('BEGIN');
    await busy.query('SELECT 1');
    expect(await pooler.state(signal)).toBe('active');
    const pause = pooler.pause(signal);
    await waitUntil('paused', async () => (await pooler.state(signal)) === 'paused');
    expect((await pooler.pools(signal)).map(({ user, serversActive }) => [user, serversActive])).toContainEqual([
      'postgres',
      1,
    ]);
    const late = ask();
    await busy.query('COMMIT');
    expect(await pause).toBe(true);
    expect(await pooler.pause(signal)).toBe(false);
    const connections = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE backend_type = 'client backend'";
    await using direct = await connect(server.target, {
      timeoutMilliseconds: 5000,
      statementTimeoutMilliseconds: 5000,
    });
    // Nothing of the pooler is left that a restart could break: only this connection.
    await waitUntil('no server connection', async () => (await direct.query<{ n: number }>(connections))[0]?.n === 1);
    await sleep(300);
    expect(late.answered()).toBe(false);
    expect(await pooler.resume(signal)).toBe(true);
    expect(await late.answer).toEqual([{ one: 1 }]);
    expect(await pooler.resume(signal)).toBe(false);
    expect(await pooler.state(signal)).toBe('active');
  });

  test('whilePoolerPaused resumes after success and after an error', async () => {
    const { result, pausedMilliseconds } = await whilePoolerPaused(context, view(), options, async () => {
      expect(await pooler.state(signal)).toBe('paused');
      return 'done';
    });
    expect(result).toBe('done');
    expect(pausedMilliseconds).toBeGreaterThan(0);
    expect(await pooler.state(signal)).toBe('active');
    const failing = whilePoolerPaused(context, view(), options, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(await pooler.state(signal)).toBe('active');
  });

  test('a transaction that does not end: refused with its owner, or with force gone on', async () => {
    await using busy = await client();
    await busy.query('BEGIN');
    await busy.query('SELECT 1');
    let ran = 0;
    const run = async (force: boolean) =>
      await whilePoolerPaused(context, view(), { ...options, drainMilliseconds: 300, force }, async () => {
        // The PAUSE that was given up on is still in force.
        expect(await pooler.state(signal)).toBe('paused');
        return ++ran;
      });
    await expect(run(false)).rejects.toMatchObject({
      code: 'HF_POOLER_BUSY',
      exitCode: 6,
      detail: 'Still open: 1 of postgres in postgres.',
    });
    expect(ran).toBe(0);
    expect(await pooler.state(signal)).toBe('active');
    // The transaction was not harmed.
    expect(await busy.query('SELECT 2 AS two')).toEqual([{ two: 2 }]);
    expect((await run(true)).result).toBe(1);
    expect(notes.at(-1)).toContain('1 of postgres in postgres');
    expect(await pooler.state(signal)).toBe('active');
    await busy.query('COMMIT');
  });

  test('an interruption resumes', async () => {
    const abort = new AbortController();
    const interrupted = whilePoolerPaused(context, view(), { ...options, signal: abort.signal }, async () => {
      abort.abort(new Error('interrupted'));
      abort.signal.throwIfAborted();
    });
    await expect(interrupted).rejects.toThrow('interrupted');
    expect(await pooler.state(signal)).toBe('active');
  });

  test('the guard resumes when it is left alone, and when its time is over, and not when it is dismissed', async () => {
    const active = async () => (await pooler.state(signal)) === 'active';
    const alone = await startResumeGuard([target], 60_000, signal);
    await pooler.pause(signal);
    alone.letGo();
    await waitUntil('resumed after it was let go', active);
    const overdue = await startResumeGuard([target], 300, signal);
    await pooler.pause(signal);
    await waitUntil('resumed when the time was over', active);
    await overdue.dismiss();
    const dismissed = await startResumeGuard([target], 60_000, signal);
    await pooler.pause(signal);
    await dismissed.dismiss();
    await sleep(500);
    expect(await pooler.state(signal)).toBe('paused');
    expect(await resumePooler(context, signal)).toBe(true);
    expect(await resumePooler(context, signal)).toBe(false);
  });

  test('of several poolers each is paused and resumed; where one does not answer none stays paused', async () => {
    const { port } = (await startPooler()).pooler;
    const other = createPoolerConsole({ ...target, port });
    const behind = (...ports: readonly number[]): ClusterContext => {
      const pods = ports.map((each) => ({ host: '127.0.0.1', port: each }));
      return { ...context, runtime: { poolers: async () => pods } as unknown as Runtime };
    };
    const states = async () => [await pooler.state(signal), await other.state(signal)];
    const run = whilePoolerPaused(behind(target.port, port), view(), options, states);
    expect((await run).result).toEqual(['paused', 'paused']);
    expect(await states()).toEqual(['active', 'active']);
    await other.pause(signal);
    expect(await resumePooler(behind(target.port, port), signal)).toBe(true);
    expect(await states()).toEqual(['active', 'active']);
    const silent = (await onFreePorts(testSpec())).pooler.port;
    await expect(whilePoolerPaused(behind(target.port, silent), view(), options, states)).rejects.toMatchObject({
      code: 'HF_POOLER_CONSOLE',
    });
    expect(await states()).toEqual(['active', 'active']);
  });

  test('of several poolers one that goes away holds nobody: no error, and the others are resumed', async () => {
    const pod = (at: number, instance: string) => ({ host: '127.0.0.1', port: at, instance });
    let pods: readonly ReturnType<typeof pod>[] = [];
    const looks: (typeof pods)[] = [];
    const runtime = { poolers: async () => looks.shift() ?? pods } as unknown as Runtime;
    const pause = async (action: () => Promise<unknown>) =>
      await whilePoolerPaused({ ...context, runtime }, view(), options, action);
    const state = async () => await pooler.state(signal);

    // Gone when it is to be paused.
    const silent = (await onFreePorts(testSpec())).pooler.port;
    pods = [pod(target.port, 'a')];
    looks.push([...pods, pod(silent, 'b')]);
    expect((await pause(state)).result).toBe('paused');
    expect(await state()).toBe('active');

    // Gone while it is paused; another one has come in its place, and does not answer yet.
    const { port } = (await startPooler()).pooler;
    const door = createServer((socket) => {
      const inner = createConnection(port, '127.0.0.1').on('error', () => socket.destroy());
      socket.on('error', () => inner.destroy()).pipe(inner);
      inner.pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(door, 'listening');
    const behind = (door.address() as AddressInfo).port;
    pods = [pod(target.port, 'a'), pod(behind, 'b')];
    const paused = await pause(async () => {
      door.close();
      pods = [pod(target.port, 'a'), pod(behind, 'c')];
      return [await state(), await createPoolerConsole({ ...target, port }).state(signal)];
    });
    expect(paused.result).toEqual(['paused', 'paused']);
    expect(await state()).toBe('active');

    // One that is there and does not answer is an error as before.
    pods = [pod(target.port, 'a'), pod(silent, 'b')];
    await expect(pause(state)).rejects.toMatchObject({ code: 'HF_POOLER_CONSOLE' });
    expect(await state()).toBe('active');
  });

  test('a wrong password is no pause', async () => {
    const wrong = { ...context, secrets: { ...testSecrets, 'pooler-admin': 'wrong' } };
    await expect(whilePoolerPaused(wrong, view(), options, async () => 1)).rejects.toMatchObject({
      code: 'HF_POOLER_CONSOLE',
    });
    expect(await pooler.state(signal)).toBe('active');
  });
});
