const margin = 'the expected text still has the margins (`|`) of the Haskell source that it was taken from';
const version =
  "PostgREST hands on the version byte (\\x01) of PostgreSQL's binary jsonb before the JSON text; we do not";
const path = 'the case sends a path without its first slash, which no HTTP client can';

const custom = 'CustomMediaSpec > custom media types';

/** Cases of PostgREST's specification that fail here, by group, each with its reason. */
export const knownDifferences: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  base: {
    [`${custom} > Proc that returns scalar > can get raw output with Accept: text/html`]: margin,
    [`${custom} > using select query parameter > with columns in different order`]: margin,
    [`${custom} > using select query parameter > with computed columns`]: margin,
    [`${custom} > using select query parameter > with embedding`]: margin,
    [`${custom} > using select query parameter > with fewer columns selected`]: margin,
    [`${custom} > for tables with anyelement aggregate > will use the application/vnd.geo2+json media type for any table`]:
      version,
    [`${custom} > overriding > will override the application/geo+json handler for a single table`]: version,
    [`${custom} > Proc that returns rows and accepts custom media type > works if there's an anyelement aggregate defined`]:
      version,
    'QuerySpec > Filtering response > Full text search operator > tsvector columns > Use of the phraseto_tsquery function > works when the column type is a recursive tsvector domain':
      path,
    'QuerySpec > Filtering response > Full text search operator > tsvector columns > Use of the phraseto_tsquery function > works when the column type is a tsvector domain':
      path,
  },
};
