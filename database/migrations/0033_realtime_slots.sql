-- Realtime: changes of a publication, read from a slot of wal2json. list_changes and list_changes_sync have the
-- official server's signatures; wal2json_options and rls_changes, which are ours, hold what both have in common.

SET LOCAL ROLE supabase_realtime_admin;

-- No row for a publication that does not exist. wal2json takes "no tables" for all of them, so has_tables says it.
CREATE OR REPLACE FUNCTION realtime.wal2json_options(publication name) RETURNS TABLE (options text[], has_tables boolean)
LANGUAGE sql STABLE AS $$
  SELECT
    ARRAY[
      'include-pk', 'true',
      'include-transaction', 'false',
      'include-timestamp', 'true',
      'include-type-oids', 'true',
      'format-version', '2',
      'actions', concat_ws(',',
        CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END
      ),
      'add-tables', COALESCE(t.names, '')
    ],
    t.names IS NOT NULL
  FROM pg_publication AS p, LATERAL (
    SELECT string_agg(realtime.quote_wal2json(format('%I.%I', schemaname, tablename)::regclass), ',') AS names
    FROM pg_publication_tables
    WHERE pubname = p.pubname
  ) AS t
  WHERE p.pubname = publication
$$;

-- What somebody may see of these changes, and with every row how many there were; one row where nobody sees any.
CREATE OR REPLACE FUNCTION realtime.rls_changes(changes jsonb[], max_record_bytes integer)
RETURNS TABLE (wal jsonb, is_rls_enabled boolean, subscription_ids uuid[], errors text[], slot_changes_count bigint)
LANGUAGE sql AS $$
  WITH visible AS MATERIALIZED (
    SELECT r.*
    FROM unnest(changes) AS change, realtime.apply_rls(change, max_record_bytes) AS r
    WHERE cardinality(r.subscription_ids) > 0
  )
  SELECT v.wal, v.is_rls_enabled, v.subscription_ids, v.errors, cardinality(changes)::bigint FROM visible AS v
  UNION ALL
  SELECT NULL, NULL, NULL, NULL, COALESCE(cardinality(changes), 0) WHERE NOT EXISTS (SELECT FROM visible)
$$;

CREATE OR REPLACE FUNCTION realtime.list_changes(
  publication name, slot_name name, max_changes integer, max_record_bytes integer
) RETURNS TABLE (wal jsonb, is_rls_enabled boolean, subscription_ids uuid[], errors text[], slot_changes_count bigint)
LANGUAGE sql SET log_min_messages = 'fatal' AS $$
  SELECT r.*
  FROM (
    SELECT array_agg(c.data::jsonb) FILTER (WHERE o.has_tables) AS changes
    FROM realtime.wal2json_options(publication) AS o,
      pg_logical_slot_get_changes(slot_name, NULL, max_changes, VARIADIC o.options) AS c
  ) AS taken, realtime.rls_changes(taken.changes, max_record_bytes) AS r
$$;

-- pg_logical_slot_get_changes, but only as far as the first transaction that other sessions do not see yet: its
-- commit is in the WAL a moment before its rows are visible, and row level security would hide them from everybody.
CREATE OR REPLACE FUNCTION realtime.settled_changes(slot_name name, max_changes integer, VARIADIC opts text[])
RETURNS TABLE (lsn pg_lsn, xid xid, data text)
LANGUAGE plpgsql AS $$
DECLARE
  -- Peeking and taking stop at the same place, so that nothing is taken that was not looked at.
  upto CONSTANT pg_lsn := pg_current_wal_flush_lsn();
  total bigint;
  xids xid[];
  first_changes bigint[];
  seen_now pg_snapshot;
  still_running xid[];
  unsettled bigint;
BEGIN
  -- Below, a later statement must see more than an earlier one.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'realtime.settled_changes works in READ COMMITTED only, not in %', current_setting('transaction_isolation');
  END IF;

  SELECT COALESCE(sum(t.changes), 0), array_agg(t.xid), array_agg(t.first_change)
  INTO total, xids, first_changes
  FROM (
    SELECT p.xid, count(*) AS changes,
      -- A message that is not transactional appears at once, with whatever transaction wrote it.
      min(p.position) FILTER (
        WHERE CASE WHEN starts_with(p.data, '{"action":"M"') THEN (p.data::jsonb ->> 'transactional')::boolean ELSE true END
      ) AS first_change
    FROM pg_logical_slot_peek_changes(slot_name, upto, max_changes, VARIADIC opts)
      WITH ORDINALITY AS p(lsn, xid, data, position)
    GROUP BY p.xid
  ) AS t;

  IF total = 0 THEN
    -- Nothing for us; the server may still throw that WAL away.
    PERFORM pg_replication_slot_advance(slot_name, upto);
    RETURN;
  END IF;

  -- Taken after the peek: who was still ending then is in it, or is younger than its end. age() counts backwards,
  -- and so compares rightly when numbers wrap around.
  seen_now := pg_current_snapshot();
  still_running := ARRAY(SELECT r::xid FROM pg_snapshot_xip(seen_now) AS r);
  SELECT min(t.first_change) INTO unsettled
  FROM unnest(xids, first_changes) AS t(xid, first_change)
  WHERE t.xid = ANY (still_running) OR age(t.xid) <= age(pg_snapshot_xmax(seen_now)::xid);

  -- Taking ends with the commit that reaches the limit, which is the last one before the unsettled transaction.
  IF unsettled IS NULL OR unsettled > 1 THEN
    RETURN QUERY
      SELECT c.lsn, c.xid, c.data
      FROM pg_logical_slot_get_changes(slot_name, upto, COALESCE((unsettled - 1)::integer, max_changes), VARIADIC opts) AS c;
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION realtime.list_changes_sync(
  publication name, slot_name name, max_changes integer, max_record_bytes integer
) RETURNS TABLE (wal jsonb, is_rls_enabled boolean, subscription_ids uuid[], errors text[], slot_changes_count bigint)
LANGUAGE sql SET log_min_messages = 'fatal' AS $$
  SELECT r.*
  FROM (
    SELECT array_agg(c.data::jsonb) FILTER (WHERE o.has_tables) AS changes
    FROM realtime.wal2json_options(publication) AS o,
      realtime.settled_changes(slot_name, max_changes, VARIADIC o.options) AS c
  ) AS taken, realtime.rls_changes(taken.changes, max_record_bytes) AS r
$$;

RESET ROLE;
