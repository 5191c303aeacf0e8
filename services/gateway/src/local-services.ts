import { type AuthSettingsInput, auth } from '@holdfast/auth';
import { compressAnswers, createService, type LineLog } from '@holdfast/http';
import { type KeyMaterial, verificationJwks } from '@holdfast/keys';
import type { Database } from '@holdfast/postgres';
import { createRest, defaultSettings, type RestSettings } from '@holdfast/rest';
import type { Backend } from './backend.js';
import type { ApiConfiguration } from './configuration.js';
import { createLocalBackend } from './local-backend.js';

/** The REST service. `keys`: what it checks tokens with; others need another service. */
export function startRest(
  configuration: ApiConfiguration,
  database: Database,
  keys: string,
  signal: AbortSignal,
  log: LineLog,
): Backend {
  const { schemas, extraSearchPath, maxRows, readReplica, settings: further } = configuration.rest;
  const [first = 'public', ...others] = schemas;
  const settings: RestSettings = {
    ...defaultSettings,
    schemas: [first, ...others],
    anonymousRole: 'anon',
    extraSearchPath,
    maxRows,
    jwtSecret: keys,
    ...furtherSettings(further),
  };
  const { bodyLimit } = configuration.gateway;
  const service = createRest({
    database,
    settings,
    signal,
    readReplica,
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
    onFault: (what, error) =>
      log.event('rest', { what, reason: error instanceof Error ? error.message : String(error) }),
  });
  return {
    handle: service.handle,
    health: async () => (service.ready() ? 'ready' : 'starting'),
    [Symbol.asyncDispose]: service[Symbol.asyncDispose],
  };
}

/** JSON has no maps. */
function furtherSettings({ appSettings, ...others }: Readonly<Record<string, unknown>>): Partial<RestSettings> {
  const named = typeof appSettings === 'object' && appSettings !== null ? Object.entries(appSettings) : [];
  const settings = new Map(named.map(([name, value]) => [name, String(value)]));
  return { ...(others as Partial<RestSettings>), ...(settings.size === 0 ? {} : { appSettings: settings }) };
}

/** What REST checks tokens with: JWKS as JSON. Changes with the keys, and when a retired one ends. */
export function restKeys(keys: KeyMaterial, now: Date): string {
  return JSON.stringify(verificationJwks(keys, now));
}

export async function startAuth(
  settings: AuthSettingsInput,
  database: Database,
  keys: () => KeyMaterial,
  signal: AbortSignal,
): Promise<Backend> {
  const service = createService();
  compressAnswers(service);
  await service.register(auth, { database, keys, settings, signal });
  return await createLocalBackend(service, () => true);
}
