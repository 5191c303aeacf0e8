-- Storage: lists of objects. Signatures and results are the official server's; the work is done by
-- storage.scan_objects, which is ours, and runs with the rights of who calls it.

SET LOCAL ROLE supabase_storage_admin;

-- At most max_rows objects and folders of a bucket whose names start with a prefix, in the order of their names
-- (bytewise), the versions of one name newest first. A folder is one row with its name, delimiter included, and
-- no id. It begins at seek: at that name, or behind it, or, with a version, behind that version of it.
-- A folder costs one index probe, however many objects lie in it.
CREATE OR REPLACE FUNCTION storage.scan_objects(
  bucket text,
  prefix text,
  delimiter text,
  max_rows integer,
  descending boolean,
  fold_case boolean,
  noncurrent_versions text,
  delete_markers text,
  seek text DEFAULT NULL,
  seek_inclusive boolean DEFAULT true,
  seek_archived_at timestamptz DEFAULT NULL,
  seek_version text DEFAULT ''
) RETURNS SETOF storage.objects
LANGUAGE plpgsql STABLE AS $$
DECLARE
  entry storage.objects;
  folder text;
  rows_left integer := max_rows;
  folded_prefix CONSTANT text := CASE WHEN fold_case THEN lower(prefix) ELSE prefix END;
  -- EXECUTE plans with the values in place, so that conditions that do not apply vanish and partial indexes match.
  query CONSTANT text := format(
    $query$
      SELECT o.*
      FROM storage.objects AS o, LATERAL (SELECT
        -- Clients hold this time in JavaScript, to the millisecond; the current version has none.
        COALESCE(date_trunc('milliseconds', o.archived_at), 'infinity') AS archived_at,
        COALESCE(o.version, '') AS version
      ) AS at
      WHERE o.bucket_id = $1 AND %1$s ^@ $2 AND storage.is_listed(o.archived_at, o.is_delete_marker, $3, $4)
        AND ($5 IS NULL OR %1$s %2$s $5)
        AND ($5 IS NULL OR %1$s <> $5 OR $6 AND (
          $7::timestamptz IS NULL OR at.archived_at < $7 OR at.archived_at = $7 AND at.version > $8
        ))
      ORDER BY %1$s %3$s, at.archived_at DESC, at.version
      LIMIT $9
    $query$,
    CASE WHEN fold_case THEN 'lower(o.name) COLLATE "C"' ELSE 'o.name COLLATE "C"' END,
    CASE WHEN descending THEN '<=' ELSE '>=' END,
    CASE WHEN descending THEN 'DESC' ELSE 'ASC' END
  );
