import { type Connection, connect, quoteLiteral, scramVerifier } from '@holdfast/postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  postgresBin,
  startThrowAwayPostgres,
  type ThrowAwayPostgres,
} from '../../postgres/test/throw-away-postgres.js';
import { applyMigrations, readSupabaseSchema } from '../src/index.js';

const { signal } = new AbortController();
const options = { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 60_000 };
const ann = '11111111-1111-4111-8111-111111111111';
const bob = '22222222-2222-4222-8222-222222222222';

/** Who asks: the role of the request and the claims of its token. */
const callers = {
  anon: { role: 'anon', claims: { role: 'anon' } },
  ann: { role: 'authenticated', claims: { role: 'authenticated', sub: ann, email: 'ann@example.com' } },
  bob: { role: 'authenticated', claims: { role: 'authenticated', sub: bob, email: 'bob@example.com' } },
  service: { role: 'service_role', claims: { role: 'service_role' } },
} as const;
type Caller = keyof typeof callers;

describe.skipIf(postgresBin === undefined)('row level security, as the API asks', () => {
  let server: ThrowAwayPostgres;
  let api: Connection;

  beforeAll(async () => {
    server = await startThrowAwayPostgres(postgresBin ?? '');
    await using main = await connect(server.target, options);
    const [schema] = await readSupabaseSchema();
    await applyMigrations(main, schema?.migrations ?? [], { signal });
    await main.query(`ALTER ROLE authenticator PASSWORD ${quoteLiteral(scramVerifier('of a test'))}`);
    await main.query(`
      CREATE TABLE public.own (id int, owner uuid);
      ALTER TABLE public.own ENABLE ROW LEVEL SECURITY;
      CREATE POLICY mine ON public.own USING (auth.uid() = owner) WITH CHECK (auth.uid() = owner);
      CREATE TABLE public.shown (id int, owner uuid, shown boolean);
      ALTER TABLE public.shown ENABLE ROW LEVEL SECURITY;
      CREATE POLICY everybody ON public.shown FOR SELECT USING (shown OR auth.uid() = owner);
      CREATE TABLE public.closed (id int);
      ALTER TABLE public.closed ENABLE ROW LEVEL SECURITY;
      CREATE TABLE public.forced (id int);
      ALTER TABLE public.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
      CREATE TABLE public.open (id int);
      CREATE VIEW public.own_by_definer AS SELECT id FROM public.own;
      CREATE VIEW public.own_by_invoker WITH (security_invoker) AS SELECT id FROM public.own;
      CREATE FUNCTION public.count_by_invoker() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM public.own';
      CREATE FUNCTION public.count_by_definer() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
        AS 'SELECT count(*) FROM public.own';
      CREATE TABLE public.by_mail (id int, mail text);
      ALTER TABLE public.by_mail ENABLE ROW LEVEL SECURITY;
      CREATE POLICY mine ON public.by_mail TO authenticated USING (auth.jwt() ->> 'email' = mail);
      INSERT INTO public.own VALUES (1, '${ann}'), (2, '${bob}'), (3, NULL);
      INSERT INTO public.shown VALUES (1, '${ann}', false), (2, '${bob}', false), (3, NULL, true);
      INSERT INTO public.by_mail VALUES (1, 'ann@example.com'), (2, 'bob@example.com');
      INSERT INTO public.closed VALUES (1);
      INSERT INTO public.forced VALUES (1);
      INSERT INTO public.open VALUES (1)
    `);
    api = await connect({ ...server.target, user: 'authenticator', password: 'of a test' }, options);
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  /** One request: a transaction with the role and the claims in it, undone at its end. */
  async function ask(caller: Caller, sql: string): Promise<unknown> {
    const { role, claims } = callers[caller];
    await api.query('BEGIN');
    try {
      await api.query("SELECT set_config('request.jwt.claims', $1, true)", [JSON.stringify(claims)]);
      await api.query(`SET LOCAL ROLE ${role}`);
      return (await api.query(sql)).map((row) => Number(Object.values(row)[0]));
    } catch (error) {
      return (error as { code?: string }).code;
    } finally {
      await api.query('ROLLBACK');
    }
  }

  const ids = (table: string) => `SELECT id FROM public.${table} ORDER BY id`;

  test.each([
    // what, statement, anon, ann, bob, service
    ['a policy for the owner', ids('own'), [], [1], [2], [1, 2, 3]],
    ['a policy for some rows', ids('shown'), [3], [1, 3], [2, 3], [1, 2, 3]],
    ['a policy on a claim', ids('by_mail'), [], [1], [2], [1, 2]],
    ['no policy', ids('closed'), [], [], [], [1]],
    ['no policy, forced', ids('forced'), [], [], [], [1]],
    ['row level security off', ids('open'), [1], [1], [1], [1]],
    ["a view with its owner's rights", ids('own_by_definer'), [1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3]],
    ["a view with the caller's rights", ids('own_by_invoker'), [], [1], [2], [1, 2, 3]],
    ["a function with its owner's rights", 'SELECT public.count_by_definer()', [3], [3], [3], [3]],
    ["a function with the caller's rights", 'SELECT public.count_by_invoker()', [0], [1], [1], [3]],
    ['a row for oneself', `INSERT INTO public.own VALUES (4, '${ann}') RETURNING id`, '42501', [4], '42501', [4]],
    [
      "another's row is not there to be changed",
      `UPDATE public.own SET id = 9 WHERE id = 1 RETURNING id`,
      [],
      [9],
      [],
      [9],
    ],
    [
      'a row is not given away',
      `UPDATE public.own SET owner = '${bob}' WHERE id = 1 RETURNING id`,
      [],
      '42501',
      [],
      [1],
    ],
    ["another's row is not there to be deleted", 'DELETE FROM public.own WHERE id = 2 RETURNING id', [], [], [2], [2]],
    [
      'a write without a policy for it',
      'INSERT INTO public.shown VALUES (4, NULL, true) RETURNING id',
      '42501',
      '42501',
      '42501',
      [4],
    ],
    ['TRUNCATE asks no policy, and the API has no such request', 'TRUNCATE public.closed', [], [], [], []],
    ['turning it off', 'ALTER TABLE public.own DISABLE ROW LEVEL SECURITY', '42501', '42501', '42501', '42501'],
    ['becoming somebody else', 'SET LOCAL ROLE supabase_admin', '42501', '42501', '42501', '42501'],
    ['reading password verifiers', 'SELECT 1 FROM pg_authid', '42501', '42501', '42501', '42501'],
    ["Holdfast's own records", 'SELECT version FROM holdfast.migrations', '42501', '42501', '42501', '42501'],
  ] as const)('%s', async (_, sql, anon, forAnn, forBob, service) => {
    expect([await ask('anon', sql), await ask('ann', sql), await ask('bob', sql), await ask('service', sql)]).toEqual([
      anon,
      forAnn,
      forBob,
      service,
    ]);
  });

  test('before it took a role, the API has none of their rights', async () => {
    for (const sql of [ids('open'), ids('own')]) {
      await expect(api.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
  });
});
