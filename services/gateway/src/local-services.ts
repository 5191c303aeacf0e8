import { constants } from 'node:zlib';
import compress from '@fastify/compress';
import { type AuthSettingsInput, auth } from '@holdfast/auth';
import { createService } from '@holdfast/http';
import { type KeyMaterial, verificationJwks } from '@holdfast/keys';
import type { Database } from '@holdfast/postgres';
import { defaultSettings, type RestSettings, rest, restState } from '@holdfast/rest';
import type { FastifyInstance } from 'fastify';
import type { Backend } from './backend.js';
import type { ApiConfiguration } from './configuration.js';
import { createLocalBackend } from './local-backend.js';

/** Below this an answer is one packet anyway. */
const compressFrom = 1024;

async function createCompressedService(bodyLimit?: number): Promise<FastifyInstance> {
  const service = createService(bodyLimit === undefined ? {} : { bodyLimit });
  await service.register(compress, {
    threshold: compressFrom,
    encodings: ['gzip', 'br'],
    zlibOptions: { level: 4 },
    brotliOptions: { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } },
    // What is sent compressed is unpacked by no service here: a small body could become any size.
    globalDecompression: false,
  });
  return service;
}

/** The REST service. `keys`: what it checks tokens with; others need another service. */
export async function startRest(
  configuration: ApiConfiguration,
  database: Database,
  keys: string,
  signal: AbortSignal,
): Promise<Backend> {
  const { schemas, extraSearchPath, maxRows, readReplica, settings: further } = configuration.rest;
  const [first = 'public', ...others] = schemas;
  const settings: RestSettings = {
    ...defaultSettings,
    schemas: [first, ...others],
    anonymousRole: 'anon',
    extraSearchPath,
    maxRows,
    jwtSecret: keys,
    ...(further as Partial<RestSettings>),
  };
  const { bodyLimit } = configuration.gateway;
  const service = await createCompressedService(bodyLimit);
  await rest(service, {
    database,
    settings,
    signal,
    readReplica,
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
  });
  return await createLocalBackend(service, () => restState(service)?.ready() ?? false);
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
  const service = await createCompressedService();
  await service.register(auth, { database, keys, settings, signal });
  return await createLocalBackend(service, () => true);
}