BEGIN
  WHILE rows_left > 0 LOOP
    folder := NULL;
    FOR entry IN EXECUTE query
      USING bucket, folded_prefix, noncurrent_versions, delete_markers, seek, seek_inclusive, seek_archived_at, seek_version,
        rows_left
    LOOP
      folder := storage.get_common_prefix(CASE WHEN fold_case THEN lower(entry.name) ELSE entry.name END, folded_prefix, delimiter);
      EXIT WHEN folder IS NOT NULL;
      RETURN NEXT entry;
      rows_left := rows_left - 1;
    END LOOP;
    EXIT WHEN folder IS NULL;

    -- Everything in the folder lies at or behind its name, and before the name with the next last character.
    seek := CASE WHEN descending THEN folder ELSE left(folder, -1) || chr(ascii(right(folder, 1)) + 1) END;
    seek_inclusive := NOT descending;
    seek_archived_at := NULL;

    folder := COALESCE(storage.get_common_prefix(entry.name, prefix, delimiter), folder);
    entry := NULL;
    entry.name := folder;
    RETURN NEXT entry;
    rows_left := rows_left - 1;
  END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION storage.list_objects_with_delimiter(
  _bucket_id text,
  prefix_param text,
  delimiter_param text,
  max_keys integer DEFAULT 100,
  start_after text DEFAULT '',
  next_token text DEFAULT '',
  sort_order text DEFAULT 'asc',
  noncurrent_versions text DEFAULT 'exclude',
  delete_markers text DEFAULT 'exclude',
  next_token_archived_at timestamptz DEFAULT NULL,
  next_token_version text DEFAULT ''
) RETURNS TABLE (
  name text, id uuid, metadata jsonb, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz,
  version text, archived_at timestamptz, is_delete_marker boolean, is_versioned boolean
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  prefix CONSTANT text := COALESCE(prefix_param, '');
  descending CONSTANT boolean := lower(COALESCE(sort_order, 'asc')) <> 'asc';
  seek text := COALESCE(NULLIF(next_token, ''), NULLIF(start_after, ''));
  -- A page may end between two versions of a name; only its token says where. startAfter means behind the name.
  seek_inclusive boolean := noncurrent_versions IN ('only', 'include') AND next_token <> '';
  seek_archived_at timestamptz := date_trunc('milliseconds', next_token_archived_at);
BEGIN
  -- Behind a folder means behind everything in it.
  IF NOT descending AND delimiter_param <> '' AND starts_with(seek, prefix) AND length(seek) > length(prefix)
    AND right(seek, length(delimiter_param)) = delimiter_param
  THEN
    seek := left(seek, -1) || chr(ascii(right(seek, 1)) + 1);
    seek_inclusive := true;
    seek_archived_at := NULL;
  END IF;
  RETURN QUERY
    SELECT s.name, s.id, s.metadata, s.updated_at, s.created_at, s.last_accessed_at,
      s.version, s.archived_at, s.is_delete_marker, s.is_versioned
    FROM storage.scan_objects(
      _bucket_id, prefix, delimiter_param, max_keys, descending, false,
      COALESCE(noncurrent_versions, 'exclude'), COALESCE(delete_markers, 'exclude'),
      seek, COALESCE(seek_inclusive, false), seek_archived_at, COALESCE(next_token_version, '')
    ) AS s;
END
$$;

-- prefix_param is a LIKE pattern; raw_prefix_param is the same prefix without escapes, where the caller knows it.
-- A marker whose upload is gone already begins its key again: a page may repeat uploads, never miss one.
CREATE OR REPLACE FUNCTION storage.list_multipart_uploads_with_delimiter(
  bucket_id text,
  prefix_param text,
  delimiter_param text,
  max_keys integer DEFAULT 100,
  next_key_token text DEFAULT '',
  next_upload_token text DEFAULT '',
  raw_prefix_param text DEFAULT NULL
) RETURNS TABLE (key text, id text, created_at timestamptz)
LANGUAGE sql STABLE AS $$
  WITH uploads AS (
    SELECT u.id, u.created_at, u.key,
      storage.get_common_prefix(u.key, COALESCE(raw_prefix_param, prefix_param), delimiter_param) AS folder
    FROM storage.s3_multipart_uploads AS u
    WHERE u.bucket_id = $1 AND u.key LIKE prefix_param || '%'
  ), entries AS (
    SELECT DISTINCT ON (entry_key, upload)
      COALESCE(u.folder, u.key) COLLATE "C" AS entry_key,
      CASE WHEN u.folder IS NULL THEN u.id END COLLATE "C" AS upload,
      u.folder IS NOT NULL AS is_folder, u.id, u.created_at
    FROM uploads AS u
    ORDER BY entry_key, upload, u.created_at, u.id COLLATE "C"
  )
  SELECT e.entry_key, e.id, e.created_at
  FROM entries AS e
  WHERE next_key_token = ''
    OR e.entry_key > next_key_token
    OR e.entry_key = next_key_token AND NOT e.is_folder AND next_upload_token <> '' AND COALESCE(
      (e.created_at, e.id COLLATE "C") > (
        SELECT m.created_at, m.id
        FROM storage.s3_multipart_uploads AS m
        WHERE m.bucket_id = $1 AND m.key = next_key_token AND m.id = next_upload_token
      ),
      true
    )
  ORDER BY e.entry_key, e.created_at, e.id COLLATE "C"
  LIMIT max_keys
$$;

RESET ROLE;
