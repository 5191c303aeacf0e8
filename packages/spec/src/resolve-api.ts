import { isIP } from 'node:net';
import type { ApiSpec } from './api-spec.js';
import type { RuntimeKind } from './cluster-spec.js';
import { resolveKubernetes } from './resolve-kubernetes.js';
import type { SpecFile } from './schema.js';
import { specDefaults } from './spec-defaults.js';

const defaults = specDefaults.api;
/** Where the two profiles differ. */
const profiles = {
  development: { confirmEmail: defaults.auth.confirmEmail, passwordLength: defaults.auth.passwordLength },
  production: { confirmEmail: true, passwordLength: 8 },
} as const;

/** Pure. */
export function resolveApi(
  file: SpecFile,
  place: { readonly host: string; readonly port: number; readonly cores: number },
): ApiSpec {
  const { host, port } = place;
  const api = file.api ?? {};
  const { auth = {}, rest = {}, profile = defaults.profile } = api;
  return {
    enabled: apiEnabled(file),
    host,
    port,
    profile,
    siteUrl: api.siteUrl ?? defaults.siteUrl,
    externalUrl: (
      api.externalUrl ??
      kubernetesUrl(file, port) ??
      `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`
    ).replace(/\/+$/, ''),
    redirectUrls: api.redirectUrls ?? [],
    workers: api.workers ?? defaultWorkers(file.runtime ?? specDefaults.runtime, profile, place.cores),
    connections: api.connections ?? defaults.connections,
    rideMilliseconds: api.rideTimeout ?? defaults.rideMilliseconds,
    rateLimit: api.rateLimit,
    allowedOrigins: api.allowedOrigins?.length === 0 ? undefined : api.allowedOrigins,
    trustForwarded: api.trustForwarded ?? defaults.trustForwarded,
    accessLog: api.accessLog ?? defaults.accessLog,
    auth: {
      confirmEmail: auth.confirmEmail ?? profiles[profile].confirmEmail,
      anonymous: auth.anonymous ?? defaults.auth.anonymous,
      signUp: auth.signUp ?? defaults.auth.signUp,
      passwordLength: auth.passwordLength ?? profiles[profile].passwordLength,
      jwtExpirySeconds: auth.jwtExpiry === undefined ? defaults.auth.jwtExpirySeconds : auth.jwtExpiry / 1000,
      mail: auth.mail === undefined ? undefined : { ...auth.mail },
      settings: auth.settings ?? {},
    },
    rest: {
      schemas: rest.schemas ?? defaults.rest.schemas,
      extraSearchPath: rest.extraSearchPath ?? defaults.rest.extraSearchPath,
      maxRows: rest.maxRows ?? defaults.rest.maxRows,
      readReplica: rest.readReplica ?? defaults.rest.readReplica,
      settings: rest.settings ?? {},
    },
  };
}

/** By its Ingress, or else as pods reach it; undefined: it does not run there. */
function kubernetesUrl(file: SpecFile, port: number): string | undefined {
  if (!isInKubernetes(file)) return undefined;
  const { namespace, domain, ingress } = resolveKubernetes(file);
  return ingress?.api === undefined ? `http://api.${namespace}.svc.${domain}:${port}` : `https://${ingress.api}`;
}

/** Never without the database for Supabase. In Kubernetes the community chart brings the services, unless the file says that ours are wanted. */
export function apiEnabled(file: SpecFile): boolean {
  const isWanted = file.api?.enabled ?? (defaults.enabled && !isInKubernetes(file));
  return isWanted && (file.supabase?.enabled ?? specDefaults.supabase.enabled);
}

/** Also where only the members of such a cluster are looked at. */
function isInKubernetes({ runtime, kubernetes }: SpecFile): boolean {
  return runtime === 'kubernetes' || (runtime === 'docker' && kubernetes?.members === 'docker');
}

/**
 * One a core, as far as memory is spent on it with a reason: whoever develops is one person, whose mails must all be in one inbox, and Kubernetes
 * starts further pods by itself.
 */
function defaultWorkers(runtime: RuntimeKind, profile: ApiSpec['profile'], cores: number): number {
  if (profile === 'development' || runtime === 'kubernetes') return 1;
  return Math.min(defaults.workersAtMost, Math.max(1, Math.floor(cores)));
}
