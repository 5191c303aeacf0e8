import { isIP } from 'node:net';
import { type ClusterSpec, connectionUrl } from '@holdfast/spec';

/** Where Supabase's own gateway listens, for those who run that: KONG_HTTP_PORT of the self-hosted .env. */
export const gatewayPort = 8000;

export interface EnvironmentInput {
  readonly spec: ClusterSpec;
  /** PostgreSQL's, of the account `postgres`. */
  readonly password: string;
  /** Values, not ids. */
  readonly keys: {
    readonly anon: string;
    readonly serviceRole: string;
    readonly publishable: string;
    readonly secret: string;
    readonly jwtSecret: string;
  };
  /** `NEXT_PUBLIC_`: what browsers may know is there under these names too. */
  readonly prefix?: string;
}

/** What applications, templates and tools of Supabase read from their environment, by name. Secret as a whole. */
export function describeEnvironment(input: EnvironmentInput): Readonly<Record<string, string>> {
  return { ...templates(input), ...status(input), ...bootstrap(input), ...selfHosted(input), ...browser(input) };
}

/** What the guides and templates for Next.js, Edge Functions and Prisma (`DATABASE_URL`, `DIRECT_URL`) read. */
function templates({ spec, password, keys }: EnvironmentInput) {
  return {
    SUPABASE_URL: gatewayUrl(spec),
    SUPABASE_PUBLISHABLE_KEY: keys.publishable,
    SUPABASE_SECRET_KEY: keys.secret,
    SUPABASE_ANON_KEY: keys.anon,
    SUPABASE_SERVICE_ROLE_KEY: keys.serviceRole,
    SUPABASE_JWT_SECRET: keys.jwtSecret,
    SUPABASE_DB_URL: directUrl(spec, password),
    DATABASE_URL: pooledUrl(spec, password, { pgbouncer: 'true' }),
    DIRECT_URL: directUrl(spec, password),
  };
}

/** `supabase status -o env` (supabase/cli, internal/status/status.go); REST_URL and others are API_URL with a path. */
function status({ spec, password, keys }: EnvironmentInput) {
  return {
    API_URL: gatewayUrl(spec),
    DB_URL: directUrl(spec, password),
    PUBLISHABLE_KEY: keys.publishable,
    SECRET_KEY: keys.secret,
    JWT_SECRET: keys.jwtSecret,
    ANON_KEY: keys.anon,
    SERVICE_ROLE_KEY: keys.serviceRole,
  };
}

/** What `supabase bootstrap` writes into a template's .env (supabase/cli, internal/bootstrap/bootstrap.go). */
function bootstrap({ spec, password }: EnvironmentInput) {
  return {
    POSTGRES_URL: pooledUrl(spec, password),
    POSTGRES_PRISMA_URL: pooledUrl(spec, password, { pgbouncer: 'true' }),
    POSTGRES_URL_NON_POOLING: directUrl(spec, password),
    POSTGRES_USER: 'postgres',
    POSTGRES_DATABASE: 'postgres',
  };
}

/** The self-hosted .env (supabase/supabase, docker/.env.example), where it does not have the names above. */
function selfHosted({ spec, password }: EnvironmentInput) {
  return {
    SUPABASE_PUBLIC_URL: gatewayUrl(spec),
    API_EXTERNAL_URL: gatewayUrl(spec),
    POSTGRES_HOST: spec.haproxy.host,
    POSTGRES_PORT: String(spec.haproxy.readWritePort),
    POSTGRES_DB: 'postgres',
    POSTGRES_PASSWORD: password,
  };
}

/** No secret among them: bundlers put what has such a prefix into pages. */
function browser({ spec, keys, prefix }: EnvironmentInput): Readonly<Record<string, string>> {
  if (prefix === undefined) return {};
  return {
    [`${prefix}SUPABASE_URL`]: gatewayUrl(spec),
    [`${prefix}SUPABASE_PUBLISHABLE_KEY`]: keys.publishable,
    [`${prefix}SUPABASE_ANON_KEY`]: keys.anon,
  };
}

function gatewayUrl({ listen, api }: ClusterSpec): string {
  if (api.enabled) return api.externalUrl;
  return `http://${isIP(listen) === 6 ? `[${listen}]` : listen}:${gatewayPort}`;
}

function directUrl(spec: ClusterSpec, password: string): string {
  return connectionUrl(spec, 'rw', { password });
}

/** `pgbouncer=true` makes Prisma do without prepared statements; psql refuses the name. Without a pooler: the direct URL. */
function pooledUrl(spec: ClusterSpec, password: string, parameters?: Readonly<Record<string, string>>): string {
  if (!spec.pooler.enabled) return directUrl(spec, password);
  return connectionUrl(spec, 'pooler', { password, ...(parameters === undefined ? {} : { parameters }) });
}
