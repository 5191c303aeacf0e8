import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { badRequest } from '../errors.js';

/** A body that is no JSON, as the content type parser hands it on, so that the message is GoTrue's. */
export const unreadableBody = Symbol('a body that is no JSON');

/** Reads the body by a schema. 400 bad_json where it is no JSON object, or a value has the wrong type. */
export function parseBody<Schema extends z.ZodType>(request: FastifyRequest, schema: Schema): z.output<Schema> {
  const body = request.body ?? {};
  if (body === unreadableBody || typeof body !== 'object' || Array.isArray(body)) {
    throw badRequest('bad_json', 'Could not parse request body as JSON: an object is expected');
  }
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'the body' : issue.path.join('.');
  throw badRequest('bad_json', `Could not parse request body as JSON: ${where}: ${issue?.message ?? 'not valid'}`);
}

/** A text that may be missing or null, then ''. As in Go, null leaves the empty value. */
export const optionalString = z
  .string()
  .nullish()
  .transform((value) => value ?? '');

export const optionalBoolean = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

/** An object of anything; undefined where it is missing or null. */
export const optionalObject = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((value) => value ?? undefined);

/** The captcha's answer, and PKCE's challenge, which many bodies carry. */
export const securityFields = {
  gotrue_meta_security: z
    .looseObject({ captcha_token: optionalString })
    .nullish()
    .transform((value) => value ?? undefined),
};

export const pkceFields = { code_challenge: optionalString, code_challenge_method: optionalString };

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(value: string): boolean {
  return uuid.test(value);
}

/** The query's parameter; '' where it is missing. */
export function queryValue(request: FastifyRequest, name: string): string {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  if (Array.isArray(value)) return typeof value[0] === 'string' ? value[0] : '';
  return typeof value === 'string' ? value : '';
}

export function pathValue(request: FastifyRequest, name: string): string {
  const value = (request.params as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : '';
}
