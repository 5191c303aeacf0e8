-- JSON Web Tokens in SQL, with the names and signatures of the extension pgjwt, which Debian does not have (RFC 7515, RFC 7519; HS256,
-- HS384, HS512). Left alone where the extension itself is there.

DO $do$
BEGIN
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pgjwt') THEN
    RETURN;
  END IF;

  CREATE OR REPLACE FUNCTION extensions.url_encode(data bytea) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    SELECT translate(encode(data, 'base64'), E'+/=\n', '-_')
  $f$;

  CREATE OR REPLACE FUNCTION extensions.url_decode(data text) RETURNS bytea
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $f$
    SELECT decode(rpad(translate(data, '-_', '+/'), (length(data) + 3) / 4 * 4, '='), 'base64')
  $f$;

  CREATE OR REPLACE FUNCTION extensions.algorithm_sign(signables text, secret text, algorithm text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$
    SELECT extensions.url_encode(extensions.hmac(signables, secret, CASE algorithm
      WHEN 'HS256' THEN 'sha256'
      WHEN 'HS384' THEN 'sha384'
      WHEN 'HS512' THEN 'sha512'
      -- hmac() refuses what it does not know.
      ELSE algorithm
    END))
  $f$;

  CREATE OR REPLACE FUNCTION extensions.sign(payload json, secret text, algorithm text DEFAULT 'HS256') RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$
    SELECT signables || '.' || extensions.algorithm_sign(signables, secret, algorithm)
    FROM (
      SELECT extensions.url_encode(convert_to(format('{"alg":"%s","typ":"JWT"}', algorithm), 'utf8'))
        || '.' || extensions.url_encode(convert_to(payload::text, 'utf8')) AS signables
    ) AS token
  $f$;

  CREATE OR REPLACE FUNCTION extensions.try_cast_double(inp text) RETURNS double precision
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $f$
  BEGIN
    RETURN inp::double precision;
  EXCEPTION WHEN data_exception THEN
    RETURN NULL;
  END
  $f$;

  -- The algorithm is the caller's, not the token's: otherwise whoever made the token would choose it.
  CREATE OR REPLACE FUNCTION extensions.verify(token text, secret text, algorithm text DEFAULT 'HS256')
    RETURNS TABLE (header json, payload json, valid boolean)
  LANGUAGE sql STABLE PARALLEL SAFE AS $f$
    SELECT
      convert_from(extensions.url_decode(parts[1]), 'utf8')::json,
      convert_from(extensions.url_decode(parts[2]), 'utf8')::json,
      parts[3] = extensions.algorithm_sign(parts[1] || '.' || parts[2], secret, algorithm)
        AND tstzrange(
          to_timestamp(extensions.try_cast_double(convert_from(extensions.url_decode(parts[2]), 'utf8')::json ->> 'nbf')),
          to_timestamp(extensions.try_cast_double(convert_from(extensions.url_decode(parts[2]), 'utf8')::json ->> 'exp'))
        ) @> CURRENT_TIMESTAMP
    FROM regexp_split_to_array(token, '\.') AS parts
  $f$;
END
$do$;

-- Of all that is in the schema by now.
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA extensions TO dashboard_user;
