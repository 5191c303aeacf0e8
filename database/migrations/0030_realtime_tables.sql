-- Realtime: types and tables as the official server leaves them after its tenant migration 20260928120000.
-- Types stand before what uses them, and to_regrole before the generated column over it.

GRANT anon, authenticated, service_role TO supabase_realtime_admin;
GRANT supabase_realtime_admin TO postgres;
GRANT ALL ON SCHEMA realtime TO supabase_realtime_admin;
GRANT USAGE ON SCHEMA realtime TO postgres WITH GRANT OPTION;
GRANT USAGE ON SCHEMA realtime TO anon, authenticated, service_role;
-- list_changes silences what it decodes.
GRANT SET ON PARAMETER log_min_messages TO supabase_realtime_admin;

SET LOCAL ROLE supabase_realtime_admin;

DO $$
BEGIN
  IF to_regtype('realtime.action') IS NULL THEN
    CREATE TYPE realtime.action AS ENUM ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'ERROR');
  END IF;
  IF to_regtype('realtime.equality_op') IS NULL THEN
    CREATE TYPE realtime.equality_op AS ENUM (
      'eq', 'neq', 'lt', 'lte', 'gt', 'gte', 'in', 'like', 'ilike', 'is', 'match', 'imatch', 'isdistinct'
    );
  END IF;
  IF to_regtype('realtime.user_defined_filter') IS NULL THEN
    CREATE TYPE realtime.user_defined_filter AS (column_name text, op realtime.equality_op, value text, negate boolean);
  END IF;
  IF to_regtype('realtime.wal_column') IS NULL THEN
    CREATE TYPE realtime.wal_column AS (
      name text, type_name text, type_oid oid, value jsonb, is_pkey boolean, is_selectable boolean
    );
  END IF;
  IF to_regtype('realtime.wal_rls') IS NULL THEN
    CREATE TYPE realtime.wal_rls AS (wal jsonb, is_rls_enabled boolean, subscription_ids uuid[], errors text[]);
  END IF;
END
$$;

-- Stable in truth; a generated column takes immutable functions only, and a role keeps its oid while it is named.
CREATE OR REPLACE FUNCTION realtime.to_regrole(role_name text) RETURNS regrole
LANGUAGE sql IMMUTABLE AS $$ SELECT role_name::regrole $$;

CREATE TABLE IF NOT EXISTS realtime.subscription (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_subscription PRIMARY KEY,
  subscription_id uuid NOT NULL,
  entity regclass NOT NULL,
  filters realtime.user_defined_filter[] NOT NULL DEFAULT '{}',
  claims jsonb NOT NULL,
  claims_role regrole NOT NULL GENERATED ALWAYS AS (realtime.to_regrole(claims ->> 'role')) STORED,
  created_at timestamp NOT NULL DEFAULT timezone('utc', now()),
  action_filter text DEFAULT '*',
  selected_columns text[],
  CONSTRAINT subscription_action_filter_check CHECK (action_filter IN ('*', 'INSERT', 'UPDATE', 'DELETE'))
);
CREATE INDEX IF NOT EXISTS ix_realtime_subscription_entity ON realtime.subscription (entity);
-- The official name, cut to the 63 bytes of an identifier.
CREATE UNIQUE INDEX IF NOT EXISTS subscription_subscription_id_entity_filters_action_filter_selec
  ON realtime.subscription (subscription_id, entity, filters, action_filter, COALESCE(selected_columns, '{}'));

CREATE TABLE IF NOT EXISTS realtime.messages (
  topic text NOT NULL,
  extension text NOT NULL,
  payload jsonb,
  event text,
  private boolean DEFAULT false,
  updated_at timestamp NOT NULL DEFAULT now(),
  inserted_at timestamp NOT NULL DEFAULT now(),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  binary_payload bytea,
  skip_broadcast boolean NOT NULL DEFAULT false,
  PRIMARY KEY (id, inserted_at)
) PARTITION BY RANGE (inserted_at);
CREATE INDEX IF NOT EXISTS messages_inserted_at_topic_index ON ONLY realtime.messages (inserted_at DESC, topic)
  WHERE extension = 'broadcast' AND private IS TRUE;
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_constraint WHERE conrelid = 'realtime.messages'::regclass AND conname = 'messages_payload_exclusive'
  ) THEN
    ALTER TABLE realtime.messages ADD CONSTRAINT messages_payload_exclusive
      CHECK (payload IS NULL OR binary_payload IS NULL) NOT VALID;
  END IF;
END
$$;
-- The policies of this table say who may join, read and write a private channel.
ALTER TABLE realtime.messages ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON realtime.subscription TO anon, authenticated, service_role;
GRANT ALL ON realtime.subscription TO postgres, dashboard_user;
GRANT USAGE ON SEQUENCE realtime.subscription_id_seq TO anon, authenticated, service_role;
GRANT ALL ON SEQUENCE realtime.subscription_id_seq TO postgres, dashboard_user;
GRANT SELECT, INSERT, UPDATE ON realtime.messages TO anon, authenticated, service_role;
GRANT ALL ON realtime.messages TO postgres, dashboard_user;
GRANT SELECT, INSERT ON realtime.messages TO postgres WITH GRANT OPTION;

RESET ROLE;
