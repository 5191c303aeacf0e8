-- Page views. Only service_role reads and writes them: with row level security and no policy, nobody else sees a row.

SET LOCAL ROLE supabase_admin;

CREATE TABLE IF NOT EXISTS _analytics.page_views (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  path text NOT NULL,
  referrer text,
  user_agent text,
  country text CHECK (country ~ '^[A-Z]{2}$'),
  session_id uuid,
  occurred_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN _analytics.page_views.country IS 'ISO 3166-1, two letters';
CREATE INDEX IF NOT EXISTS page_views_occurred_at_idx ON _analytics.page_views (occurred_at);
CREATE INDEX IF NOT EXISTS page_views_path_occurred_at_idx ON _analytics.page_views (path, occurred_at);
CREATE INDEX IF NOT EXISTS page_views_session_id_idx ON _analytics.page_views (session_id) WHERE session_id IS NOT NULL;

ALTER TABLE _analytics.page_views ENABLE ROW LEVEL SECURITY;
GRANT USAGE ON SCHEMA _analytics TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON _analytics.page_views TO service_role;

RESET ROLE;
