import { join } from 'node:path';
import { type Connection, connect } from '@holdfast/postgres';
import { createThrowAwayFolder, runProgram } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import {
  postgresBin,
  startThrowAwayPostgres,
  type ThrowAwayPostgres,
} from '../../postgres/test/throw-away-postgres.js';
import { applyMigrations, readSupabaseSchema } from '../src/index.js';
import { fingerprint } from './fingerprint.js';

const options = { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 60_000 };
const { signal } = new AbortController();

test.skipIf(postgresBin === undefined)('the schema survives pg_dump and a restore into another cluster', async () => {
  await using from = await startThrowAwayPostgres(postgresBin ?? '');
  await using to = await startThrowAwayPostgres(postgresBin ?? '');
  await using folder = await createThrowAwayFolder();
  await using source = await connect(from.target, options);
  const [schema] = await readSupabaseSchema();
  await applyMigrations(source, schema?.migrations ?? [], { signal });
  await source.query(`
    CREATE TABLE public.posts (id serial PRIMARY KEY, author uuid DEFAULT auth.uid());
    ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON public.posts USING (author = auth.uid());
    INSERT INTO public.posts (author) VALUES ('11111111-1111-4111-8111-111111111111')
  `);
  const [roles, dump] = [join(folder.path, 'roles.sql'), join(folder.path, 'dump.sql')];
  await run(from, 'pg_dumpall', ['--roles-only', '--no-role-passwords', '-f', roles]);
  await run(from, 'pg_dump', ['-f', dump, 'postgres']);
  // The superuser is there already, as in every cluster.
  await run(to, 'psql', ['-X', '-q', '-f', roles, 'postgres'], /role "postgres" already exists/);
  await run(to, 'psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', dump, 'postgres']);

  await using restored = await connect(to.target, options);
  expect(await withoutOrder(restored)).toEqual(await withoutOrder(source));
  expect(await applyMigrations(restored, schema?.migrations ?? [], { signal })).toEqual([]);
  expect(await restored.query('SELECT id, author FROM public.posts')).toHaveLength(1);
});

/** Privileges are lists whose order a dump does not keep; names are written in full. */
async function withoutOrder(connection: Connection): Promise<readonly string[]> {
  await connection.query("SET search_path = ''");
  return (await fingerprint(connection)).map((row) => JSON.stringify(row).split(/[{},]/).sort().join());
}

async function run(
  server: ThrowAwayPostgres,
  program: string,
  args: readonly string[],
  expected?: RegExp,
): Promise<void> {
  const { host, port, user, password } = server.target;
  const result = await runProgram(
    join(postgresBin ?? '', program),
    ['-h', host, '-p', String(port), '-U', user, ...args],
    { timeoutMilliseconds: 60_000, env: { ...process.env, PGPASSWORD: password } },
  );
  const errors = result.stderr.split('\n').filter((line) => line.includes('ERROR') && expected?.test(line) !== true);
  expect(errors).toEqual([]);
  expect(result.code, result.stderr).toBe(0);
}
