import type { ClusterSpec, SecretName } from '@holdfast/spec';
import { secretObjects } from './layout.js';
import { chartSecretKeys, chartSecrets } from './supabase-secrets.js';

type Fields = Readonly<Record<string, unknown>>;
interface Variable {
  readonly name: string;
  readonly value?: string | number | boolean;
  readonly valueFrom?: Fields;
}

const databasePort = 5432;
const passwordVariable = 'HOLDFAST_DB_PASSWORD';

/**
 * Values for the community chart supabase-community/supabase-kubernetes 0.7: its own database off, every service at HAProxy's read-write
 * service, each with the role that is its own and that role's password, and every secret from a Secret of this cluster.
 *
 * Since 0.7.1 the chart's `environment` is lists of variables, which Helm replaces as a whole: so each list here is complete. The chart puts them
 * behind its own variables of the same container, and the last of a name is the one that counts. Pure.
 */
export function renderSupabaseValues(spec: ClusterSpec): Fields {
  const { haproxy, kubernetes } = spec;
  return {
    secret: {
      ...Object.fromEntries(
        Object.entries(chartSecretKeys).map(([name, keys]) => [
          name,
          {
            secretRef: chartSecrets[name as keyof typeof chartSecrets],
            secretRefKey: Object.fromEntries(keys.map((key) => [key, key])),
            ...Object.fromEntries(keys.map((key) => [key, ''])),
          },
        ]),
      ),
      db: {
        host: haproxy.host,
        port: String(databasePort),
        database: 'postgres',
        password: '',
        secretRef: chartSecrets.db,
        secretRefKey: { password: 'password' },
      },
    },
    deployment: {
      db: { enabled: false },
      // They would need a database of their own and keep it busy; Holdfast's logs and metrics are where Kubernetes has them.
      analytics: { enabled: false },
      vector: { enabled: false },
      minio: { enabled: false },
    },
    environment: environment(spec),
    persistence: {
      db: { enabled: false },
      pgsodium: { enabled: false },
      minio: { enabled: false },
      ...(kubernetes.storageClass === undefined
        ? {}
        : Object.fromEntries(
            ['functions', 'imgproxy', 'snippets', 'storage', 'deno'].map((name) => [
              name,
              { storageClassName: kubernetes.storageClass },
            ]),
          )),
    },
    ingress: ingress(spec),
    serviceAccount: { db: { create: false }, analytics: { create: false }, vector: { create: false } },
  };
}

/** Where a browser finds the API. Without a host in the spec: the chart's own example, for a port that is forwarded by hand. */
function publicUrl({ kubernetes }: ClusterSpec): string {
  return kubernetes.ingress?.api === undefined ? 'http://localhost:8000' : `https://${kubernetes.ingress.api}`;
}

/** Where our API runs, its host leads there. */
function ingress({ kubernetes, api: ours }: ClusterSpec): Fields {
  const { api, className, tlsSecret, issuer } = kubernetes.ingress ?? {};
  if (api === undefined || ours.enabled) return { enabled: false };
  return {
    enabled: true,
    className: className ?? '',
    annotations: issuer === undefined ? {} : { 'cert-manager.io/cluster-issuer': issuer },
    tls: [{ secretName: tlsSecret, hosts: [api] }],
    hosts: [{ host: api, paths: [{ path: '/', pathType: 'Prefix' }] }],
  };
}

