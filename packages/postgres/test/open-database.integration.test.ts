import { setMaxListeners } from 'node:events';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TransactionOptions } from '../src/database.js';
import { type OpenDatabase, openDatabase } from '../src/open-database.js';
import { postgresBin, startThrowAwayPostgres, type ThrowAwayPostgres } from './throw-away-postgres.js';

const never = new AbortController().signal;
setMaxListeners(0, never);
const write: TransactionOptions = { access: 'read write' };
const read: TransactionOptions = { access: 'read only' };

describe.skipIf(postgresBin === undefined)('a database that rides through', () => {
  let server: ThrowAwayPostgres;
  let database: OpenDatabase;

  const value = async (sql: string, options: TransactionOptions = read) =>
    (await database.pipeline([{ text: sql }], options, never))[0]?.rows[0]?.[0];
  const backends = async () =>
    Number(
      await value(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'holdfast' AND pid <> pg_backend_pid()",
      ),
    );
  /** The server process of a connection that is busy with a statement like this. */
  const busy = async (like: string): Promise<number> => {
    const admin = new pg.Client(server.target);
    admin.on('error', () => {});
    await admin.connect();
    try {
      for (;;) {
        const found = await admin.query<{ pid: number }>(
          'SELECT pid FROM pg_stat_activity WHERE query LIKE $1 AND pid <> pg_backend_pid()',
          [like],
        );
        const [row] = found.rows;
        if (row !== undefined) return row.pid;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } finally {
      await admin.end();
    }
  };

  beforeAll(async () => {
    server = await startThrowAwayPostgres(postgresBin ?? '', { settings: ['max_connections=40'] });
    database = openDatabase(server.target, { silenceMilliseconds: 300 });
    await database.pipeline(
      [
        { text: 'CREATE TABLE entry (id int PRIMARY KEY, note text)' },
        { text: 'CREATE TABLE slow (id int)' },
        {
          text: `CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END'`,
        },
        {
          text: 'CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()',
        },
      ],
      write,
      never,
    );
  });

  afterAll(async () => {
    await database?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  describe('pipeline', () => {
    test('answers with text, columns and counts, in order', async () => {
      const [first, second, third] = await database.pipeline(
        [
          { text: 'SELECT $1::int AS a, NULL AS b, true AS c', values: [7] },
          { text: "INSERT INTO entry VALUES (1, 'x'), (2, $1)", values: ["it's"] },
          { text: 'SELECT note FROM entry ORDER BY id' },
        ],
        write,
        never,
      );
      expect(first).toMatchObject({ rows: [['7', null, 't']], count: 1 });
      expect(first?.columns).toEqual([
        { name: 'a', typeId: 23 },
        { name: 'b', typeId: 25 },
        { name: 'c', typeId: 16 },
      ]);
      expect(second).toMatchObject({ rows: [], count: 2 });
      expect(third?.rows).toEqual([['x'], ["it's"]]);
    });

    test('is one transaction: an error undoes all, nothing behind it runs, and the connection is clean', async () => {
      const failing = database.pipeline(
        [
          { text: 'INSERT INTO entry VALUES (10)' },
          { text: "SELECT set_config('holdfast.leak', 'yes', true)" },
          { text: 'SELECT 1/0' },
          { text: 'INSERT INTO entry VALUES (11)' },
        ],
        write,
        never,
      );
      await expect(failing).rejects.toMatchObject({ code: '22012' });
      expect(await value('SELECT count(*) FROM entry WHERE id IN (10, 11)')).toBe('0');
      expect(await value("SELECT coalesce(current_setting('holdfast.leak', true), '')")).toBe('');
    });

    test('an error of the commit itself is an error', async () => {
      await database.pipeline(
        [
          { text: 'CREATE TABLE parent (id int PRIMARY KEY)' },
          { text: 'CREATE TABLE child (p int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)' },
        ],
        write,
        never,
      );
      await expect(database.pipeline([{ text: 'INSERT INTO child VALUES (1)' }], write, never)).rejects.toMatchObject({
        code: '23503',
      });
      expect(await value('SELECT count(*) FROM child')).toBe('0');
    });

    test('access and isolation are what was asked for', async () => {
      await expect(value('INSERT INTO entry VALUES (3)', read)).rejects.toMatchObject({ code: '25006' });
      expect(await value('SHOW transaction_isolation', { ...read, isolation: 'serializable' })).toBe('serializable');
      expect(await value('SHOW transaction_isolation', write)).toBe('read committed');
    });

    test('rolls back when it is told to, and answers', async () => {
      const options: TransactionOptions = { access: 'read write', end: 'rollback' };
      expect(await value("INSERT INTO entry VALUES (20, 'gone') RETURNING note", options)).toBe('gone');
      expect(await value('SELECT count(*) FROM entry WHERE id = 20')).toBe('0');
    });

    test('prepared names are prepared anew when the table changed, and must not change their text', async () => {
      const all = { name: 'all of entry', text: 'SELECT * FROM entry WHERE id = 1' };
      await database.pipeline([all], read, never);
      await database.pipeline([{ text: 'ALTER TABLE entry ADD COLUMN more int DEFAULT 5' }], write, never);
      const [result] = await database.pipeline([all], read, never);
      expect(result?.rows).toEqual([['1', 'x', '5']]);
      await expect(database.pipeline([{ ...all, text: 'SELECT 1' }], read, never)).rejects.toThrow('another text');
    });

    test('a prepared statement has its columns each time, though the server is asked for them once', async () => {
      const two = { name: 'two columns', text: 'SELECT 1 AS a, NULL::text AS b' };
      const none = { name: 'no columns', text: "SET LOCAL work_mem TO '4MB'" };
      const broken = { name: 'broken', text: 'SELECT 1 / $1::int AS broken', values: ['0'] };
      const columns = [
        { name: 'a', typeId: 23 },
        { name: 'b', typeId: 25 },
      ];
      for (let round = 0; round < 3; round += 1) {
        const results = await database.pipeline([none, two, { text: 'SELECT true AS c' }, two], read, never);
        expect(results.map((result) => result.columns)).toEqual([[], columns, [{ name: 'c', typeId: 16 }], columns]);
        expect(results[3]?.rows).toEqual([['1', null]]);
        await expect(database.pipeline([none, broken, two], read, never)).rejects.toMatchObject({ code: '22012' });
      }
      const [, after] = await database.pipeline([none, { ...broken, values: ['1'] }], read, never);
      expect(after?.columns).toEqual([{ name: 'broken', typeId: 23 }]);
    });

    test('a name whose statement fails to parse can be used again', async () => {
      const named = { name: 'later', text: 'SELECT * FROM not_yet' };
      await expect(database.pipeline([named], read, never)).rejects.toMatchObject({ code: '42P01' });
      await database.pipeline([{ text: 'CREATE TABLE not_yet AS SELECT 1 AS one' }], write, never);
      expect((await database.pipeline([named], read, never))[0]?.rows).toEqual([['1']]);
    });

    test('what the protocol has no form for is refused before it is sent', async () => {
      await expect(value('SELECT 1\0; SELECT 2')).rejects.toMatchObject({ code: '22021' });
      const values = Array.from({ length: 65_536 }, () => '1');
      await expect(database.pipeline([{ text: 'SELECT 1', values }], read, never)).rejects.toMatchObject({
        code: '54023',
      });
      await expect(value('SELECT 1; SELECT 2')).rejects.toMatchObject({ code: '42601' });
    });

    test('more callers than connections wait for their turn', async () => {
      const sums = await Promise.all(
        Array.from({ length: 100 }, async (_, index) => await value(`SELECT ${index} FROM pg_sleep(0.01)`)),
      );
      expect(sums).toEqual(Array.from({ length: 100 }, (_, index) => String(index)));
      expect(database.size.open).toBeLessThanOrEqual(10);
    });

    test('too many callers are turned away', async () => {
      await using small = openDatabase(server.target, { connectionsAtMost: 1, waitingAtMost: 2 });
      const sleep = async () => await small.pipeline([{ text: 'SELECT pg_sleep(0.3)' }], read, never);
      const all = await Promise.allSettled([sleep(), sleep(), sleep()]);
      const refused = all.filter(({ status }) => status === 'rejected');
      expect(refused).toMatchObject([{ reason: { code: expect.stringMatching(/HF_POSTGRES_(BUSY|UNAVAILABLE)/) } }]);
    });

    test('writes that wait leave connections to reads', async () => {
      await using small = openDatabase(server.target, { connectionsAtMost: 5 });
      const slow = async () => await small.pipeline([{ text: 'SELECT pg_sleep(1)' }], write, never);
      const writes = Promise.all(Array.from({ length: 8 }, slow));
      await new Promise((resolve) => setTimeout(resolve, 200));
      const began = performance.now();
      await small.pipeline([{ text: 'SELECT 1' }], read, never);
      expect(performance.now() - began).toBeLessThan(700);
      await writes;
    });

    test('a wrong password is said at once', async () => {
      await using wrong = openDatabase({ ...server.target, password: 'no' });
      await expect(wrong.pipeline([{ text: 'SELECT 1' }], read, never)).rejects.toMatchObject({
        code: 'HF_POSTGRES_UNAVAILABLE',
        cause: { code: '28P01' },
      });
    });

    test('an aborted call ends at once, and a long statement with it', async () => {
      const abort = new AbortController();
      const sleeping = database.pipeline([{ text: "SELECT 'given up', pg_sleep(60)" }], read, abort.signal);
      await busy("%'given up'%");
      abort.abort(new Error('enough'));
      await expect(sleeping).rejects.toThrow('enough');
      await expect.poll(backends, { timeout: 15_000 }).toBeLessThanOrEqual(9);
    });
  });

  describe('transaction', () => {
    test('is one, over several steps, and ends with its work', async () => {
      const id = await database.transaction(
        write,
        async (run) => {
          await run({ text: 'INSERT INTO entry VALUES (30)' });
          const [seen] = await run({ text: 'SELECT id FROM entry WHERE id = 30' });
          return seen?.rows[0]?.[0];
        },
        never,
      );
      expect(id).toBe('30');
      const failing = database.transaction(
        write,
        async (run) => {
          await run({ text: 'INSERT INTO entry VALUES (31)' });
          throw new Error('changed my mind');
        },
        never,
      );
      await expect(failing).rejects.toThrow('changed my mind');
      expect(await value('SELECT count(*) FROM entry WHERE id IN (30, 31)')).toBe('1');
    });

    test('an error that the work swallows is not lost', async () => {
      const swallowing = database.transaction(
        write,
        async (run) => {
          await run({ text: 'INSERT INTO entry VALUES (32)' });
          await run({ text: 'SELECT 1/0' }).catch(() => undefined);
        },
        never,
      );
      await expect(swallowing).rejects.toMatchObject({ code: '22012' });
    });

    test('savepoints work', async () => {
      await database.transaction(
        write,
        async (run) => {
          await run({ text: 'INSERT INTO entry VALUES (33)' }, { text: 'SAVEPOINT s' });
          await run({ text: 'SELECT 1/0' }).catch(() => undefined);
          await run({ text: 'ROLLBACK TO SAVEPOINT s' }, { text: 'INSERT INTO entry VALUES (34)' });
        },
        never,
      );
      expect(await value('SELECT count(*) FROM entry WHERE id IN (33, 34)')).toBe('2');
    });

    test('begins anew when its connection breaks before the end', async () => {
      let times = 0;
      await database.transaction(
        write,
        async (run) => {
          times += 1;
          const [own] = await run(
            { text: 'SELECT pg_backend_pid()' },
            { text: `INSERT INTO entry VALUES (${40 + times})` },
          );
          if (times === 1) process.kill(Number(own?.rows[0]?.[0]), 'SIGTERM');
          await run({ text: 'SELECT pg_sleep(0.2)' });
        },
        never,
      );
      expect(times).toBe(2);
      expect(await value('SELECT min(id) FROM entry WHERE id > 40')).toBe('42');
    });
  });

  describe('a break', () => {
    test('of a read is not seen by its caller', async () => {
      const reading = value("SELECT 'read on' FROM pg_sleep(2)");
      process.kill(await busy("%'read on'%"), 'SIGTERM');
      expect(await reading).toBe('read on');
    });

    test('before the commit begins runs a write again, once', async () => {
      const writing = database.pipeline(
        [{ text: "INSERT INTO entry SELECT 50, 'before' FROM pg_sleep(2)" }],
        write,
        never,
      );
      process.kill(await busy("%'before'%"), 'SIGTERM');
      expect(await writing).toMatchObject([{ count: 1 }]);
      expect(await value('SELECT count(*) FROM entry WHERE id = 50')).toBe('1');
    });

    // The trigger runs within COMMIT, when the number of the transaction has been told.
    test.each([['SIGTERM'], ['SIGKILL']] as const)(
      'in the commit is found out about: %s, not committed',
      async (signal) => {
        await database.pipeline([{ text: 'TRUNCATE slow' }], write, never);
        const writing = database.pipeline([{ text: 'INSERT INTO slow VALUES (1)' }], write, never);
        const pid = await busy('COMMIT');
        await new Promise((resolve) => setTimeout(resolve, 200));
        process.kill(pid, signal);
        expect(await writing).toMatchObject([{ count: 1 }]);
        expect(await value('SELECT count(*) FROM slow')).toBe('1');
      },
    );

    test('that leaves nothing to find out is said to be unknown', async () => {
      const writing = database.pipeline(
        [{ text: "INSERT INTO entry SELECT 60, 'silent' FROM pg_sleep(1)" }],
        write,
        never,
      );
      const unknown = expect(writing).rejects.toMatchObject({ code: 'HF_POSTGRES_OUTCOME_UNKNOWN' });
      process.kill(await busy("%'silent'%"), 'SIGKILL');
      await unknown;
      // The server recovers from what was done to it.
      expect(await value('SELECT count(*) FROM entry WHERE id = 60')).toBe('0');
    });

    test('of what may be repeated is repeated', async () => {
      const writing = database.pipeline(
        [{ text: "INSERT INTO entry SELECT 61, 'again' FROM pg_sleep(2) ON CONFLICT (id) DO NOTHING" }],
        { ...write, repeatable: true },
        never,
      );
      process.kill(await busy("%'again'%"), 'SIGKILL');
      await writing;
      expect(await value('SELECT count(*) FROM entry WHERE id = 61')).toBe('1');
    });
  });

  test('a slow statement of a server that serves is left alone', async () => {
    expect(await value("SELECT 'slow' FROM pg_sleep(2)")).toBe('slow');
  });

  test('listens anew after its connection broke', async () => {
    const heard: string[] = [];
    let listening = 0;
    await using _listener = database.listen('odd "name"', {
      onNotification: (payload) => heard.push(payload),
      onListening: () => {
        listening += 1;
      },
    });
    await expect.poll(() => listening, { timeout: 10_000 }).toBe(1);
    await value(`SELECT pg_notify('odd "name"', 'first')`, write);
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['first']);
    process.kill(await busy('LISTEN %'), 'SIGTERM');
    await expect.poll(() => listening, { timeout: 10_000 }).toBe(2);
    await value(`SELECT pg_notify('odd "name"', 'second')`, write);
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['first', 'second']);
  });
});
