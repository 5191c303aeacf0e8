-- Realtime: a client's filters, checked when it subscribes and evaluated for each change.
-- Signatures and volatility are the official server's.

SET LOCAL ROLE supabase_realtime_admin;

-- A value of the WAL, which is text, as JSON. Text of a bytea stays as it is: JSON would escape it a second time.
CREATE OR REPLACE FUNCTION realtime."cast"(val text, type_ regtype) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  result jsonb;
BEGIN
  IF type_ = 'bytea'::regtype THEN
    RETURN to_jsonb(val);
  END IF;
  EXECUTE format('SELECT to_jsonb(%L::%s)', val, type_) INTO result;
  RETURN result;
END
$$;

CREATE OR REPLACE FUNCTION realtime.check_equality_op(
  op realtime.equality_op, type_ regtype, val_1 text, val_2 text, negate boolean
) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
  result boolean;
  condition text;
BEGIN
  IF op = 'is' THEN
    IF val_2 NOT IN ('null', 'true', 'false', 'unknown') THEN
      RAISE EXCEPTION 'the filter is takes null, true, false or unknown, not "%"', val_2;
    END IF;
    condition := format('%L::%s IS %s', val_1, type_, val_2);
  ELSE
    condition := format(
      '%L::%s %s (%L::%s%s)',
      val_1, type_,
      CASE op
        WHEN 'eq' THEN '=' WHEN 'neq' THEN '<>' WHEN 'lt' THEN '<' WHEN 'lte' THEN '<=' WHEN 'gt' THEN '>' WHEN 'gte' THEN '>='
        WHEN 'in' THEN '= ANY' WHEN 'like' THEN 'LIKE' WHEN 'ilike' THEN 'ILIKE' WHEN 'match' THEN '~' WHEN 'imatch' THEN '~*'
        WHEN 'isdistinct' THEN 'IS DISTINCT FROM'
      END,
      val_2, type_, CASE WHEN op = 'in' THEN '[]' END
    );
  END IF;
  EXECUTE 'SELECT ' || condition INTO result;
  RETURN CASE WHEN negate THEN NOT result ELSE result END;
END
$$;

CREATE OR REPLACE FUNCTION realtime.check_equality_op(op realtime.equality_op, type_ regtype, val_1 text, val_2 text)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN realtime.check_equality_op(op, type_, val_1, val_2, false);
END
$$;

-- A filter whose column is not in the record, or whose answer is NULL, hides the record.
CREATE OR REPLACE FUNCTION realtime.is_visible_through_filters(
  columns realtime.wal_column[], filters realtime.user_defined_filter[]
) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT COALESCE(cardinality(filters), 0) = 0 OR bool_and(
    CASE WHEN c.name IS NULL THEN false ELSE COALESCE(
      realtime.check_equality_op(
        f.op, COALESCE(c.type_oid::regtype, c.type_name::regtype), c.value #>> '{}', f.value, COALESCE(f.negate, false)
      ),
      false
    ) END
  )
  FROM unnest(filters) AS f
  LEFT JOIN unnest(columns) AS c ON c.name = f.column_name
$$;

-- Refuses at once what would otherwise fail for every change, and puts filters and columns in an order of their own,
-- so that the unique index finds two equal subscriptions.
CREATE OR REPLACE FUNCTION realtime.subscription_check_filters() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  filter realtime.user_defined_filter;
  selected text;
  column_type regtype;
  -- What the role of the claims may read, with the type of each column.
  readable CONSTANT jsonb := COALESCE(jsonb_object_agg(a.attname, a.atttypid), '{}')
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = NEW.entity AND a.attnum > 0 AND NOT a.attisdropped
      AND pg_catalog.has_column_privilege(NEW.claims ->> 'role', a.attrelid, a.attnum, 'SELECT');
BEGIN
  FOREACH filter IN ARRAY NEW.filters LOOP
    IF filter.column_name IS NULL OR NOT readable ? filter.column_name THEN
      RAISE EXCEPTION 'invalid column for filter %', filter.column_name;
    END IF;
    column_type := (readable ->> filter.column_name)::oid::regtype;

    IF filter.op = 'in' THEN
      IF COALESCE(jsonb_array_length(realtime.cast(filter.value, format('%s[]', column_type)::regtype)), 0) > 100 THEN
        RAISE EXCEPTION 'the filter in on % has more than 100 values', filter.column_name;
      END IF;
    ELSIF filter.op = 'is' THEN
      IF filter.value NOT IN ('null', 'true', 'false', 'unknown') THEN
        RAISE EXCEPTION 'the filter is takes null, true, false or unknown, not "%"', filter.value;
      ELSIF filter.value <> 'null' AND column_type <> 'boolean'::regtype THEN
        RAISE EXCEPTION 'the filter is.% needs a boolean column, and % is %', filter.value, filter.column_name, column_type;
      END IF;
    ELSE
      -- A trial with the very call that each change makes. It also finds a bad pattern, and a type without the operator.
      BEGIN
        PERFORM realtime.check_equality_op(filter.op, column_type, filter.value, filter.value, false);
      EXCEPTION WHEN OTHERS THEN
        RAISE EXCEPTION 'the filter % cannot be used on column % of type %: %',
          filter.op, filter.column_name, column_type, SQLERRM;
      END;
    END IF;
  END LOOP;

  FOREACH selected IN ARRAY COALESCE(NEW.selected_columns, '{}') LOOP
    IF selected IS NULL OR NOT readable ? selected THEN
      RAISE EXCEPTION 'invalid column for select %', selected;
    END IF;
  END LOOP;

  NEW.filters := ARRAY(
    SELECT f FROM unnest(NEW.filters) AS f ORDER BY f.column_name, f.op, f.value, f.negate
  );
  -- No columns at all means the primary key only; NULL means every column.
  IF NEW.selected_columns IS NOT NULL THEN
    NEW.selected_columns := ARRAY(SELECT c FROM unnest(NEW.selected_columns) AS c ORDER BY c);
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER tr_check_filters BEFORE INSERT OR UPDATE ON realtime.subscription
  FOR EACH ROW EXECUTE FUNCTION realtime.subscription_check_filters();

RESET ROLE;
