import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { headerOf } from '../http/client-address.js';
import { queryValue } from '../http/parse-body.js';
import type { AuthSettings } from '../settings/schema.js';
import { compileGlob } from './glob.js';

export type RedirectSettings = Pick<AuthSettings, 'siteUrl' | 'redirectAllowList'>;

/** Where the user goes in the end: redirect_to (header, query or body), else the page that asked, each where it is allowed; else the site. */
export function resolveRedirect(request: FastifyRequest, settings: RedirectSettings): string {
  const candidates = [
    headerOf(request, 'redirect_to') || queryValue(request, 'redirect_to') || inBody(request),
    headerOf(request, 'referer'),
  ];
  return candidates.find((url) => isRedirectAllowed(url, settings)) ?? settings.siteUrl;
}

function inBody({ body }: FastifyRequest): string {
  const value = (body as { readonly redirect_to?: unknown } | null | undefined)?.redirect_to;
  return typeof value === 'string' ? value : '';
}

/** Compiled once a list. */
const compiled = new WeakMap<readonly string[], readonly RegExp[]>();

function patterns(list: readonly string[]): readonly RegExp[] {
  const known = compiled.get(list);
  if (known !== undefined) return known;
  const made = list.map((pattern) => compileGlob(pattern.trim())).filter((pattern) => pattern !== undefined);
  compiled.set(list, made);
  return made;
}

/**
 * Whether a link may lead there (supabase/auth, internal/utilities/request.go): to the site itself, or where the allow list says; never to a
 * number that stands for an address, nor to an address other than this machine's.
 */
export function isRedirectAllowed(url: string, settings: RedirectSettings): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: browsers strip them, so that the rest means another place
  if (url === '' || url.length > 4096 || /[\x00-\x20\x7f\\]/.test(url)) return false;
  const parts = splitUrl(url);
  if (parts !== undefined) {
    const site = splitUrl(settings.siteUrl);
    if (site !== undefined && site.scheme === parts.scheme && site.host === parts.host) {
      if (site.port === parts.port || isLoopback(parts.host)) return true;
    }
    if (/^(\d+|0x[\da-f]+)$/i.test(parts.host)) return false;
    if (isIP(parts.host) !== 0) {
      if (!isLoopback(parts.host)) return false;
    } else if (/^https?$/.test(parts.scheme) && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(parts.host)) {
      return false;
    }
  } else if (/^https?:/i.test(url)) {
    return false;
  }
  const [withoutFragment = ''] = url.split('#');
  return patterns(settings.redirectAllowList).some((pattern) => pattern.test(withoutFragment));
}

interface Parts {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
}

/** By hand: URL() rewrites hosts (`2130706433` becomes `127.0.0.1`) and knows no authority of applications' schemes. */
function splitUrl(url: string): Parts | undefined {
  const [, scheme, authority] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(url) ?? [];
  if (scheme === undefined || authority === undefined) return undefined;
  const [, host, port = ''] = /^(?:[^@]*@)?(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority) ?? [];
  if (host === undefined) return undefined;
  return { scheme: scheme.toLowerCase(), host: host.replace(/^\[(.*)\]$/, '$1').toLowerCase(), port };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
