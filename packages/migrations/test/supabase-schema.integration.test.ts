import { createHmac } from 'node:crypto';
import { type Connection, connect } from '@holdfast/postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  postgresBin,
  startThrowAwayPostgres,
  type ThrowAwayPostgres,
} from '../../postgres/test/throw-away-postgres.js';
import { applyMigrations, readSupabaseSchema, type SchemaOfDatabase } from '../src/index.js';
import { fingerprint } from './fingerprint.js';

const { signal } = new AbortController();
const options = { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 60_000 };

describe.skipIf(postgresBin === undefined)('the database for Supabase', () => {
  let server: ThrowAwayPostgres;
  let main: Connection;
  let schema: readonly SchemaOfDatabase[];
  let milliseconds: number;
  const migrations = () => schema.find(({ database }) => database === 'postgres')?.migrations ?? [];
  const column = async (sql: string) => (await main.query(sql)).map((row) => Object.values(row)[0]);

  beforeAll(async () => {
    server = await startThrowAwayPostgres(postgresBin ?? '');
    main = await connect(server.target, options);
    schema = await readSupabaseSchema();
    const from = performance.now();
    await applyMigrations(main, migrations(), { signal });
    milliseconds = performance.now() - from;
  });
  afterAll(async () => {
    await main?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  test('is made in a time that up can afford', () => {
    // 2 s are allowed on a machine with nothing else to do.
    expect(milliseconds).toBeLessThan(10_000);
  });

  test('every migration can run once more and changes nothing', async () => {
    const before = await fingerprint(main);
    for (const { sql, path } of migrations()) {
      await main.query('BEGIN; SET LOCAL client_min_messages = warning; SET LOCAL search_path = pg_catalog');
      await main.query(sql).catch((error: unknown) => {
        throw new Error(`${path}: ${String(error)}`);
      });
      await main.query('COMMIT');
    }
    expect(await fingerprint(main)).toEqual(before);
  });

  test.each([
    ['anon', '     ', []],
    ['authenticated', '     ', []],
    ['service_role', '    b', []],
    ['authenticator', '     ', ['anon', 'authenticated', 'service_role']],
    ['supabase_admin', 'scdrb', []],
    ['supabase_auth_admin', '  d  ', []],
    ['supabase_storage_admin', '  d  ', ['authenticator']],
    ['supabase_functions_admin', '  d  ', []],
    ['supabase_realtime_admin', '     ', ['anon', 'authenticated', 'service_role']],
    ['supabase_replication_admin', '   r ', []],
    ['supabase_read_only_user', '    b', ['pg_monitor', 'pg_read_all_data']],
    ['supabase_etl_admin', '   r ', ['pg_monitor', 'pg_read_all_data']],
    ['dashboard_user', ' cdr ', []],
    ['pgbouncer', '     ', []],
    ['holdfast_net', '     ', []],
  ])('role %s has attributes %j and is a member of %j', async (role, attributes, groups) => {
    const [found] = await main.query<{ attributes: string; groups: readonly string[] }>(
      `SELECT concat(
         CASE WHEN rolsuper THEN 's' ELSE ' ' END, CASE WHEN rolcreatedb THEN 'c' ELSE ' ' END,
         CASE WHEN rolcreaterole THEN 'd' ELSE ' ' END, CASE WHEN rolreplication THEN 'r' ELSE ' ' END,
         CASE WHEN rolbypassrls THEN 'b' ELSE ' ' END) AS attributes,
         ARRAY(SELECT groups.rolname::text FROM pg_auth_members JOIN pg_roles AS groups ON groups.oid = roleid
               WHERE member = pg_roles.oid ORDER BY 1) AS groups
       FROM pg_roles WHERE rolname = $1`,
      [role],
    );
    expect(found).toEqual({ attributes, groups: [...groups].sort() });
  });

  test('only those that log in may, and none has a password of its own here', async () => {
    expect(
      await column(`SELECT rolname FROM pg_authid WHERE rolpassword IS NOT NULL AND rolname <> 'postgres'`),
    ).toEqual([]);
    expect(
      await column(`SELECT rolname::text FROM pg_roles WHERE NOT rolcanlogin AND rolname !~ '^pg_' ORDER BY 1`),
    ).toEqual(['anon', 'authenticated', 'dashboard_user', 'service_role', 'supabase_realtime_admin']);
  });

  test('the API takes what a request may become, and has nothing of it before', async () => {
    expect(
      await column(`SELECT rolname::text FROM pg_roles WHERE NOT rolinherit AND rolname !~ '^pg_' ORDER BY 1`),
    ).toEqual([
      'anon',
      'authenticated',
      'authenticator',
      'service_role',
      'supabase_auth_admin',
      'supabase_functions_admin',
      'supabase_realtime_admin',
      'supabase_storage_admin',
    ]);
    expect(
      await main.query(
        `SELECT rolname::text AS role, array_to_string(setconfig, '; ') AS settings FROM pg_db_role_setting
         JOIN pg_roles ON pg_roles.oid = setrole WHERE rolname IN ('anon', 'authenticated', 'authenticator') ORDER BY 1`,
      ),
    ).toEqual([
      { role: 'anon', settings: 'statement_timeout=3s' },
      { role: 'authenticated', settings: 'statement_timeout=8s' },
      { role: 'authenticator', settings: 'statement_timeout=8s; lock_timeout=8s' },
    ]);
  });

  test.each([
    ['_analytics', 'supabase_admin'],
    ['_realtime', 'supabase_admin'],
    ['_supavisor', 'supabase_admin'],
    ['auth', 'supabase_admin'],
    ['extensions', 'postgres'],
    ['graphql', 'supabase_admin'],
    ['graphql_public', 'supabase_admin'],
    ['net', 'supabase_admin'],
    ['realtime', 'supabase_admin'],
    ['storage', 'supabase_admin'],
    ['supabase_functions', 'supabase_admin'],
    ['supabase_migrations', 'postgres'],
    ['vault', 'supabase_admin'],
  ])('schema %s belongs to %s', async (name, owner) => {
    expect(await column(`SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = '${name}'`)).toEqual([owner]);
  });

  test.each([
    ['supabase_auth_admin', 'auth'],
    ['supabase_storage_admin', 'storage'],
    ['supabase_functions_admin', 'supabase_functions'],
    ['supabase_realtime_admin', 'realtime'],
  ])('%s may make objects in %s, so that the service can migrate by itself', async (role, name) => {
    expect(await column(`SELECT has_schema_privilege('${role}', '${name}', 'CREATE')`)).toEqual([true]);
    expect(await column(`SELECT has_schema_privilege('anon', '${name}', 'CREATE')`)).toEqual([false]);
  });

  test.each(['postgres', 'supabase_admin'])(
    'what %s makes in public is open to the roles of the API',
    async (maker) => {
      await main.query(`BEGIN; SET LOCAL ROLE ${maker}`);
      await main.query(
        'CREATE TABLE public.made (id bigserial); CREATE FUNCTION public.made_function() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
      );
      for (const role of ['anon', 'authenticated', 'service_role', 'postgres']) {
        expect(
          await column(`SELECT ARRAY[
          has_table_privilege('${role}', 'public.made', 'SELECT, INSERT, UPDATE, DELETE'),
          has_sequence_privilege('${role}', 'public.made_id_seq', 'USAGE'),
          has_function_privilege('${role}', 'public.made_function()', 'EXECUTE')]`),
          role,
        ).toEqual([[true, true, true]]);
      }
      await main.query('ROLLBACK');
    },
  );

  test('the extensions are where the API does not show them', async () => {
    expect(
      await column(
        `SELECT extname::text FROM pg_extension WHERE extnamespace = 'extensions'::regnamespace
         AND extname IN ('uuid-ossp', 'pgcrypto', 'pg_stat_statements') ORDER BY 1`,
      ),
    ).toEqual(['pg_stat_statements', 'pgcrypto', 'uuid-ossp']);
  });

  test('the API hears of changes of the schema, and of nothing else', async () => {
    const client = await listenTo(server, 'pgrst');
    try {
      for (const sql of [
        'CREATE TABLE public.heard (n int)',
        'COMMENT ON TABLE public.heard IS $$ a $$',
        'DROP TABLE public.heard',
      ]) {
        await main.query(sql);
        await client.next();
      }
      await main.query('CREATE TEMPORARY TABLE unheard (n int); DROP TABLE unheard; CREATE TABLE public.heard (n int)');
      expect(await client.next()).toBe('reload schema');
      await main.query('DROP TABLE public.heard');
      await client.next();
      expect(client.waiting()).toBe(0);
    } finally {
      await client.end();
    }
  });

  describe('tokens in SQL', () => {
    test('sign makes what RFC 7515 describes, and verify agrees', async () => {
      const payload = '{"sub":"1234567890","name":"John Doe","admin":true}';
      const signed = ['{"alg":"HS256","typ":"JWT"}', payload]
        .map((part) => Buffer.from(part).toString('base64url'))
        .join('.');
      const signature = createHmac('sha256', 'secret').update(signed).digest('base64url');
      expect(await column(`SELECT extensions.sign('${payload}', 'secret')`)).toEqual([`${signed}.${signature}`]);
      for (const algorithm of ['HS256', 'HS384', 'HS512']) {
        expect(
          await main.query(
            `SELECT header, payload, valid FROM extensions.verify(extensions.sign('${payload}', 'key', '${algorithm}'), 'key', '${algorithm}')`,
          ),
        ).toEqual([{ header: { alg: algorithm, typ: 'JWT' }, payload: JSON.parse(payload), valid: true }]);
      }
    });

    test.each([
      ['another key', `extensions.verify(extensions.sign('{}', 'key'), 'other')`],
      ['another algorithm', `extensions.verify(extensions.sign('{}', 'key', 'HS512'), 'key', 'HS256')`],
      ['expired', `extensions.verify(extensions.sign('{"exp": 1}', 'key'), 'key')`],
      ['not yet', `extensions.verify(extensions.sign('{"nbf": 99999999999}', 'key'), 'key')`],
    ])('%s is not valid', async (_, call) => {
      expect(await column(`SELECT valid FROM ${call}`)).toEqual([false]);
    });
  });

  describe('requests from SQL', () => {
    test('are queued with their parameters in the URL, and answers are found', async () => {
      await main.query('BEGIN; SET LOCAL ROLE anon');
      const [id] = await column(
        `SELECT net.http_get('http://localhost:1/a?x=1', '{"name": "ä & b", "n": 2}', '{"X-A": "1"}', 700)`,
      );
      await main.query('RESET ROLE');
      expect(
        await main.query(
          `SELECT method, url, headers, timeout_milliseconds FROM net.http_request_queue WHERE id = ${id}`,
        ),
      ).toEqual([
        {
          method: 'GET',
          url: 'http://localhost:1/a?x=1&n=2&name=%C3%A4%20%26%20b',
          headers: { 'X-A': '1' },
          timeout_milliseconds: 700,
        },
      ]);
      expect(await column(`SELECT (net.http_collect_response(${id})).status::text`)).toEqual(['PENDING']);
      await main.query(`INSERT INTO net._http_response (id, status_code, content) VALUES (${id}, 204, '')`);
      expect(await column(`SELECT ((net.http_collect_response(${id})).response).status_code`)).toEqual([204]);
      await main.query('ROLLBACK');
    });

    test.each(['file:///etc/passwd', 'localhost', 'http:///'])('refuse %s', async (url) => {
      await expect(main.query('SELECT net.http_post($1)', [url])).rejects.toMatchObject({ code: '22023' });
    });

    test('may not be read by who may send them', async () => {
      await main.query('BEGIN; SET LOCAL ROLE anon');
      for (const sql of ['SELECT * FROM net.http_request_queue', 'SELECT net.http_collect_response(1)']) {
        await main.query('SAVEPOINT before');
        await expect(main.query(sql)).rejects.toMatchObject({ code: '42501' });
        await main.query('ROLLBACK TO before');
      }
      await main.query('ROLLBACK');
    });
  });

  test('GraphQL says that it is not there', async () => {
    expect(await column('SELECT graphql_public.graphql(query => $${ a }$$)')).toEqual([
      { errors: [{ message: 'pg_graphql is not available on this database.' }] },
    ]);
  });
});

interface Listener {
  /** The next payload; fails after 5 s without one. */
  next(): Promise<string>;
  waiting(): number;
  end(): Promise<void>;
}

async function listenTo(server: ThrowAwayPostgres, channel: string): Promise<Listener> {
  const { Client } = (await import('pg')).default;
  const client = new Client({ ...server.target });
  const heard: string[] = [];
  let wake = () => {};
  client.on('notification', ({ payload }) => {
    heard.push(payload ?? '');
    wake();
  });
  await client.connect();
  await client.query(`LISTEN ${channel}`);
  return {
    async next() {
      if (heard.length === 0) {
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error('nothing was heard within 5 s')), 5000);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return heard.shift() ?? '';
    },
    waiting: () => heard.length,
    end: () => client.end(),
  };
}
