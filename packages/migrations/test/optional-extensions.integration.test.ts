import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type Connection, connect } from '@holdfast/postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  postgresBin,
  startThrowAwayPostgres,
  type ThrowAwayPostgres,
} from '../../postgres/test/throw-away-postgres.js';
import { applyMigrations, readSupabaseSchema } from '../src/index.js';

const { signal } = new AbortController();
const options = { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 60_000 };

/** Where Debian's packages put what PostgreSQL loads. */
const major = basename(dirname(postgresBin ?? '/none/bin'));
const has = (name: string) => existsSync(`/usr/lib/postgresql/${major}/lib/${name}.so`);
const hasExtension = (name: string) => existsSync(`/usr/share/postgresql/${major}/extension/${name}.control`);
/** PostgreSQL 15.19 and others of its day. */
const knowsPluginList =
  postgresBin !== undefined &&
  execFileSync(`${postgresBin}/postgres`, ['--describe-config'], { encoding: 'utf8' }).includes(
    'output_plugin_libraries',
  );
const preloaded = ['pg_stat_statements', ...['pg_cron', 'pgaudit'].filter(has)];

/** Packages that need not be there: postgresql-15-cron, -pgaudit, -pgtap, -postgis-3, -wal2json. */
describe.skipIf(postgresBin === undefined)('extensions whose packages are installed', () => {
  let server: ThrowAwayPostgres;
  let main: Connection;
  const column = async (sql: string) => (await main.query(sql)).map((row) => Object.values(row)[0]);

  beforeAll(async () => {
    server = await startThrowAwayPostgres(postgresBin ?? '', {
      settings: [
        `shared_preload_libraries=${preloaded.join(',')}`,
        'cron.database_name=postgres',
        ...(knowsPluginList ? ['output_plugin_libraries=pgoutput, test_decoding, wal2json'] : []),
      ],
    });
    {
      await using first = await connect(server.target, options);
      const [schema] = await readSupabaseSchema();
      await applyMigrations(first, schema?.migrations ?? [], { signal });
    }
    // The search path of postgres is one of what they set.
    main = await connect(server.target, options);
  });
  afterAll(async () => {
    await main?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  // Debian's scripts of PostGIS may be there without its library, which must not end the migration.
  test.each([
    { name: 'pgaudit', installed: has('pgaudit') },
    { name: 'postgis', installed: hasExtension('postgis') && has('postgis-3') },
    { name: 'pgtap', installed: hasExtension('pgtap') },
  ])('$name is made, in extensions', async ({ name, installed }) => {
    expect(await column(`SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = '${name}'`)).toEqual(
      installed ? ['extensions'] : [],
    );
  });

  test.skipIf(!has('pg_cron'))('pg_cron: jobs are made by postgres, and by nobody of the API', async () => {
    await main.query("BEGIN; SET LOCAL ROLE postgres; SELECT cron.schedule('nightly', '0 3 * * *', 'VACUUM')");
    expect(await column('SELECT jobname::text FROM cron.job')).toEqual(['nightly']);
    await main.query('COMMIT');
    expect(
      await column(
        "SELECT has_schema_privilege(role, 'cron', 'USAGE') FROM unnest('{anon,authenticated}'::text[]) AS role",
      ),
    ).toEqual([false, false]);
  });

  test.skipIf(!hasExtension('pgtap'))(
    'pgtap: finds its functions where the search path of postgres looks',
    async () => {
      expect(await column('SELECT plan(1)')).toEqual(['1..1']);
      expect(await column("SELECT has_table('auth', 'users', 'there')")).toEqual(['ok 1 - there']);
    },
  );

  test.skipIf(!has('wal2json'))(
    'wal2json: Realtime sees each change once, and shows it to who may see it',
    async () => {
      await main.query(`
      CREATE TABLE public.notes (id int PRIMARY KEY, owner uuid, body text);
      ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON public.notes TO authenticated USING (owner = auth.uid());
      ALTER PUBLICATION supabase_realtime ADD TABLE public.notes;
      INSERT INTO realtime.subscription (subscription_id, entity, claims) VALUES
        ('00000000-0000-0000-0000-00000000000a', 'public.notes', '{"role": "authenticated", "sub": "11111111-1111-1111-1111-111111111111"}'),
        ('00000000-0000-0000-0000-00000000000b', 'public.notes', '{"role": "authenticated", "sub": "22222222-2222-2222-2222-222222222222"}')`);
      for (const list of ['list_changes', 'list_changes_sync']) {
        await main.query(`SELECT pg_create_logical_replication_slot('realtime_${list}', 'wal2json')`);
        await main.query(`
        INSERT INTO public.notes VALUES (1, '11111111-1111-1111-1111-111111111111', 'mine');
        UPDATE public.notes SET body = 'still mine' WHERE id = 1`);
        await main.query('DELETE FROM public.notes');
        const changes = async () =>
          await main.query<{ type: string; body: string | null; ids: string[]; count: string }>(`
          SELECT wal ->> 'type' AS type, wal #>> '{record,body}' AS body, subscription_ids::text[] AS ids, slot_changes_count AS count
          FROM realtime.${list}('supabase_realtime', 'realtime_${list}', 100, 1048576)`);
        const [a, b] = ['00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000b'];
        const seen = (await changes()).map(({ type, body, ids }) => ({ type, body, ids: [...ids].sort() }));
        // The row is gone when it is looked for: what was in it is shown to nobody, and that one is gone to all.
        expect(seen).toEqual([{ type: 'DELETE', body: null, ids: [a, b] }]);
        await main.query("INSERT INTO public.notes VALUES (2, '22222222-2222-2222-2222-222222222222', 'theirs')");
        expect(await changes()).toEqual([{ type: 'INSERT', body: 'theirs', ids: [b], count: '1' }]);
        expect(await changes()).toEqual([{ type: null, body: null, ids: null, count: '0' }]);
        await main.query('DELETE FROM public.notes');
      }
    },
  );
});
