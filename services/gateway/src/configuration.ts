import { z } from 'zod';
import { serviceNames } from './service-names.js';

const port = z.number().int().min(0).max(65_535);

/**
 * What the program is started with: a JSON file that only its account can read, since passwords are in it. The part `api` of packages/components writes it;
 * a test holds both together.
 */
export const apiConfiguration = z.strictObject({
  host: z.string(),
  port,
  database: z.strictObject({
    host: z.string(),
    readWritePort: port,
    /** Where replicas answer. */
    readOnlyPort: port,
    name: z.string(),
    authenticatorPassword: z.string(),
    authAdminPassword: z.string(),
    connectionsAtMost: z.number().int().positive().default(10),
    /** How long a request waits for a primary. */
    rideMilliseconds: z.number().int().positive().default(30_000),
  }),
  /** keys.json of `holdfast keys`; read again when it changes. */
  keysFile: z.string(),
  workers: z.number().int().min(1).max(64).default(1),
  /** Services that run elsewhere, or do not run at all; the others run in this process where this version has them. */
  services: z.partialRecord(z.enum(serviceNames), z.union([z.literal('off'), z.url()])).default({}),
  gateway: z
    .strictObject({
      keyless: z.boolean().default(false),
      allowedOrigins: z.array(z.string()).optional(),
      trustForwarded: z.boolean().default(false),
      bodyLimit: z.number().int().positive().optional(),
      rateLimit: z.strictObject({ perSecond: z.number().positive(), burst: z.number().int().positive() }).optional(),
      accessLog: z.enum(['all', 'errors', 'off']).default('errors'),
      drainMilliseconds: z.number().int().nonnegative().default(10_000),
      upstreamMilliseconds: z.number().int().positive().default(60_000),
    })
    .prefault({}),
  rest: z
    .strictObject({
      schemas: z.array(z.string()).min(1).default(['public', 'graphql_public']),
      extraSearchPath: z.array(z.string()).default(['public', 'extensions']),
      maxRows: z.number().int().positive().nullable().default(1000),
      readReplica: z.boolean().default(false),
      /** Further settings of the REST service, by its own names. */
      settings: z.record(z.string(), z.unknown()).default({}),
    })
    .prefault({}),
  /** Settings of the Auth service, by its own names; it checks them itself. */
  auth: z.record(z.string(), z.unknown()).default({}),
  /** A file whose one line is the password of the mail server. */
  mailPasswordFile: z.string().optional(),
});

export type ApiConfiguration = z.output<typeof apiConfiguration>;

/** Throws zod's error, or JSON's; neither says what was in the file but for the names of settings. */
export function parseApiConfiguration(text: string): ApiConfiguration {
  return apiConfiguration.parse(JSON.parse(text));
}
