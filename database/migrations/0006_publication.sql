-- What Realtime's postgres_changes listens to. Empty: each table is added by name.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'supabase_realtime') THEN
    CREATE PUBLICATION supabase_realtime;
  END IF;
  ALTER PUBLICATION supabase_realtime OWNER TO postgres;
END
$$;
