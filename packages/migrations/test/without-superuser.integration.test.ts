import { type Connection, connect, quoteLiteral } from '@holdfast/postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  postgresBin,
  startThrowAwayPostgres,
  type ThrowAwayPostgres,
} from '../../postgres/test/throw-away-postgres.js';
import { applyMigrations, readSupabaseSchema } from '../src/index.js';

const { signal } = new AbortController();
const options = { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 60_000 };

/**
 * On Supabase's platform `postgres` is no superuser. Holdfast leaves it one, because Patroni works as it; what an application or a project's
 * migration does must not need that, so here another one is the superuser.
 */
describe.skipIf(postgresBin === undefined)('postgres without being a superuser', () => {
  let server: ThrowAwayPostgres;
  let connection: Connection;

  beforeAll(async () => {
    server = await startThrowAwayPostgres(postgresBin ?? '', { superuser: 'bootstrap' });
    {
      await using superuser = await connect(server.target, options);
      const { password } = server.target;
      await superuser.query(
        `CREATE ROLE postgres LOGIN CREATEDB CREATEROLE REPLICATION BYPASSRLS PASSWORD ${quoteLiteral(password)}`,
      );
      const [main] = await readSupabaseSchema();
      await applyMigrations(superuser, main?.migrations ?? [], { signal });
    }
    connection = await connect({ ...server.target, user: 'postgres' }, options);
  });
  afterAll(async () => {
    await connection?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  test('is none', async () => {
    expect(
      await connection.query(
        "SELECT current_setting('is_superuser') AS it, rolbypassrls FROM pg_roles WHERE rolname = current_user",
      ),
    ).toEqual([{ it: 'off', rolbypassrls: true }]);
    await expect(connection.query('ALTER SYSTEM SET work_mem = 64')).rejects.toThrow(
      /must be superuser|permission denied/,
    );
  });

  test.each([
    [
      'makes tables with policies',
      `
      CREATE TABLE public.notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner uuid REFERENCES auth.users (id) ON DELETE CASCADE, text text);
      ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON public.notes TO authenticated USING (auth.uid() = owner)`,
    ],
    [
      'has a profile made for each new user',
      `
      CREATE TABLE public.profiles (id uuid PRIMARY KEY REFERENCES auth.users (id));
      CREATE FUNCTION public.handle_new_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
        $$ BEGIN INSERT INTO public.profiles VALUES (new.id); RETURN new; END $$;
      CREATE TRIGGER on_auth_user_created AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.handle_new_user();
      INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'a@example.com')`,
    ],
    [
      'makes buckets and says who may see their objects',
      `
      INSERT INTO storage.buckets (id, name) VALUES ('avatars', 'avatars');
      CREATE POLICY "everybody sees avatars" ON storage.objects FOR SELECT USING (bucket_id = 'avatars')`,
    ],
    [
      'publishes tables to Realtime and says who may listen',
      `
      CREATE TABLE public.published (n int PRIMARY KEY);
      ALTER PUBLICATION supabase_realtime ADD TABLE public.published;
      CREATE POLICY "users listen" ON realtime.messages FOR SELECT TO authenticated USING (realtime.topic() = 'room')`,
    ],
    ['sends to Realtime', "SELECT realtime.send('{}'::jsonb, 'event', 'room', false)"],
    ['asks for pages', "SELECT net.http_get('http://127.0.0.1:1/')"],
    ['signs tokens', "SELECT extensions.sign('{}'::json, 'secret')"],
    ['makes extensions that are trusted', 'CREATE EXTENSION pg_trgm WITH SCHEMA extensions; DROP EXTENSION pg_trgm'],
    [
      'makes schemas, and opens them to the API',
      `
      CREATE SCHEMA private;
      GRANT USAGE ON SCHEMA private TO service_role;
      ALTER DEFAULT PRIVILEGES IN SCHEMA private GRANT SELECT ON TABLES TO service_role`,
    ],
    [
      'makes roles, and tells the API which schemas to show',
      `
      CREATE ROLE reporting NOLOGIN;
      GRANT reporting TO authenticator;
      ALTER ROLE authenticator SET pgrst.db_schemas = 'public, private';
      NOTIFY pgrst, 'reload config'`,
    ],
    ['records its migrations', "INSERT INTO supabase_migrations.schema_migrations (version) VALUES ('20260101000000')"],
    [
      'reads users, and changes what it knows of them',
      `
      SELECT id, email FROM auth.users;
      UPDATE auth.users SET raw_app_meta_data = '{"admin": true}'`,
    ],
    ['copies and cleans up', 'VACUUM ANALYZE public.notes'],
  ])('%s', async (_what, sql) => {
    await connection.query(sql);
  });

  test.each(['anon', 'authenticated', 'service_role', 'supabase_auth_admin', 'supabase_storage_admin'])(
    'becomes %s',
    async (role) => {
      await connection.query(`BEGIN; SET LOCAL ROLE ${role}`);
      expect(await connection.query('SELECT current_user::text AS me')).toEqual([{ me: role }]);
      await connection.query('ROLLBACK');
    },
  );

  test("is refused what is Holdfast's and the superuser's", async () => {
    for (const sql of [
      'DELETE FROM holdfast.migrations',
      "COPY (SELECT 1) TO PROGRAM 'cat'",
      "SELECT pg_read_file('/etc/passwd')",
      'SET ROLE supabase_admin',
    ])
      await expect(connection.query(sql), sql).rejects.toMatchObject({ code: '42501' });
  });
});
