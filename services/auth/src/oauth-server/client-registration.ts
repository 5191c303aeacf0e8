import { z } from 'zod';
import { validationFailed } from '../errors.js';
import { judgeRedirectUri } from './judge-redirect-uri.js';

export type ClientType = 'public' | 'confidential';

const authMethods = ['none', 'client_secret_basic', 'client_secret_post'];
const grantTypes = ['authorization_code', 'refresh_token'];

const optionalList = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? undefined);
const optionalText = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);

/** RFC 7591, 2, as far as GoTrue knows it. */
export const registrationBody = z.object({
  redirect_uris: optionalList,
  client_type: optionalText,
  token_endpoint_auth_method: optionalText,
  grant_types: optionalList,
  client_name: optionalText,
  client_uri: optionalText,
  logo_uri: optionalText,
});

export type Registration = z.output<typeof registrationBody>;

/** Columns of a new client without its keys. Throws 400 validation_failed. */
export function planClient(
  body: Registration,
): Readonly<Record<string, unknown>> & { readonly client_type: ClientType } {
  checkCommon(body);
  if (body.redirect_uris === undefined || body.redirect_uris.length === 0) {
    throw validationFailed('redirect_uris is required');
  }
  const { client_type: type, token_endpoint_auth_method: method } = body;
  if (type !== undefined && type !== '' && type !== 'public' && type !== 'confidential') {
    throw validationFailed("client_type must be 'public' or 'confidential'");
  }
  const inferred = method === 'none' ? 'public' : 'confidential';
  if (type !== undefined && type !== '' && method !== undefined && method !== '' && type !== inferred) {
    throw validationFailed(
      `client_type '${type}' is inconsistent with token_endpoint_auth_method '${method}' (expected client_type '${inferred}')`,
    );
  }
  const clientType: ClientType = type === 'public' || type === 'confidential' ? type : inferred;
  const chosen = method === undefined || method === '' ? defaultMethod(clientType) : method;
  return {
    redirect_uris: body.redirect_uris,
    grant_types: body.grant_types === undefined || body.grant_types.length === 0 ? grantTypes : body.grant_types,
    client_type: clientType,
    token_endpoint_auth_method: chosen,
    client_name: orNull(body.client_name),
    client_uri: orNull(body.client_uri),
    logo_uri: orNull(body.logo_uri),
  };
}

/** Columns that an update changes. Throws 400 validation_failed. */
export function planClientUpdate(body: Registration, clientType: ClientType): Readonly<Record<string, unknown>> {
  const { client_type: _, ...given } = body;
  const changes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  if (Object.keys(changes).length === 0) throw validationFailed('No fields provided for update');
  checkCommon(body);
  if (body.redirect_uris?.length === 0) throw validationFailed('redirect_uris cannot be empty');
  if (body.grant_types?.length === 0) throw validationFailed('grant_types cannot be empty');
  const method = body.token_endpoint_auth_method;
  if (method !== undefined && (method === 'none') !== (clientType === 'public')) {
    throw validationFailed(`token_endpoint_auth_method '${method}' is not valid for client_type '${clientType}'`);
  }
  return changes;
}

function defaultMethod(type: ClientType): string {
  return type === 'public' ? 'none' : 'client_secret_basic';
}

const orNull = (value: string | undefined) => (value === undefined || value === '' ? null : value);

function checkCommon(body: Registration): void {
  if (body.redirect_uris !== undefined && body.redirect_uris.length > 10) {
    throw validationFailed('redirect_uris cannot exceed 10 items');
  }
  for (const uri of body.redirect_uris ?? []) {
    const fault = judgeRedirectUri(uri);
    if (fault !== undefined) throw validationFailed(`invalid redirect_uri '${uri.slice(0, 200)}': ${fault}`);
  }
  if (body.grant_types?.some((type) => !grantTypes.includes(type))) {
    throw validationFailed("grant_types must only contain 'authorization_code' and/or 'refresh_token'");
  }
  const method = body.token_endpoint_auth_method ?? '';
  if (method !== '' && !authMethods.includes(method)) {
    throw validationFailed(`token_endpoint_auth_method must be one of: [${authMethods.join(' ')}]`);
  }
  if ((body.client_name ?? '').length > 1024) throw validationFailed('client_name cannot exceed 1024 characters');
  for (const name of ['client_uri', 'logo_uri'] as const) {
    const uri = body[name] ?? '';
    if (uri.length > 2048) throw validationFailed(`${name} cannot exceed 2048 characters`);
    // They are shown as links and pictures to whoever is asked for consent.
    if (uri !== '' && !/^https?:\/\/[^\s\\]+$/i.test(uri)) throw validationFailed(`${name} must be a valid URL`);
  }
}
