import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Connection, connect } from '../src/connect.js';
import { quoteIdentifier, quoteLiteral } from '../src/quote.js';
import { scramVerifier } from '../src/scram.js';
import { postgresBin, startThrowAwayPostgres, type ThrowAwayPostgres } from './throw-away-postgres.js';

const options = { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 5000 };

describe.skipIf(postgresBin === undefined)('a real PostgreSQL', () => {
  let server: ThrowAwayPostgres;
  let admin: Connection;

  beforeAll(async () => {
    server = await startThrowAwayPostgres(postgresBin ?? '');
    admin = await connect(server.target, options);
  });

  afterAll(async () => {
    await admin?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  describe('a connection', () => {
    test('that is aborted fails at once, and its statement does not go on for long', async () => {
      const abort = new AbortController();
      await using connection = await connect(server.target, { ...options, signal: abort.signal });
      const sleeping = connection.query("SELECT 'nobody waits', pg_sleep(60)");
      const running = async () =>
        (
          await admin.query(
            "SELECT FROM pg_stat_activity WHERE query LIKE '%nobody waits%' AND pid <> pg_backend_pid()",
          )
        ).length;
      await expect.poll(running, { timeout: 5000 }).toBe(1);
      abort.abort();
      await expect(sleeping).rejects.toThrow(/terminated/);
      await expect.poll(running, { timeout: 10_000 }).toBe(0);
      await expect(connect(server.target, { ...options, signal: abort.signal })).rejects.toMatchObject({
        code: 'HF_POSTGRES_UNREACHABLE',
      });
    });

    test('to a server that is frozen is closed all the same', async () => {
      const connection = await connect(server.target, options);
      const [row] = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const pid = row?.pid ?? 0;
      process.kill(pid, 'SIGSTOP');
      try {
        const start = performance.now();
        await connection[Symbol.asyncDispose]();
        expect(performance.now() - start).toBeLessThan(10_000);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    });
  });

  describe('scramVerifier', () => {
    test.each([['pencil'], [' two  words '], [`all 'of' "these" \\ $1 %s ~`], ['x'.repeat(200)]])(
      'a role made with it logs in by scram with %j and with nothing else',
      async (password) => {
        await admin.query('DROP ROLE IF EXISTS made');
        await admin.query(`CREATE ROLE made LOGIN PASSWORD ${quoteLiteral(scramVerifier(password))}`);
        await using connection = await connect({ ...server.target, user: 'made', password }, options);
        expect(await connection.query('SELECT current_user AS name')).toEqual([{ name: 'made' }]);
        const wrong = connect({ ...server.target, user: 'made', password: `${password}x` }, options);
        await expect(wrong).rejects.toMatchObject({ code: 'HF_POSTGRES_UNREACHABLE', cause: { code: '28P01' } });
      },
    );

    test('is what PostgreSQL itself stores for the password, salt and iterations', async () => {
      const password = 'Tr0ub4dor & 3';
      await admin.query('DROP ROLE IF EXISTS theirs');
      await admin.query(`CREATE ROLE theirs PASSWORD ${quoteLiteral(password)}`);
      const [row] = await admin.query<{ rolpassword: string }>(
        "SELECT rolpassword FROM pg_authid WHERE rolname = 'theirs'",
      );
      const stored = row?.rolpassword ?? '';
      const [, iterations, salt] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(stored) ?? [];
      expect(scramVerifier(password, Buffer.from(salt ?? '', 'base64'), Number(iterations))).toBe(stored);
    });
  });

  describe('quoting', () => {
    // PostgreSQL's text holds every character but NUL.
    const text = fc
      .string({
        unit: fc.oneof(
          fc.constantFrom("'", '"', '\\', '$', ';', '-', '\n', ' '),
          fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
        ),
        maxLength: 20,
      })
      .filter((value) => !value.includes('\0'));

    test.each([['on'], ['off']])('a value comes back as it was, standard_conforming_strings = %s', async (setting) => {
      await admin.query(`SET standard_conforming_strings = ${setting}`);
      try {
        await fc.assert(
          fc.asyncProperty(text, async (value) => {
            expect(await admin.query(`SELECT ${quoteLiteral(value)} AS value`)).toEqual([{ value }]);
          }),
        );
      } finally {
        await admin.query('RESET standard_conforming_strings');
      }
    });

    test('a name names the same thing', async () => {
      const name = text.filter((value) => value !== '' && Buffer.byteLength(value) < 64);
      await fc.assert(
        fc.asyncProperty(name, async (value) => {
          const [row] = await admin.query<Record<string, number>>(`SELECT 1 AS ${quoteIdentifier(value)}`);
          expect(Object.keys(row ?? {})).toEqual([value]);
        }),
      );
    });
  });

  describe('connect', () => {
    test('names itself and sets its statement timeout', async () => {
      await using connection = await connect(server.target, { ...options, applicationName: 'probe' });
      expect(await connection.query('SHOW application_name')).toEqual([{ application_name: 'probe' }]);
      expect(await connection.query('SHOW statement_timeout')).toEqual([{ statement_timeout: '5s' }]);
      await using other = await connect(server.target, { ...options, serverTimeout: false });
      expect(await other.query('SHOW statement_timeout')).toEqual([{ statement_timeout: '0' }]);
    });

    test('values are parameters', async () => {
      expect(await admin.query('SELECT $1::text AS value', ["'; --"])).toEqual([{ value: "'; --" }]);
    });

    test('errors of SQL come as they are, and the connection goes on', async () => {
      await expect(admin.query('SELECT 1/0')).rejects.toMatchObject({ code: '22012' });
      expect(await admin.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });

    test('PostgreSQL ends a statement that takes too long', async () => {
      await using connection = await connect(server.target, { ...options, statementTimeoutMilliseconds: 200 });
      await expect(connection.query('SELECT pg_sleep(10)')).rejects.toMatchObject({ code: '57014' });
    });

    test('the client gives up on a server that has stopped answering', async () => {
      await using connection = await connect(server.target, { ...options, statementTimeoutMilliseconds: 200 });
      const [row] = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const pid = row?.pid ?? 0;
      expect(pid).toBeGreaterThan(1);
      process.kill(pid, 'SIGSTOP');
      try {
        const start = performance.now();
        await expect(connection.query('SELECT 1')).rejects.toThrow('timeout');
        expect(performance.now() - start).toBeLessThan(4000);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    });

    test('a connection that was cut while idle fails at its next query, not before', async () => {
      await using connection = await connect(server.target, options);
      const [row] = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await admin.query('SELECT pg_terminate_backend($1, 5000)', [row?.pid]);
      await expect(connection.query('SELECT 1')).rejects.toThrow();
    });

    test('is closed by await using', async () => {
      let pid = 0;
      {
        await using connection = await connect(server.target, options);
        const [row] = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        pid = row?.pid ?? 0;
      }
      await expect
        .poll(async () => await admin.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [pid]))
        .toEqual([]);
    });
  });
});
