-- Storage: what policies call (names of objects, the operation that is under way), and the triggers.
-- Names, parameters, results and volatility are the official server's, which replaces these functions in place.

SET LOCAL ROLE supabase_storage_admin;

CREATE OR REPLACE FUNCTION storage.foldername(name text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  parts CONSTANT text[] := string_to_array(name, '/');
BEGIN
  RETURN parts[:cardinality(parts) - 1];
END
$$;

CREATE OR REPLACE FUNCTION storage.filename(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  parts CONSTANT text[] := string_to_array(name, '/');
BEGIN
  RETURN parts[cardinality(parts)];
END
$$;

-- What follows the last dot of the file name; a name without a dot is returned whole, as the official one does.
CREATE OR REPLACE FUNCTION storage.extension(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN split_part(split_part(name, '/', -1), '.', -1);
END
$$;

-- "a/b/c" below "a/" with "/" is "a/b/"; NULL where no delimiter follows the prefix. One expression, so that the
-- planner can put it in place of the call.
CREATE OR REPLACE FUNCTION storage.get_common_prefix(p_key text, p_prefix text, p_delimiter text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT left(
    p_key,
    length(p_prefix) + length(p_delimiter) - 1
      + NULLIF(strpos(substr(p_key, length(p_prefix) + 1), NULLIF(p_delimiter, '')), 0)
  )
$$;

-- The server sets this for each request, for example to storage.object.upload.
CREATE OR REPLACE FUNCTION storage.operation() RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN current_setting('storage.operation', true);
END
$$;

CREATE OR REPLACE FUNCTION storage.allow_any_operation(expected_operations text[]) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT FROM unnest(expected_operations) AS expected
    WHERE expected <> '' AND regexp_replace(expected, '^storage\.', '') = regexp_replace(storage.operation(), '^storage\.', '')
  )
$$;

CREATE OR REPLACE FUNCTION storage.allow_only_operation(expected_operation text) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT storage.allow_any_operation(ARRAY[expected_operation])
$$;

-- Whether a list with these two choices ('exclude', 'only', 'include') shows a row.
CREATE OR REPLACE FUNCTION storage.is_listed(
  archived_at timestamptz,
  is_delete_marker boolean,
  noncurrent_versions text,
  delete_markers text
) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT (noncurrent_versions IN ('only', 'include') OR archived_at IS NULL)
    AND (noncurrent_versions <> 'only' OR archived_at IS NOT NULL)
    AND (delete_markers IN ('only', 'include') OR NOT is_delete_marker)
    AND (delete_markers <> 'only' OR is_delete_marker)
$$;

CREATE OR REPLACE FUNCTION storage.get_size_by_bucket(
  noncurrent_versions text DEFAULT 'include',
  delete_markers text DEFAULT 'include'
) RETURNS TABLE (size bigint, bucket_id text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- Here, unlike in lists, what is not understood counts everything.
  IF (noncurrent_versions IN ('exclude', 'only')) IS NOT TRUE THEN
    noncurrent_versions := 'include';
  END IF;
  IF (delete_markers IN ('exclude', 'only')) IS NOT TRUE THEN
    delete_markers := 'include';
  END IF;
  RETURN QUERY
    SELECT sum((o.metadata ->> 'size')::bigint)::bigint, o.bucket_id
    FROM storage.objects AS o
    WHERE storage.is_listed(o.archived_at, o.is_delete_marker, noncurrent_versions, delete_markers)
    GROUP BY o.bucket_id;
END
$$;

-- Asks the policies whether a row may be inserted, and always undoes it: PT200 is the answer "yes".
CREATE OR REPLACE FUNCTION storage.can_insert_object(bucketid text, name text, owner uuid, metadata jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO storage.objects (bucket_id, name, owner, metadata) VALUES (bucketid, name, owner, metadata);
  RAISE SQLSTATE 'PT200' USING MESSAGE = 'ROLLBACK', DETAIL = 'the object may be inserted; the trial row is undone';
END
$$;

CREATE OR REPLACE FUNCTION storage.update_updated_at_column() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION storage.enforce_bucket_name_length() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF length(NEW.name) > 100 THEN
    RAISE EXCEPTION 'bucket name "%" has % characters; at most 100 are allowed', NEW.name, length(NEW.name);
  END IF;
  RETURN NEW;
END
$$;

-- A row that is deleted here would leave its file behind, so only the server, which says so, may delete.
CREATE OR REPLACE FUNCTION storage.protect_delete() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('storage.allow_delete_query', true) IS DISTINCT FROM 'true' THEN
    RAISE EXCEPTION 'rows of storage.% must not be deleted with SQL: the file itself would stay behind', TG_TABLE_NAME
      USING ERRCODE = 'insufficient_privilege', HINT = 'Delete through the Storage API.';
  END IF;
  RETURN NULL;
END
$$;

-- A changed lifecycle configuration carries a new generation, on standard buckets only; argument 0, at an
-- insert, is the role whose members may insert one.
CREATE OR REPLACE FUNCTION storage.protect_bucket_control_columns() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF num_nonnulls(NEW.lifecycle_configuration, NEW.lifecycle_configuration_generation) > 0
      AND NOT pg_has_role(current_user, TG_ARGV[0], 'MEMBER')
    THEN
      RAISE EXCEPTION 'a bucket with a lifecycle configuration may only be inserted by members of %', TG_ARGV[0]
        USING ERRCODE = 'insufficient_privilege',
          HINT = 'Leave both lifecycle columns NULL, and set the configuration through the Storage API.';
    END IF;
    RETURN NEW;
  END IF;

  IF (OLD.lifecycle_configuration, OLD.lifecycle_configuration_generation)
    IS NOT DISTINCT FROM (NEW.lifecycle_configuration, NEW.lifecycle_configuration_generation)
  THEN
    RETURN NEW;
  END IF;
  IF NEW.type <> 'STANDARD' THEN
    RAISE EXCEPTION 'only standard buckets have a lifecycle configuration' USING ERRCODE = 'feature_not_supported';
  END IF;
  IF num_nonnulls(NEW.lifecycle_configuration, NEW.lifecycle_configuration_generation) > 0 AND (
    num_nulls(NEW.lifecycle_configuration, NEW.lifecycle_configuration_generation) > 0
    OR OLD.lifecycle_configuration IS NOT DISTINCT FROM NEW.lifecycle_configuration
    OR OLD.lifecycle_configuration_generation IS NOT DISTINCT FROM NEW.lifecycle_configuration_generation
  ) THEN
    RAISE EXCEPTION 'a changed lifecycle configuration needs a new generation' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN NEW;
END
$$;

-- Runs after the row level checks, so that the server can tell "policies refuse" from "only the service may":
-- it looks for PST01 on this table and trigger.
CREATE OR REPLACE FUNCTION storage.enforce_bucket_lifecycle_service_role() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF current_user::text <> TG_ARGV[0]
    AND (OLD.lifecycle_configuration, OLD.lifecycle_configuration_generation)
      IS DISTINCT FROM (NEW.lifecycle_configuration, NEW.lifecycle_configuration_generation)
  THEN
    RAISE EXCEPTION 'only % may change the lifecycle configuration of a bucket', TG_ARGV[0]
      USING ERRCODE = 'PST01', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER update_objects_updated_at BEFORE UPDATE ON storage.objects
  FOR EACH ROW EXECUTE FUNCTION storage.update_updated_at_column();
CREATE OR REPLACE TRIGGER protect_objects_delete BEFORE DELETE ON storage.objects
  FOR EACH STATEMENT EXECUTE FUNCTION storage.protect_delete();
CREATE OR REPLACE TRIGGER protect_buckets_delete BEFORE DELETE ON storage.buckets
  FOR EACH STATEMENT EXECUTE FUNCTION storage.protect_delete();
CREATE OR REPLACE TRIGGER enforce_bucket_name_length_trigger BEFORE INSERT OR UPDATE OF name ON storage.buckets
  FOR EACH ROW EXECUTE FUNCTION storage.enforce_bucket_name_length();
CREATE OR REPLACE TRIGGER protect_bucket_control_insert BEFORE INSERT ON storage.buckets
  FOR EACH ROW EXECUTE FUNCTION storage.protect_bucket_control_columns('service_role');
CREATE OR REPLACE TRIGGER protect_bucket_control_update
  BEFORE UPDATE OF lifecycle_configuration, lifecycle_configuration_generation ON storage.buckets
  FOR EACH ROW EXECUTE FUNCTION storage.protect_bucket_control_columns();
CREATE OR REPLACE TRIGGER protect_bucket_control_update_role
  AFTER UPDATE OF lifecycle_configuration, lifecycle_configuration_generation ON storage.buckets
  FOR EACH ROW EXECUTE FUNCTION storage.enforce_bucket_lifecycle_service_role('service_role');

RESET ROLE;
