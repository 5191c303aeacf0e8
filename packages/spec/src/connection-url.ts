import { isIP } from 'node:net';
import type { ClusterSpec } from './cluster-spec.js';
import { memberUnknown, poolerDisabled } from './errors.js';

/** `rw`: the primary; `ro`: replicas; `pooler`: PgBouncer; or one member, straight. */
export type UrlTarget = 'rw' | 'ro' | 'pooler' | { readonly member: string };

export interface UrlOptions {
  /** Default `postgres`. */
  readonly user?: string;
  /** Left out, the URL holds no secret. */
  readonly password?: string;
  /** Default `postgres`. */
  readonly database?: string;
  /** For example `{ application_name: 'app' }`. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/**
 * A PostgreSQL connection URI (https://www.postgresql.org/docs/15/libpq-connect.html, 34.1.1.2).
 * Errors: HF_SPEC_MEMBER_UNKNOWN, HF_SPEC_POOLER_DISABLED.
 */
export function connectionUrl(spec: ClusterSpec, target: UrlTarget, options: UrlOptions = {}): string {
  const { host, port } = endpoint(spec, target);
  const { user = 'postgres', password, database = 'postgres', parameters = {} } = options;
  const credentials = password === undefined ? encode(user) : `${encode(user)}:${encode(password)}`;
  const address = isIP(host) === 6 ? `[${host}]` : host;
  const query = Object.entries(parameters).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  const search = query.length === 0 ? '' : `?${query.join('&')}`;
  return `postgresql://${credentials}@${address}:${port}/${encode(database)}${search}`;
}

function endpoint(spec: ClusterSpec, target: UrlTarget): { readonly host: string; readonly port: number } {
  if (target === 'rw') return { host: spec.haproxy.host, port: spec.haproxy.readWritePort };
  if (target === 'ro') return { host: spec.haproxy.host, port: spec.haproxy.readOnlyPort };
  if (target === 'pooler') {
    if (!spec.pooler.enabled) throw poolerDisabled();
    return spec.pooler;
  }
  const member = spec.members.find(({ name }) => name === target.member);
  if (member !== undefined) return member;
  throw memberUnknown(
    target.member,
    spec.members.map(({ name }) => name),
  );
}

/** Also what encodeURIComponent leaves alone and a shell or a careless reader would not. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
