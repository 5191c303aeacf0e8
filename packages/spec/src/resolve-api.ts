import { isIP } from 'node:net';
import type { ApiSpec } from './api-spec.js';
import type { SpecFile } from './schema.js';
import { specDefaults } from './spec-defaults.js';

const defaults = specDefaults.api;
/** Where the two profiles differ. */
const profiles = {
  development: { confirmEmail: defaults.auth.confirmEmail, passwordLength: defaults.auth.passwordLength },
  production: { confirmEmail: true, passwordLength: 8 },
} as const;

/** Pure. */
export function resolveApi(file: SpecFile, host: string, port: number, supabase: boolean): ApiSpec {
  const api = file.api ?? {};
  const { auth = {}, rest = {}, profile = defaults.profile } = api;
  return {
    // Containers have no image for it yet.
    enabled: supabase && (file.runtime ?? specDefaults.runtime) === 'process' && (api.enabled ?? defaults.enabled),
    host,
    port,
    profile,
    siteUrl: api.siteUrl ?? defaults.siteUrl,
    externalUrl: (api.externalUrl ?? `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`).replace(/\/+$/, ''),
    redirectUrls: api.redirectUrls ?? [],
    workers: api.workers ?? defaults.workers,
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
