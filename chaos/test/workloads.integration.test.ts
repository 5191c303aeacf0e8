import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistoryFile } from '../src/check-history.js';
import { readHistory } from '../src/history/reader.js';
import { openHistory } from '../src/history/recorder.js';
import { isolationLevels, type WorkloadName, workloadNames } from '../src/history/records.js';
import { attemptStatement, attemptTransaction, NotAcknowledged } from '../src/workloads/attempt.js';
import { openConnection } from '../src/workloads/connection.js';
import { describeWorkload, dropChaosSchema, startWorkload } from '../src/workloads/start-workload.js';
import { postgresBin, type RestartablePostgres, startRestartablePostgres } from './restartable-postgres.js';

describe.skipIf(postgresBin === undefined)('workloads against one real PostgreSQL', () => {
  let postgres: RestartablePostgres;
  const never = new AbortController().signal;
  beforeAll(async () => {
    postgres = await startRestartablePostgres(postgresBin ?? '');
  });
  afterAll(async () => await postgres?.[Symbol.asyncDispose]());

  const openFor = async (file: string, names: readonly WorkloadName[]) =>
    await openHistory(join(postgres.folder, file), {
      seed: 'test',
      workloads: names.map((name) => describeWorkload(name)),
    });
  const connect = async (silenceMilliseconds = 2000) =>
    await openConnection({ url: postgres.url, isolation: 'serializable', silenceMilliseconds, signal: never });

  it('survive two crashes of the server, and all checkers accept what they saw', async () => {
    const recorder = await openFor('crashes.ndjson', workloadNames);
    const options = { url: postgres.url, readOnlyUrl: postgres.url, seed: 'test', recorder, signal: never };
    const running = await Promise.all(workloadNames.map(async (name) => await startWorkload(name, options)));
    for (let crash = 0; crash < 2; crash++) {
      await sleep(1200);
      await postgres.kill();
      await postgres.start();
    }
    await sleep(1200);
    await Promise.all(running.map(async (each) => await each.stop()));
    expect(await Promise.all(running.map(async (each) => await each.finalRead()))).toEqual([true, true, true, true]);
    await recorder[Symbol.asyncDispose]();

    const { history, verdict } = await checkHistoryFile(recorder.path);
    expect(verdict.checks.filter(({ valid }) => valid !== true)).toEqual([]);
    for (const each of running) {
      const { ok, info } = each.counts();
      expect(ok, each.description.name).toBeGreaterThan(200);
      expect(info, each.description.name).toBeLessThan(20);
    }
    const outcomes = new Set(history.operations.map(({ outcome }) => outcome));
    expect([...outcomes].sort()).toEqual(['fail', 'info', 'ok']);
    expect(
      history.operations.filter(({ outcome }) => outcome === 'ok').every(({ server }) => server?.timeline === 1),
    ).toBe(true);
  });

  it.each(isolationLevels)('append under %s is isolated as it says', async (isolation) => {
    const recorder = await openHistory(join(postgres.folder, `append-${isolation}.ndjson`), {
      seed: 'test',
      workloads: [describeWorkload('append', { isolation })],
    });
    const workload = await startWorkload('append', {
      url: postgres.url,
      isolation,
      clients: 6,
      rate: 400,
      seed: 'test',
      recorder,
      signal: never,
    });
    await sleep(1500);
    await workload.stop();
    expect(await workload.finalRead()).toBe(true);
    await recorder[Symbol.asyncDispose]();
    const { verdict } = await checkHistoryFile(recorder.path);
    expect(verdict.checks.filter(({ valid }) => valid !== true)).toEqual([]);
    // Without conflicts nothing was tried.
    if (isolation !== 'read committed') expect(workload.counts().fail).toBeGreaterThan(5);
  });

  it('attempt the same operations for the same seed', async () => {
    const attempted = async (file: string, seed: string) => {
      const recorder = await openFor(file, ['bank']);
      const workload = await startWorkload('bank', {
        url: postgres.url,
        clients: 2,
        rate: 200,
        seed,
        recorder,
        signal: never,
      });
      await sleep(500);
      await workload.stop();
      await recorder[Symbol.asyncDispose]();
      const { operations } = await readHistory(recorder.path);
      return [0, 1].map((client) =>
        operations
          .filter(({ process }) => process === client)
          .slice(0, 20)
          .map(({ action, value }) => [action, value]),
      );
    };
    const first = await attempted('first.ndjson', 'one');
    expect(first[0]).toHaveLength(20);
    expect(await attempted('second.ndjson', 'one')).toEqual(first);
    expect(await attempted('third.ndjson', 'two')).not.toEqual(first);
  });

  it('find rows that are taken away behind their back', async () => {
    const recorder = await openFor('lost.ndjson', ['set']);
    const workload = await startWorkload('set', { url: postgres.url, seed: 'test', recorder, signal: never });
    await sleep(500);
    await workload.stop();
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    await client.query(
      'DELETE FROM holdfast_chaos.elements WHERE element = (SELECT min(element) FROM holdfast_chaos.elements)',
    );
    await client.end();
    await workload.finalRead();
    await recorder[Symbol.asyncDispose]();
    const { verdict } = await checkHistoryFile(recorder.path);
    expect(verdict.valid).toBe(false);
    expect(verdict.checks.flatMap(({ anomalies }) => anomalies.map(({ name }) => name))).toEqual(['lost']);
    await dropChaosSchema(postgres.url, never);
  });

  it('call a commit that no standby acknowledged unknown, whether its wait is cancelled or ended', async () => {
    const admin = new pg.Client({ connectionString: postgres.url });
    await admin.connect();
    await admin.query('CREATE TABLE waits (n int)');
    await admin.query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    await admin.query('SELECT pg_reload_conf()');
    const attemptEndedBy = async (how: 'pg_cancel_backend' | 'pg_terminate_backend', inTransaction: boolean) => {
      const connection = await connect(10_000);
      const insert = 'INSERT INTO waits VALUES ($1)';
      const attempt = inTransaction
        ? attemptTransaction(connection, { readOnly: false }, async () => await connection.query(insert, [1]))
        : attemptStatement(connection, insert, [1], { readOnly: false });
      const outcome = attempt.then(
        () => 'ok',
        (error: unknown) => (error instanceof NotAcknowledged ? [error.outcome, error.error.code] : error),
      );
      const waiting =
        "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'holdfast chaos'";
      let pid: unknown;
      for (let tries = 0; pid === undefined && tries < 200; tries++) {
        pid = (await admin.query(waiting)).rows[0]?.pid;
        if (pid === undefined) await sleep(20);
      }
      await admin.query(`SELECT ${how}($1)`, [pid]);
      const result = await outcome;
      connection.cut();
      return result;
    };
    try {
      await sleep(200);
      expect(await attemptEndedBy('pg_cancel_backend', false)).toEqual(['info', '01000']);
      expect(await attemptEndedBy('pg_cancel_backend', true)).toEqual(['info', '01000']);
      expect(await attemptEndedBy('pg_terminate_backend', false)).toMatchObject(['info', expect.any(String)]);
      expect(await attemptEndedBy('pg_terminate_backend', true)).toMatchObject(['info', expect.any(String)]);
    } finally {
      await admin.query('ALTER SYSTEM RESET synchronous_standby_names');
      await admin.query('SELECT pg_reload_conf()');
      await admin.end();
    }
  });

  it('call errors before the commit certain: conflict, cancellation, a read-only server', async () => {
    const outcomeOf = async (sql: string) => {
      const connection = await connect();
      try {
        await attemptTransaction(connection, { readOnly: false }, async () => await connection.query(sql));
        return 'ok';
      } catch (error) {
        return error instanceof NotAcknowledged ? [error.outcome, error.error.code, error.reconnect] : error;
      } finally {
        connection.cut();
      }
    };
    expect(await outcomeOf("SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(1)")).toEqual([
      'fail',
      '57014',
      false,
    ]);
    expect(await outcomeOf('SET TRANSACTION READ ONLY; CREATE TABLE nothing ()')).toEqual(['fail', '25006', true]);
    expect(await outcomeOf('SELECT pg_terminate_backend(pg_backend_pid())')).toEqual(['fail', '57P01', true]);
  });

  it('cut a server that is silent, and call what it may have done unknown', async () => {
    // Accepts connections and never says a word: what a frozen machine behind a live proxy looks like.
    const sockets = new Set<{ destroy(): void }>();
    const server = createServer((socket) => sockets.add(socket.on('error', () => {}).resume())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { readonly port: number };
    const started = performance.now();
    const url = `postgresql://nobody:x@127.0.0.1:${port}/x`;
    const opening = openConnection({ url, isolation: 'serializable', silenceMilliseconds: 300, signal: never });
    await expect(opening).rejects.toMatchObject({ code: 'silent' });
    expect(performance.now() - started).toBeLessThan(1500);
    for (const socket of sockets) socket.destroy();
    server.close();

    const connection = await connect(300);
    const attempt = attemptStatement(connection, 'SELECT pg_sleep(5)', [], { readOnly: false });
    await expect(attempt).rejects.toMatchObject({ outcome: 'info', error: { code: 'silent' }, reconnect: true });
  });

  it('end at once when they are aborted, and leave what was under way unknown', async () => {
    const recorder = await openFor('aborted.ndjson', ['set']);
    const abort = new AbortController();
    const workload = await startWorkload('set', { url: postgres.url, seed: 'test', recorder, signal: abort.signal });
    await sleep(300);
    abort.abort();
    const started = performance.now();
    await workload.stop();
    expect(performance.now() - started).toBeLessThan(500);
    expect(await workload.finalRead()).toBe(false);
    await recorder[Symbol.asyncDispose]();
    const { history, verdict } = await checkHistoryFile(recorder.path);
    expect(history.operations.length).toBeGreaterThan(10);
    expect(verdict.valid).toBe('unknown');
  });

  it('say that the tables cannot be made when there is nobody', async () => {
    const recorder = await openFor('nobody.ndjson', ['set']);
    const starting = startWorkload('set', {
      url: 'postgresql://x:x@127.0.0.1:1/x',
      seed: 'test',
      recorder,
      signal: never,
    });
    await expect(starting).rejects.toMatchObject({ code: 'HF_CHAOS_WORKLOAD_PREPARE' });
    await recorder[Symbol.asyncDispose]();
  });
});
