-- Storage: the searches of the dashboard and of storage-js, with the official server's signatures and results.

SET LOCAL ROLE supabase_storage_admin;

-- Names without regard to case, relative to the prefix; folders first where the order is by a time.
-- levels has no effect any more: the prefix says how deep the list lies.
CREATE OR REPLACE FUNCTION storage.search(
  prefix text,
  bucketname text,
  limits integer DEFAULT 100,
  levels integer DEFAULT 1,
  offsets integer DEFAULT 0,
  search text DEFAULT '',
  sortcolumn text DEFAULT 'name',
  sortorder text DEFAULT 'asc',
  noncurrent_versions text DEFAULT 'exclude',
  delete_markers text DEFAULT 'exclude'
) RETURNS TABLE (
  name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz, metadata jsonb,
  version text, archived_at timestamptz, is_delete_marker boolean, is_versioned boolean
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  page CONSTANT integer := LEAST(COALESCE(limits, 100), 1500);
  skip CONSTANT integer := GREATEST(COALESCE(offsets, 0), 0);
  term CONSTANT text := COALESCE(prefix, '') || COALESCE(search, '');
  relative CONSTANT integer := length(COALESCE(prefix, '')) + 1;
  descending CONSTANT boolean := lower(COALESCE(sortorder, 'asc')) <> 'asc';
  sort_by CONSTANT text := lower(sortcolumn);
BEGIN
  noncurrent_versions := COALESCE(noncurrent_versions, 'exclude');
  delete_markers := COALESCE(delete_markers, 'exclude');

  IF (sort_by IN ('updated_at', 'created_at', 'last_accessed_at')) IS NOT TRUE THEN
    RETURN QUERY
      SELECT substr(CASE WHEN s.id IS NULL THEN rtrim(s.name, '/') ELSE s.name END, relative),
        s.id, s.updated_at, s.created_at, s.last_accessed_at, s.metadata,
        s.version, s.archived_at, s.is_delete_marker, s.is_versioned
      FROM storage.scan_objects(
        bucketname, term, '/', page + skip, descending, true, noncurrent_versions, delete_markers
      ) AS s
      OFFSET skip;
    RETURN;
  END IF;

  RETURN QUERY
    WITH found AS (
      SELECT o.*, storage.get_common_prefix(o.name, term, '/') AS folder
      FROM storage.objects AS o
      WHERE o.bucket_id = bucketname AND lower(o.name) COLLATE "C" ^@ lower(term)
        AND storage.is_listed(o.archived_at, o.is_delete_marker, noncurrent_versions, delete_markers)
    ), entries AS (
      SELECT DISTINCT rtrim(f.folder, '/') AS name, NULL::uuid AS id, NULL::timestamptz AS updated_at,
        NULL::timestamptz AS created_at, NULL::timestamptz AS last_accessed_at, NULL::jsonb AS metadata, NULL AS version,
        NULL::timestamptz AS archived_at, NULL::boolean AS is_delete_marker, NULL::boolean AS is_versioned,
        NULL::timestamptz AS sort_at
      FROM found AS f
      WHERE f.folder IS NOT NULL
      UNION ALL
      SELECT f.name, f.id, f.updated_at, f.created_at, f.last_accessed_at, f.metadata, f.version,
        f.archived_at, f.is_delete_marker, f.is_versioned,
        CASE sort_by WHEN 'updated_at' THEN f.updated_at WHEN 'created_at' THEN f.created_at ELSE f.last_accessed_at END
      FROM found AS f
      WHERE f.folder IS NULL
    )
    SELECT substr(e.name, relative), e.id, e.updated_at, e.created_at, e.last_accessed_at, e.metadata,
      e.version, e.archived_at, e.is_delete_marker, e.is_versioned
    FROM entries AS e
    ORDER BY e.id IS NOT NULL,
      CASE WHEN NOT descending THEN e.sort_at END, CASE WHEN descending THEN e.sort_at END DESC,
      CASE WHEN NOT descending THEN e.name END COLLATE "C", CASE WHEN descending THEN e.name END COLLATE "C" DESC,
      CASE WHEN NOT descending THEN e.version END, CASE WHEN descending THEN e.version END DESC
    LIMIT page OFFSET skip;
END
$$;

-- A folder is as old as the oldest object in it.
CREATE OR REPLACE FUNCTION storage.search_by_timestamp(
  p_prefix text,
  p_bucket_id text,
  p_limit integer,
  p_level integer,
  p_start_after text,
  p_sort_order text,
  p_sort_column text,
  p_sort_column_after text,
  noncurrent_versions text DEFAULT 'exclude',
  delete_markers text DEFAULT 'exclude',
  p_start_after_version text DEFAULT ''
) RETURNS TABLE (
  key text, name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz, metadata jsonb,
  version text, archived_at timestamptz, is_delete_marker boolean, is_versioned boolean
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  prefix CONSTANT text := COALESCE(p_prefix, '');
  descending CONSTANT boolean := lower(p_sort_order) IS NOT DISTINCT FROM 'desc';
  by_creation CONSTANT boolean := lower(p_sort_column) IS NOT DISTINCT FROM 'created_at';
  by_version CONSTANT boolean := COALESCE(noncurrent_versions IN ('only', 'include'), false);
  after_at CONSTANT timestamptz :=
    date_trunc('milliseconds', COALESCE(NULLIF(p_sort_column_after, '')::timestamptz, 'epoch'));
  after_version CONSTANT text := CASE WHEN by_version THEN COALESCE(p_start_after_version, '') ELSE '' END;
BEGIN
  noncurrent_versions := COALESCE(noncurrent_versions, 'exclude');
  delete_markers := COALESCE(delete_markers, 'exclude');
  RETURN QUERY
    WITH found AS (
      SELECT o.*, storage.get_common_prefix(o.name, prefix, '/') AS folder
      FROM storage.objects AS o
      WHERE o.bucket_id = p_bucket_id AND o.name COLLATE "C" ^@ prefix
        AND storage.is_listed(o.archived_at, o.is_delete_marker, noncurrent_versions, delete_markers)
    ), entries AS (
      SELECT f.folder AS name, NULL::uuid AS id, min(f.created_at) AS updated_at, min(f.created_at) AS created_at,
        NULL::timestamptz AS last_accessed_at, NULL::jsonb AS metadata, NULL AS version,
        NULL::timestamptz AS archived_at, NULL::boolean AS is_delete_marker, NULL::boolean AS is_versioned
      FROM found AS f
      WHERE f.folder IS NOT NULL
      GROUP BY f.folder
      UNION ALL
      SELECT f.name, f.id, f.updated_at, f.created_at, f.last_accessed_at, f.metadata, f.version,
        f.archived_at, f.is_delete_marker, f.is_versioned
      FROM found AS f
      WHERE f.folder IS NULL
    ), sortable AS (
      SELECT e.*,
        COALESCE(date_trunc('milliseconds', CASE WHEN by_creation THEN e.created_at ELSE e.updated_at END), 'epoch') AS sort_at,
        COALESCE(e.version, '') AS sort_version
      FROM entries AS e
    )
    SELECT split_part(s.name, '/', p_level), s.name, s.id, s.updated_at, s.created_at, s.last_accessed_at, s.metadata,
      s.version, s.archived_at, s.is_delete_marker, s.is_versioned
    FROM sortable AS s
    WHERE COALESCE(p_start_after, '') = '' OR CASE
      WHEN descending THEN
        (s.sort_at, s.name COLLATE "C", CASE WHEN by_version THEN s.sort_version ELSE '' END)
          < (after_at, p_start_after, after_version)
      ELSE
        (s.sort_at, s.name COLLATE "C", CASE WHEN by_version THEN s.sort_version ELSE '' END)
          > (after_at, p_start_after, after_version)
    END
    ORDER BY
      CASE WHEN NOT descending THEN s.sort_at END, CASE WHEN descending THEN s.sort_at END DESC,
      CASE WHEN NOT descending THEN s.name END COLLATE "C", CASE WHEN descending THEN s.name END COLLATE "C" DESC,
      CASE WHEN NOT descending THEN s.sort_version END, CASE WHEN descending THEN s.sort_version END DESC
    LIMIT p_limit;
END
$$;

CREATE OR REPLACE FUNCTION storage.search_v2(
  prefix text,
  bucket_name text,
  limits integer DEFAULT 100,
  levels integer DEFAULT 1,
  start_after text DEFAULT '',
  sort_order text DEFAULT 'asc',
  sort_column text DEFAULT 'name',
  sort_column_after text DEFAULT '',
  noncurrent_versions text DEFAULT 'exclude',
  delete_markers text DEFAULT 'exclude',
  start_after_archived_at timestamptz DEFAULT NULL,
  start_after_version text DEFAULT '',
  start_after_is_continuation boolean DEFAULT false
) RETURNS TABLE (
  key text, name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz, metadata jsonb,
  version text, archived_at timestamptz, is_delete_marker boolean, is_versioned boolean
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  page CONSTANT integer := LEAST(COALESCE(limits, 100), 1500);
BEGIN
  IF lower(sort_column) IN ('updated_at', 'created_at') THEN
    RETURN QUERY SELECT * FROM storage.search_by_timestamp(
      prefix, bucket_name, page, levels, start_after, sort_order, sort_column, sort_column_after,
      noncurrent_versions, delete_markers, start_after_version
    );
    RETURN;
  END IF;
  RETURN QUERY
    SELECT split_part(l.name, '/', levels), l.name, l.id, l.updated_at, l.created_at, l.last_accessed_at, l.metadata,
      l.version, l.archived_at, l.is_delete_marker, l.is_versioned
    FROM storage.list_objects_with_delimiter(
      bucket_name, prefix, '/', page,
      CASE WHEN start_after_is_continuation THEN '' ELSE start_after END,
      CASE WHEN start_after_is_continuation THEN start_after ELSE '' END,
      CASE WHEN lower(sort_order) = 'desc' THEN 'desc' ELSE 'asc' END,
      noncurrent_versions, delete_markers, start_after_archived_at, start_after_version
    ) AS l;
END
$$;

RESET ROLE;
