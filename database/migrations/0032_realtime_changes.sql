-- Realtime: which subscriber may see which change. Signatures and records are the official server's.
-- wal2json is only named at run time: nothing here needs it to be installed.

SET LOCAL ROLE supabase_realtime_admin;

-- The names of wal2json's add-tables, which has an escape character and no quotes.
CREATE OR REPLACE FUNCTION realtime.wal2json_escape_identifier(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT regexp_replace(name, '([\\,.[:space:]])', '\\\1', 'g')
$$;

CREATE OR REPLACE FUNCTION realtime.quote_wal2json(entity regclass) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT realtime.wal2json_escape_identifier(c.relnamespace::regnamespace::name) || '.'
    || realtime.wal2json_escape_identifier(c.relname)
  FROM pg_class AS c
  WHERE c.oid = entity
$$;

-- A statement that tells whether the current role sees the row with this primary key.
CREATE OR REPLACE FUNCTION realtime.build_prepared_statement_sql(
  prepared_statement_name text, entity regclass, columns realtime.wal_column[]
) RETURNS text
LANGUAGE sql AS $$
  SELECT format(
    'PREPARE %I AS SELECT EXISTS (SELECT FROM %s WHERE %s)',
    prepared_statement_name, entity, string_agg(format('%I = %L', c.name, c.value #>> '{}'), ' AND ')
  )
  FROM unnest(columns) AS c
  WHERE c.is_pkey
  HAVING count(*) > 0
$$;

-- One record of wal2json (format 2), as each group of subscribers may see it: one row for each role and choice of
-- columns. With row level security a subscriber sees an insert or update if his claims may select the row now; a
-- delete, which cannot be checked any more, shows only its primary key.
CREATE OR REPLACE FUNCTION realtime.apply_rls(wal jsonb, max_record_bytes integer DEFAULT 1024 * 1024)
RETURNS SETOF realtime.wal_rls
LANGUAGE plpgsql AS $$
DECLARE
  entity_ CONSTANT regclass := to_regclass(format('%I.%I', wal ->> 'schema', wal ->> 'table'));
  action CONSTANT realtime.action :=
    CASE wal ->> 'action' WHEN 'I' THEN 'INSERT' WHEN 'U' THEN 'UPDATE' WHEN 'D' THEN 'DELETE' ELSE 'ERROR' END;
  is_rls_enabled CONSTANT boolean := c.relrowsecurity FROM pg_class AS c WHERE c.oid = entity_;
  checks_row CONSTANT boolean := is_rls_enabled AND action <> 'DELETE';
  is_too_large CONSTANT boolean := octet_length(wal::text) > max_record_bytes;
  subject CONSTANT jsonb := jsonb_build_object('schema', wal ->> 'schema', 'table', wal ->> 'table', 'type', action);
  subscriptions CONSTANT realtime.subscription[] := ARRAY(
    SELECT s FROM realtime.subscription AS s WHERE s.entity = entity_ AND s.action_filter IN ('*', action::text)
  );
  subscriber realtime.subscription;
  candidates realtime.subscription[];
  columns realtime.wal_column[];
  old_columns realtime.wal_column[];
  working_role regrole;
  selected text[];
  refusal text;
  allowed boolean;
  visible_to uuid[];
BEGIN
  IF cardinality(subscriptions) = 0 THEN
    RETURN;
  END IF;
  PERFORM set_config('role', NULL, true);

  SELECT
    COALESCE(array_agg(parsed.c) FILTER (WHERE part = 'columns'), '{}'),
    COALESCE(array_agg(parsed.c) FILTER (WHERE part = 'identity'), '{}')
  INTO columns, old_columns
  FROM unnest(ARRAY['columns', 'identity']) AS part,
    jsonb_array_elements(wal -> part) AS x,
    LATERAL (SELECT ROW(
      x ->> 'name', x ->> 'type', x ->> 'typeoid',
      -- wal2json 2.4 and older give no typeoid.
      realtime.cast(x ->> 'value', COALESCE((x ->> 'typeoid')::oid::regtype, (x ->> 'type')::regtype)),
      EXISTS (SELECT FROM jsonb_array_elements(wal -> 'pk') AS pk WHERE pk ->> 'name' = x ->> 'name'),
      true
    )::realtime.wal_column AS c) AS parsed;

  FOR working_role IN SELECT s.claims_role FROM unnest(subscriptions) AS s GROUP BY s.claims_role ORDER BY s.claims_role::text LOOP
    columns := ARRAY(
      SELECT ROW(c.name, c.type_name, c.type_oid, c.value, c.is_pkey, COALESCE(
        pg_catalog.has_column_privilege(working_role, entity_, a.attnum, 'SELECT'), false
      ))::realtime.wal_column
      FROM unnest(columns) AS c LEFT JOIN pg_attribute AS a ON a.attrelid = entity_ AND a.attname = c.name
    );
    old_columns := ARRAY(
      SELECT ROW(c.name, c.type_name, c.type_oid, c.value, c.is_pkey, COALESCE(
        pg_catalog.has_column_privilege(working_role, entity_, a.attnum, 'SELECT'), false
      ))::realtime.wal_column
      FROM unnest(old_columns) AS c LEFT JOIN pg_attribute AS a ON a.attrelid = entity_ AND a.attname = c.name
    );

    refusal := CASE
      WHEN action = 'DELETE' THEN NULL
      WHEN NOT EXISTS (SELECT FROM unnest(columns) AS c WHERE c.is_pkey) THEN 'Error 400: Bad Request, no primary key'
      WHEN EXISTS (SELECT FROM unnest(columns) AS c WHERE c.is_pkey AND NOT c.is_selectable) THEN 'Error 401: Unauthorized'
    END;

    candidates := ARRAY(
      SELECT s FROM unnest(subscriptions) AS s
      WHERE s.claims_role = working_role AND (
        refusal IS NOT NULL
        OR realtime.is_visible_through_filters(columns, s.filters)
        OR action = 'DELETE' AND realtime.is_visible_through_filters(old_columns, s.filters)
      )
    );
    visible_to := ARRAY(SELECT s.subscription_id FROM unnest(candidates) AS s);

    IF refusal IS NULL AND checks_row THEN
      IF EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'walrus_rls_stmt') THEN
        DEALLOCATE walrus_rls_stmt;
      END IF;
      EXECUTE realtime.build_prepared_statement_sql('walrus_rls_stmt', entity_, columns);

      visible_to := '{}';
      FOREACH subscriber IN ARRAY candidates LOOP
        -- A policy may fail on one subscriber's claims; that must not take the change away from the others.
        BEGIN
          PERFORM set_config('role', (SELECT r.rolname FROM pg_roles AS r WHERE r.oid = working_role), true),
            set_config('request.jwt.claims', subscriber.claims::text, true);
          EXECUTE 'EXECUTE walrus_rls_stmt' INTO allowed;
          PERFORM set_config('role', NULL, true);
        EXCEPTION WHEN OTHERS THEN
          allowed := false;
          RAISE WARNING 'row level security of % failed for subscription %: %', entity_, subscriber.subscription_id, SQLERRM;
        END;
        IF allowed THEN
          visible_to := visible_to || subscriber.subscription_id;
        END IF;
      END LOOP;
    END IF;

    FOR selected IN
      SELECT s.selected_columns FROM unnest(subscriptions) AS s WHERE s.claims_role = working_role
      GROUP BY s.selected_columns ORDER BY COALESCE(array_to_string(s.selected_columns, ','), '')
    LOOP
      RETURN NEXT ROW(
        CASE WHEN refusal IS NOT NULL THEN subject
        ELSE
          subject || jsonb_build_object(
            'commit_timestamp',
            to_char((wal ->> 'timestamp')::timestamptz AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'columns', (
              SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'type', t.typname) ORDER BY a.attnum)
              FROM pg_attribute AS a
              JOIN pg_type AS t ON t.oid = a.atttypid
              WHERE a.attrelid = entity_ AND a.attnum > 0 AND NOT a.attisdropped
                AND pg_catalog.has_column_privilege(working_role, entity_, a.attnum, 'SELECT')
                AND (selected IS NULL OR a.attname = ANY (selected) OR EXISTS (
                  SELECT FROM pg_constraint AS p
                  WHERE p.conrelid = entity_ AND p.contype = 'p' AND a.attnum = ANY (p.conkey)
                ))
            )
          )
          || CASE WHEN action IN ('INSERT', 'UPDATE') THEN jsonb_build_object('record', (
            -- An unchanged value that is stored out of line is not in the new record: the old one has it.
            SELECT jsonb_object_agg(COALESCE(c.name, o.name), CASE WHEN c.name IS NULL THEN o.value ELSE c.value END)
            FROM unnest(columns) AS c FULL JOIN unnest(old_columns) AS o ON o.name = c.name
            WHERE COALESCE(c.is_selectable, o.is_selectable)
              AND (selected IS NULL OR COALESCE(c.name, o.name) = ANY (selected) OR COALESCE(c.is_pkey, o.is_pkey))
              AND (NOT is_too_large OR octet_length(c.value::text) <= 64)
          )) ELSE '{}' END
          || CASE WHEN action IN ('UPDATE', 'DELETE') THEN jsonb_build_object('old_record', (
            SELECT jsonb_object_agg(o.name, o.value)
            FROM unnest(old_columns) AS o
            WHERE o.is_selectable
              AND (selected IS NULL OR o.name = ANY (selected) OR o.is_pkey)
              AND (NOT is_too_large OR octet_length(o.value::text) <= 64)
              AND (action = 'UPDATE' OR NOT is_rls_enabled OR o.is_pkey)
          )) ELSE '{}' END
        END,
        is_rls_enabled,
        ARRAY(
          SELECT s.subscription_id FROM unnest(candidates) AS s
          WHERE s.selected_columns IS NOT DISTINCT FROM selected AND s.subscription_id = ANY (visible_to)
        ),
        CASE
          WHEN refusal IS NOT NULL THEN ARRAY[refusal]
          WHEN is_too_large THEN ARRAY['Error 413: Payload Too Large']
          ELSE '{}'
        END
      )::realtime.wal_rls;
    END LOOP;
  END LOOP;
END
$$;

RESET ROLE;
