import { putLimitNotAllowed, unacceptableSchema } from '../errors/request-errors.js';
import type { RestSettings } from '../settings.js';
import { type Body, parseBody } from './body.js';
import { type Preferences, parsePreferences } from './preferences.js';
import type { Query, RowRange } from './query.js';
import { parsePairs, type QueryPair } from './query-string.js';
import { allRows, intersectRanges, isAllRows, parseRangeHeader } from './row-range.js';
import { type Target, targetOf } from './target.js';

/** What came over HTTP. Header names are lower case; a header that came several times is joined by commas. */
export interface HttpRequest {
  readonly method: string;
  /** Begins with a slash, without the query string, as the client encoded it. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What is understood of a request without its body, though nothing of the database is known of it yet. */
export interface RequestHead {
  readonly target: Target;
  readonly schema: string;
  /** The schema, where the answer names it: there are several, or the client chose. */
  readonly profile: string | undefined;
  readonly query: Query;
  readonly preferences: Preferences;
  /** Without parameters. */
  readonly contentType: string;
  /** Rows of the root. */
  readonly range: RowRange;
}

export interface ApiRequest extends RequestHead {
  readonly body: Body | undefined;
}

/**
 * Throws PGRST100, 101, 103, 106, 114, 117 and 125.
 * @param pairs Of the query string.
 */
export function parseHead(
  http: HttpRequest,
  pairs: readonly QueryPair[],
  settings: RestSettings,
  timeZones: ReadonlySet<string>,
): RequestHead {
  const target = targetOf(http.method, http.path);
  const { schema, profile } = schemaOf(http, settings);
  const query = parsePairs(pairs, { arguments: target.kind === 'call' && target.method !== 'POST' });
  const preferences = parsePreferences(http.headers.prefer, {
    allowTransaction: settings.transactionEnd.endsWith('-allow-override'),
    timeZones: settings.timeZoneEnabled ? timeZones : undefined,
  });
  const contentType = mediaTypeOf(http.headers['content-type']);
  const wanted = query.ranges.find(({ path }) => path.length === 0)?.value ?? allRows;
  const header = http.method === 'GET' ? parseRangeHeader(http.headers.range) : undefined;
  const range = intersectRanges(wanted, header);
  if (target.kind === 'mutation' && target.method === 'PUT' && !isAllRows(range)) throw putLimitNotAllowed();
  return { target, schema, profile, query, preferences, contentType, range };
}

/** Undefined: this kind of request has none. Throws PGRST102. */
export function parseBodyOf({ target, query, contentType }: RequestHead, bytes: Buffer): Body | undefined {
  return hasBody(target) ? parseBody(bytes, bodyOptions(target, query, contentType)) : undefined;
}

function schemaOf(
  { method, headers }: HttpRequest,
  { schemas }: RestSettings,
): { readonly schema: string; readonly profile: string | undefined } {
  const writes = method === 'POST' || method === 'PATCH' || method === 'PUT' || method === 'DELETE';
  const raw = headers[writes ? 'content-profile' : 'accept-profile'];
  if (raw === undefined) return { schema: schemas[0], profile: schemas.length > 1 ? schemas[0] : undefined };
  // Node reads headers as latin1, names are UTF-8.
  const chosen = Buffer.from(raw, 'latin1').toString('utf8');
  if (!schemas.includes(chosen)) throw unacceptableSchema(chosen, schemas);
  return { schema: chosen, profile: chosen };
}

function hasBody(target: Target): boolean {
  if (target.kind === 'mutation') return target.method !== 'DELETE';
  return target.kind === 'call' && target.method === 'POST';
}

function bodyOptions(target: Target, query: Query, contentType: string): Parameters<typeof parseBody>[1] {
  const takesColumns = target.kind !== 'mutation' || target.method !== 'PUT';
  return {
    contentType,
    forRoutine: target.kind === 'call',
    hasColumns: takesColumns && query.columns !== undefined,
  };
}

/** The media type without its parameters, lower case; without one it is JSON. */
export function mediaTypeOf(header: string | undefined): string {
  if (header === undefined) return 'application/json';
  const semicolon = header.indexOf(';');
  const type = (semicolon < 0 ? header : header.slice(0, semicolon)).trim().toLowerCase();
  return type === '' || type === '*/*' ? 'application/json' : type;
}
