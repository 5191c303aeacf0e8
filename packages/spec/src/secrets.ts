import { randomBytes } from 'node:crypto';

/** The secrets of a cluster, by name. Values live in one 0600 file or in Kubernetes Secrets, never in a plan. */
export const secretNames = [
  /** PostgreSQL's superuser `postgres`. */
  'postgres',
  /** Role `replicator`, used by standbys. */
  'replication',
  /** Role `rewinder`, used by pg_rewind. */
  'rewind',
  /** Patroni's REST API, for everything that changes something. */
  'patroni-api',
  /** HAProxy's statistics page and metrics. */
  'haproxy-stats',
  /** Role `pgbouncer`, which may only look up password verifiers. */
  'pgbouncer',
  /** User `holdfast` of PgBouncer's console: pauses and resumes it. */
  'pooler-admin',
  /** HAProxy, for marking servers up and down. */
  'haproxy-admin',
  /** What agents know each other by. */
  'agent',
  /** Role `authenticator`, which the API logs in as. */
  'authenticator',
  /** Roles of Supabase's services. */
  'supabase-admin',
  'supabase-auth-admin',
  'supabase-storage-admin',
  'supabase-functions-admin',
  'supabase-replication-admin',
  'supabase-read-only',
  'supabase-etl-admin',
  /** Role `holdfast_net`, which empties the queue of requests from SQL. */
  'net',
] as const;

export type SecretName = (typeof secretNames)[number];

/** A value that is known only by name until a runtime needs it. */
export interface SecretRef {
  readonly secret: SecretName;
}

/** Text with secrets in it: pieces in order. A plain string has none. */
export type Template = string | readonly (string | SecretRef)[];

export type Secrets = Readonly<Record<SecretName, string>>;

export function secret(name: SecretName): SecretRef {
  return { secret: name };
}

/** Puts the values in. The result is secret: never log it, never put it in argv. */
export function fillTemplate(template: Template, secrets: Secrets): string {
  if (typeof template === 'string') return template;
  return template.map((piece) => (typeof piece === 'string' ? piece : secrets[piece.secret])).join('');
}

/** For people and for git: `<secret:NAME>` in place of each value. */
export function redactTemplate(template: Template): string {
  if (typeof template === 'string') return template;
  return template.map((piece) => (typeof piece === 'string' ? piece : `<secret:${piece.secret}>`)).join('');
}

/** New values for all secrets, each from 36 random bytes. Not pure. */
export function generateSecrets(): Secrets {
  return Object.fromEntries(secretNames.map((name) => [name, generateSecret()])) as Secrets;
}

/** Letters, digits, hyphen and underscore, beginning with a letter: needs quotes nowhere and looks like no option. */
function generateSecret(): string {
  for (;;) {
    const value = randomBytes(36).toString('base64url');
    if (/^[A-Za-z]/.test(value)) return value;
  }
}
