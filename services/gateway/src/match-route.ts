import type { ServiceName } from './service-names.js';

export interface Route {
  readonly service: ServiceName;
  /** `/rest/v1`; what the service does not see. */
  readonly prefix: string;
  /** The path behind it, with its slash. */
  readonly path: string;
  /** Who may come in: anybody, whoever has a key, or who has one of the role service_role. */
  readonly access: 'open' | 'key' | 'service key';
}

interface Prefix {
  readonly service: ServiceName;
  readonly prefix: string;
  readonly access: Route['access'];
  /** What is open of a service that otherwise wants a key. */
  readonly open?: (path: string) => boolean;
}

/** Browsers and other people's servers come here without a key (supabase/supabase, docker/volumes/api/kong.yml, `auth-v1-open`). */
const openAuthPaths = new Set([
  '/verify',
  '/callback',
  '/authorize',
  '/oauth/authorize',
  '/oauth/token',
  '/oauth/clients/register',
]);
const openAuthPrefixes = ['/.well-known/', '/sso/saml/'];

const prefixes: readonly Prefix[] = [
  { service: 'rest', prefix: '/rest/v1', access: 'key' },
  { service: 'auth', prefix: '/auth/v1', access: 'key', open: isOpenAuthPath },
  // These two look at keys and tokens themselves.
  { service: 'storage', prefix: '/storage/v1', access: 'open' },
  { service: 'functions', prefix: '/functions/v1', access: 'open' },
  { service: 'realtime', prefix: '/realtime/v1', access: 'key' },
  { service: 'graphql', prefix: '/graphql/v1', access: 'key' },
  { service: 'meta', prefix: '/pg', access: 'service key' },
];

/** The service that a path belongs to; undefined: none. `path` has no query. Pure. */
export function matchRoute(path: string): Route | undefined {
  for (const { service, prefix, access, open } of prefixes) {
    if (!path.startsWith(prefix)) continue;
    const rest = path.slice(prefix.length);
    if (rest !== '' && !rest.startsWith('/')) continue;
    const inner = rest === '' ? '/' : rest;
    return { service, prefix, path: inner, access: open?.(inner) === true ? 'open' : access };
  }
  return undefined;
}

function isOpenAuthPath(path: string): boolean {
  // What a service behind might read as another path is not open.
  if (/%|\/\.{1,2}(?:\/|$)|\/\/|\\/.test(path)) return false;
  return openAuthPaths.has(path) || openAuthPrefixes.some((prefix) => path.startsWith(prefix));
}
