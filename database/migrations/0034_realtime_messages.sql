-- Realtime: messages that SQL sends. Signatures are the official server's; create_message_partitions is ours.

SET LOCAL ROLE supabase_realtime_admin;

-- The topic whose policies are being evaluated, for policies of realtime.messages.
CREATE OR REPLACE FUNCTION realtime.topic() RETURNS text
LANGUAGE sql STABLE AS $$ SELECT NULLIF(current_setting('realtime.topic', true), '') $$;

-- Partitions from yesterday to three days ahead: the days and names of the official server, so that it finds its own.
-- It makes them while it runs; without it, a message would find no partition and be lost. A default partition would
-- catch it, and then keep the server from making the day's one. Anybody may call this: it only ever makes these few.
CREATE OR REPLACE FUNCTION realtime.create_message_partitions() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  today CONSTANT date := timezone('utc', now())::date;
  partition text;
BEGIN
  FOR day IN -1 .. 3 LOOP
    partition := 'messages_' || to_char(today + day, 'YYYY_MM_DD');
    CONTINUE WHEN to_regclass('realtime.' || partition) IS NOT NULL;
    BEGIN
      EXECUTE format(
        'CREATE TABLE realtime.%I PARTITION OF realtime.messages FOR VALUES FROM (%L) TO (%L)',
        partition, today + day, today + day + 1
      );
    EXCEPTION WHEN duplicate_table THEN
      NULL; -- another session was faster
    END;
  END LOOP;
END
$$;
SELECT realtime.create_message_partitions();

-- A message must not make the statement fail that sends it (often a trigger), so what goes wrong is a warning.
CREATE OR REPLACE FUNCTION realtime.send(payload jsonb, event text, topic text, private boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  message_id CONSTANT uuid := gen_random_uuid();
BEGIN
  PERFORM set_config('realtime.topic', topic, true), realtime.create_message_partitions();
  INSERT INTO realtime.messages (id, payload, event, topic, private, extension)
  VALUES (
    message_id,
    CASE WHEN payload ? 'id' THEN payload ELSE jsonb_set(payload, '{id}', to_jsonb(message_id)) END,
    event, topic, private, 'broadcast'
  );
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'WarnSendingBroadcastMessage: %', SQLERRM;
END
$$;

CREATE OR REPLACE FUNCTION realtime.send_binary(payload bytea, event text, topic text, private boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('realtime.topic', topic, true), realtime.create_message_partitions();
  INSERT INTO realtime.messages (binary_payload, event, topic, private, extension)
  VALUES (payload, event, topic, private, 'broadcast');
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'WarnSendingBroadcastMessage: %', SQLERRM;
END
$$;

-- For triggers FOR EACH ROW: sends the row before and after.
CREATE OR REPLACE FUNCTION realtime.broadcast_changes(
  topic_name text, event_name text, operation text, table_name text, table_schema text,
  new record, old record, level text DEFAULT 'ROW'
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF level = 'STATEMENT' THEN
    RAISE EXCEPTION 'realtime.broadcast_changes needs a trigger FOR EACH ROW, not FOR EACH STATEMENT';
  ELSIF (operation IN ('INSERT', 'UPDATE', 'DELETE')) IS NOT TRUE THEN
    RAISE EXCEPTION 'realtime.broadcast_changes knows INSERT, UPDATE and DELETE, not "%"', operation;
  END IF;
  PERFORM realtime.send(
    jsonb_build_object(
      'old_record', old, 'record', new, 'operation', operation, 'table', table_name, 'schema', table_schema
    ),
    event_name, topic_name
  );
END
$$;

RESET ROLE;
