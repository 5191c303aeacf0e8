import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Connection, connect } from '@holdfast/postgres';
import { runProgram } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  postgresBin,
  startThrowAwayPostgres,
  type ThrowAwayPostgres,
} from '../../postgres/test/throw-away-postgres.js';
import { applyMigrations, readSupabaseSchema } from '../src/index.js';

/** What the official services leave, taken from published listings of databases that ran them. */
interface Facts {
  readonly functions: readonly {
    readonly signature: string;
    readonly returns: string;
    readonly volatility: string;
    readonly securityDefiner: boolean;
    readonly owner: string;
  }[];
  readonly tables: Readonly<
    Record<
      string,
      {
        readonly owner: string;
        readonly rls: boolean;
        readonly columns: readonly (readonly [string, string, boolean])[];
      }
    >
  >;
  readonly enums: Readonly<Record<string, readonly string[]>>;
}

const folder = join(import.meta.dirname, '../../../database/test/facts');
const facts = async (schema: string) => JSON.parse(await readFile(join(folder, `${schema}.json`), 'utf8')) as Facts;
const options = { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 60_000 };
const { signal } = new AbortController();

describe.skipIf(postgresBin === undefined)('the catalog is as the official services leave it', () => {
  let server: ThrowAwayPostgres;
  let main: Connection;

  beforeAll(async () => {
    server = await startThrowAwayPostgres(postgresBin ?? '');
    main = await connect(server.target, options);
    const [schema] = await readSupabaseSchema();
    await applyMigrations(main, schema?.migrations ?? [], { signal });
  });
  afterAll(async () => {
    await main?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  test.each(['auth', 'storage', 'realtime'])('functions of %s', async (schema) => {
    const wanted = await facts(schema);
    expect(wanted.functions.length).toBeGreaterThan(0);
    const found = await main.query<Facts['functions'][number] & Record<string, unknown>>(`
      SELECT oid::regprocedure::text AS signature, pg_get_function_result(oid) AS returns,
        CASE provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
        prosecdef AS "securityDefiner", proowner::regrole::text AS owner
      FROM pg_proc WHERE pronamespace = ANY (ARRAY['auth', 'storage', 'realtime', 'supabase_functions', '_analytics']::regnamespace[])
    `);
    const bySignature = new Map(found.map((each) => [each.signature, each]));
    for (const { signature, returns, volatility, securityDefiner, owner } of wanted.functions)
      expect(bySignature.get(signature), signature).toEqual({ signature, returns, volatility, securityDefiner, owner });
  });

  test.each(['auth', 'storage', 'realtime'])('tables of %s', async (schema) => {
    const wanted = await facts(schema);
    for (const [name, { owner, rls, columns }] of Object.entries(wanted.tables)) {
      const table = name.includes('.') ? name : `${schema}.${name}`;
      const [found] = await main.query<{ owner: string; rls: boolean; columns: unknown }>(
        `SELECT relowner::regrole::text AS owner, relrowsecurity AS rls, (
           SELECT json_agg(json_build_array(attname, format_type(atttypid, atttypmod), attnotnull) ORDER BY attnum)
           FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped) AS columns
         FROM pg_class WHERE oid = to_regclass($1)`,
        [table],
      );
      expect(found, table).toEqual({ owner, rls, columns });
    }
  });

  test.each(['auth', 'storage', 'realtime'])('enumerations of %s', async (schema) => {
    const wanted = await facts(schema);
    for (const [name, labels] of Object.entries(wanted.enums)) {
      const found = await main.query<{ label: string }>(
        'SELECT enumlabel AS label FROM pg_enum WHERE enumtypid = to_regtype($1) ORDER BY enumsortorder',
        [name.includes('.') ? name : `${schema}.${name}`],
      );
      expect(
        found.map(({ label }) => label),
        name,
      ).toEqual(labels);
    }
  });

  test('the official Auth server finds its migrations done', async () => {
    const { versions } = JSON.parse(await readFile(join(folder, 'auth.json'), 'utf8')) as {
      versions: readonly string[];
    };
    const found = await main.query<{ version: string }>('SELECT version FROM auth.schema_migrations ORDER BY version');
    expect(found.map(({ version }) => version)).toEqual([...versions].sort());
  });

  test('Storage and Realtime do in SQL what they are expected to', async () => {
    const { host, port, user, password, database } = server.target;
    const result = await runProgram(
      join(postgresBin ?? '', 'psql'),
      [
        '-X',
        '-q',
        '-h',
        host,
        '-p',
        String(port),
        '-U',
        user,
        '-d',
        database,
        '-f',
        join(import.meta.dirname, 'sql/storage-and-realtime.sql'),
      ],
      { timeoutMilliseconds: 60_000, env: { ...process.env, PGPASSWORD: password } },
    );
    expect(result.stdout, result.stderr).toContain('all as expected');
  });

  describe('what the guides of old got wrong is there, in the order that works', () => {
    test.each([
      [
        'a type before the table that uses it',
        "SELECT 'realtime.user_defined_filter[]'::regtype = atttypid AS ok FROM pg_attribute WHERE attrelid = 'realtime.subscription'::regclass AND attname = 'filters'",
      ],
      [
        'a column generated by a function that exists',
        "SELECT attgenerated = 's' AS ok FROM pg_attribute WHERE attrelid = 'realtime.subscription'::regclass AND attname = 'claims_role'",
      ],
      ['realtime.to_regrole', "SELECT realtime.to_regrole('authenticated') = 'authenticated'::regrole AS ok"],
      [
        'the owner of the schema auth is not a superuser of the request',
        "SELECT NOT has_schema_privilege('anon', 'auth', 'CREATE') AS ok",
      ],
      [
        'the grant that lets policies call auth.uid()',
        "SELECT has_function_privilege('anon', 'auth.uid()', 'EXECUTE') AND has_schema_privilege('anon', 'auth', 'USAGE') AS ok",
      ],
      [
        'the grant that lets services reach their schema',
        "SELECT has_schema_privilege('supabase_storage_admin', 'storage', 'CREATE') AND has_schema_privilege('supabase_auth_admin', 'auth', 'CREATE') AS ok",
      ],
      ['storage.foldername, which policies use', "SELECT storage.foldername('a/b/c.txt') = ARRAY['a', 'b'] AS ok"],
      [
        '_analytics.page_views, closed to the API',
        "SELECT relrowsecurity AND NOT has_table_privilege('anon', oid, 'SELECT') AND has_table_privilege('service_role', oid, 'SELECT, INSERT') AS ok FROM pg_class WHERE oid = '_analytics.page_views'::regclass",
      ],
      [
        'the publication that Realtime listens to',
        "SELECT count(*) = 1 AS ok FROM pg_publication WHERE pubname = 'supabase_realtime'",
      ],
      ['authenticator inherits nothing', "SELECT NOT rolinherit AS ok FROM pg_roles WHERE rolname = 'authenticator'"],
      [
        'service_role passes row level security',
        "SELECT rolbypassrls AS ok FROM pg_roles WHERE rolname = 'service_role'",
      ],
    ])('%s', async (_, sql) => {
      expect(await main.query(sql)).toEqual([{ ok: true }]);
    });
  });
});
