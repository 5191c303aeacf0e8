import { join } from 'node:path';
import { type Connection, connect, openPool } from '@holdfast/postgres';
import { runProgram } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  postgresBin,
  startThrowAwayPostgres,
  type ThrowAwayPostgres,
} from '../../postgres/test/throw-away-postgres.js';
import {
  applyMigrations,
  type DatabaseDiff,
  diffDatabases,
  readCatalog,
  readSupabaseSchema,
  textOf,
} from '../src/index.js';
import { type DiffCase, diffCases } from './diff-cases.js';

const { signal } = new AbortController();
const limits = { timeoutMilliseconds: 10_000, statementTimeoutMilliseconds: 60_000 };

describe.skipIf(postgresBin === undefined)('the difference between two databases', () => {
  let server: ThrowAwayPostgres;
  let admin: Connection;
  const to = async (database: string) => await connect({ ...server.target, database }, limits);
  const recreate = async (name: string) => {
    await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE prepared`);
  };

  beforeAll(async () => {
    server = await startThrowAwayPostgres(postgresBin ?? '');
    admin = await connect(server.target, limits);
    await admin.query('CREATE DATABASE prepared');
    await using prepared = await to('prepared');
    await applyMigrations(prepared, (await readSupabaseSchema())[0]?.migrations ?? [], { signal });
    // Thousands of functions to read, twice in each case.
    await prepared.query('DROP EXTENSION IF EXISTS postgis; DROP EXTENSION IF EXISTS pgtap');
  });
  afterAll(async () => {
    await admin?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  /** Makes both databases anew. */
  async function prepare({ migrations, change }: DiffCase): Promise<void> {
    for (const name of ['shadow', 'live']) {
      await recreate(name);
      await using database = await to(name);
      await database.query(migrations);
      for (const sql of name === 'live' ? change : []) await database.query(sql);
    }
  }

  async function diff(schemas?: readonly string[]): Promise<DatabaseDiff> {
    await using connection = await to('shadow');
    await using from = openPool({ ...server.target, database: 'shadow' }, limits, signal);
    await using live = openPool({ ...server.target, database: 'live' }, limits, signal);
    const wanted = await readCatalog(live, 60_000);
    return await diffDatabases({ connection, pool: from }, wanted, { schemas, statementTimeoutMilliseconds: 60_000 });
  }

  /** All that PostgreSQL's own tool can say of a database's schema: what the differ does not see shows here. */
  async function dump(database: string): Promise<string> {
    const { host, port, user, password } = server.target;
    const args = ['-h', host, '-p', String(port), '-U', user, '--schema-only', database];
    const { code, stdout, stderr } = await runProgram(join(postgresBin ?? '', 'pg_dump'), args, {
      timeoutMilliseconds: 60_000,
      env: { PGPASSWORD: password },
    });
    expect(code, stderr).toBe(0);
    // Grants on one object come in the order in which they were given.
    return stdout
      .replaceAll(/^\\(un)?restrict .*$/gm, '')
      .replaceAll(/(?:^GRANT .*\n)+/gm, (grants) => grants.split('\n').sort().join('\n'));
  }

  test.each(diffCases)('$name', async (each) => {
    await prepare(each);
    const found = await diff();
    const sql = found.parts.map(textOf).join('\n');
    expect(found.unproven, sql).toBeUndefined();
    for (const expected of each.says) expect(sql).toMatch(expected);
    for (const expected of each.drops ?? []) expect(found.drops.join('\n')).toMatch(expected);
    for (const expected of each.notes ?? []) expect(found.notes.join('\n')).toMatch(expected);
    expect(found.parts).toHaveLength(each.parts ?? 1);
    // diffDatabases has run it on the first database.
    expect((await diff()).parts).toEqual([]);
    if (each.differsInDump !== true) expect(await dump('shadow')).toBe(await dump('live'));
  });

  const schemas = {
    name: 'schemas',
    migrations: 'CREATE SCHEMA app',
    change: [
      'CREATE TABLE public.a (n int)',
      'CREATE TABLE app.b (n int)',
      'ALTER PUBLICATION supabase_realtime ADD TABLE app.b',
    ],
    says: [],
  };

  test('of the schemas that are named only', async () => {
    await prepare(schemas);
    const { parts, unproven } = await diff(['app']);
    const sql = parts.map(textOf).join('\n');
    expect(unproven).toBeUndefined();
    expect(sql).toMatch(/CREATE TABLE "?app"?\."?b"?/);
    expect(sql).toMatch(/ADD TABLE "?app"?\."?b"?/);
    expect(sql).not.toContain('public');
    await expect(diff(['app', 'ap'])).rejects.toMatchObject({ code: 'HF_DB_SCHEMA_UNKNOWN' });
  });

  test('two databases that the same migrations made do not differ', async () => {
    await prepare({ ...schemas, change: [] });
    expect(await diff()).toEqual({ parts: [], drops: [], notes: [], unproven: undefined });
  });

  test("what Supabase's services own is left out unless it is named", async () => {
    await prepare({
      ...schemas,
      change: ['CREATE TABLE auth.by_a_service (n int)', 'CREATE TABLE holdfast.own (n int)'],
    });
    expect((await diff()).parts).toEqual([]);
    expect((await diff(['auth'])).parts.map(textOf).join()).toContain('by_a_service');
  });

  test('what is not compared is named', async () => {
    await prepare({
      ...schemas,
      change: ['CREATE TABLE public.a (n int, m int)', 'CREATE STATISTICS public.both ON n, m FROM public.a'],
    });
    expect((await diff()).notes).toEqual(['Not compared, look yourself: 1 of the kind statistics object (both).']);
  });

  test('a role that no migration makes is named, and made for the trial', async () => {
    await prepare({ ...schemas, change: ['CREATE TABLE public.a (n int)'] });
    await admin.query('CREATE ROLE reporting');
    try {
      await using live = await to('live');
      await live.query('GRANT SELECT ON public.a TO reporting');
      const { parts, unproven } = await diff();
      expect(parts.map(textOf).join()).toMatch(/TO "?reporting"?/);
      expect(unproven).toBeUndefined();
    } finally {
      await recreate('live');
      await recreate('shadow');
      await admin.query('DROP ROLE reporting');
    }
  });
});
