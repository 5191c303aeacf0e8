import type { IncomingHttpHeaders } from 'node:http';

/** Where a client's key was. */
export interface FoundKey {
  readonly key: string;
  readonly source: 'header' | 'query' | 'bearer';
}

export type KeySearch = FoundKey | 'none' | 'duplicate';

/**
 * The key of a request: the header `apikey`, then the query's parameter of that name, as Kong's key-auth plugin looks for them (Kong gateway, plugin key-auth,
 * `key_names: [apikey]`), then a Bearer token, for clients that send nothing else. Pure.
 */
export function findKey(headers: IncomingHttpHeaders, query: string): KeySearch {
  const { apikey } = headers;
  if (Array.isArray(apikey)) return 'duplicate';
  if (apikey !== undefined && apikey !== '') return { key: apikey, source: 'header' };
  if (query.includes('apikey=')) {
    const given = new URLSearchParams(query).getAll('apikey');
    if (given.length > 1) return 'duplicate';
    const [key] = given;
    if (key !== undefined && key !== '') return { key, source: 'query' };
  }
  const bearer = bearerOf(headers.authorization);
  return bearer === undefined ? 'none' : { key: bearer, source: 'bearer' };
}

/** RFC 6750, 2.1. Pure. */
export function bearerOf(authorization: string | undefined): string | undefined {
  const [, token] = /^bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
  return token;
}

/** The query without the key, which is no business of the service behind, and would be a filter to REST. Pure. */
export function withoutKey(query: string): string {
  return query
    .split('&')
    .filter((part) => !/^apikey(?:=|$)/.test(part))
    .join('&');
}