function environment(spec: ClusterSpec): Readonly<Record<string, readonly Variable[]>> {
  const url = publicUrl(spec);
  return {
    auth: [
      password('supabase-auth-admin'),
      {
        name: 'GOTRUE_DB_DATABASE_URL',
        value: databaseUrl(spec, 'supabase_auth_admin', '?search_path=auth&sslmode=disable'),
      },
      ...variables({
        API_EXTERNAL_URL: url,
        GOTRUE_API_HOST: '0.0.0.0',
        GOTRUE_API_PORT: '9999',
        GOTRUE_SITE_URL: url,
        GOTRUE_URI_ALLOW_LIST: '',
        GOTRUE_DISABLE_SIGNUP: 'false',
        GOTRUE_JWT_DEFAULT_GROUP_NAME: 'authenticated',
        GOTRUE_JWT_ADMIN_ROLES: 'service_role',
        GOTRUE_JWT_AUD: 'authenticated',
        GOTRUE_JWT_EXP: '3600',
        GOTRUE_EXTERNAL_EMAIL_ENABLED: 'true',
        // Whoever gives an address has to show that it is theirs: needs mail, below.
        GOTRUE_MAILER_AUTOCONFIRM: 'false',
        GOTRUE_EXTERNAL_ANONYMOUS_USERS_ENABLED: 'false',
        GOTRUE_SMTP_ADMIN_EMAIL: '',
        GOTRUE_SMTP_HOST: '',
        GOTRUE_SMTP_PORT: '587',
        GOTRUE_SMTP_SENDER_NAME: '',
        GOTRUE_EXTERNAL_PHONE_ENABLED: 'false',
        GOTRUE_SMS_AUTOCONFIRM: 'false',
        GOTRUE_MAILER_URLPATHS_INVITE: '/auth/v1/verify',
        GOTRUE_MAILER_URLPATHS_CONFIRMATION: '/auth/v1/verify',
        GOTRUE_MAILER_URLPATHS_RECOVERY: '/auth/v1/verify',
        GOTRUE_MAILER_URLPATHS_EMAIL_CHANGE: '/auth/v1/verify',
      }),
    ],
    rest: [
      password('authenticator'),
      { name: 'PGRST_DB_URI', value: databaseUrl(spec, 'authenticator', '?sslmode=disable') },
      ...variables({
        PGRST_DB_SCHEMAS: 'public,storage,graphql_public',
        PGRST_DB_ANON_ROLE: 'anon',
        PGRST_DB_USE_LEGACY_GUCS: false,
        PGRST_APP_SETTINGS_JWT_EXP: 3600,
      }),
    ],
    realtime: [
      secretVariable('DB_PASSWORD', 'supabase-admin'),
      ...variables({
        DB_USER: 'supabase_admin',
        DB_SSL: false,
        PORT: '4000',
        FLY_ALLOC_ID: 'fly123',
        FLY_APP_NAME: 'realtime',
        ENABLE_TAILSCALE: 'false',
        DB_AFTER_CONNECT_QUERY: 'SET search_path TO _realtime',
        ERL_AFLAGS: '-proto_dist inet_tcp',
        DNS_NODES: "''",
        RLIMIT_NOFILE: '10000',
        APP_NAME: 'realtime',
        SEED_SELF_HOST: true,
        RUN_JANITOR: true,
      }),
    ],
    storage: [
      password('supabase-storage-admin'),
      { name: 'DATABASE_URL', value: databaseUrl(spec, 'supabase_storage_admin', '?sslmode=disable') },
      ...variables({
        REQUEST_ALLOW_X_FORWARDED_PATH: 'true',
        FILE_SIZE_LIMIT: '52428800',
        FILE_STORAGE_BACKEND_PATH: '/var/lib/storage',
        TENANT_ID: 'stub',
        REGION: 'stub',
        GLOBAL_S3_BUCKET: 'stub',
        ENABLE_IMAGE_TRANSFORMATION: 'true',
      }),
    ],
    meta: [
      secretVariable('PG_META_DB_PASSWORD', 'supabase-admin'),
      ...variables({ PG_META_DB_USER: 'supabase_admin', DB_DRIVER: 'postgres', PG_META_PORT: '8080' }),
    ],
    functions: [
      password('supabase-functions-admin'),
      { name: 'SUPABASE_DB_URL', value: databaseUrl(spec, 'supabase_functions_admin', '?sslmode=disable') },
      ...variables({ VERIFY_JWT: true }),
    ],
    studio: [
      // Studio has one password for both of its roles.
      secretVariable('POSTGRES_PASSWORD', 'supabase-admin'),
      ...variables({
        POSTGRES_USER_READ_WRITE: 'supabase_admin',
        POSTGRES_USER_READ_ONLY: 'supabase_admin',
        HOSTNAME: '::',
        STUDIO_PORT: '3000',
        DEFAULT_ORGANIZATION_NAME: 'Default Organization',
        DEFAULT_PROJECT_NAME: 'Default Project',
        SUPABASE_PUBLIC_URL: url,
        NEXT_ANALYTICS_BACKEND_PROVIDER: 'postgres',
      }),
    ],
  };
}

/** Made of letters, digits, hyphens and underscores, so it needs no escapes in a URL. */
function databaseUrl({ haproxy }: ClusterSpec, role: string, query: string): string {
  return `postgres://${role}:$(${passwordVariable})@${haproxy.host}:${databasePort}/postgres${query}`;
}

function password(name: SecretName): Variable {
  return secretVariable(passwordVariable, name);
}

function secretVariable(name: string, secret: SecretName): Variable {
  return { name, valueFrom: { secretKeyRef: { name: secretObjects.cluster, key: secret } } };
}

function variables(values: Readonly<Record<string, string | number | boolean>>): readonly Variable[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}
