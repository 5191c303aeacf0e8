import { z } from 'zod';
import { validationFailed } from '../errors.js';
import { judgeUrl } from '../outbound/judge-address.js';
import { isReservedParameter } from './external-provider.js';

const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);

export const customProviderBody = z.object({
  provider_type: optional(z.string()),
  identifier: optional(z.string()),
  name: optional(z.string()),
  client_id: optional(z.string()),
  client_secret: optional(z.string()),
  acceptable_client_ids: optional(z.array(z.string())),
  scopes: optional(z.array(z.string())),
  pkce_enabled: optional(z.boolean()),
  attribute_mapping: optional(z.record(z.string(), z.unknown())),
  authorization_params: optional(z.record(z.string(), z.unknown())),
  enabled: optional(z.boolean()),
  email_optional: optional(z.boolean()),
  issuer: optional(z.string()),
  discovery_url: optional(z.string()),
  skip_nonce_check: optional(z.boolean()),
  authorization_url: optional(z.string()),
  token_url: optional(z.string()),
  userinfo_url: optional(z.string()),
  jwks_uri: optional(z.string()),
});

export type CustomProviderRequest = z.output<typeof customProviderBody>;

/** Names of providers that Auth has itself. */
const builtIn = new Set(
  (
    'apple azure bitbucket discord facebook figma fly github gitlab google kakao keycloak linkedin_oidc linkedin notion ' +
    'slack_oidc slack spotify twitch twitter workos x zoom'
  ).split(' '),
);

/** Fields of users that only Auth sets. */
const protectedFields = new Set(
  'id aud role app_metadata created_at updated_at confirmed_at email_confirmed_at phone_confirmed_at banned_until is_super_admin'.split(
    ' ',
  ),
);

const urlFields = {
  oidc: ['issuer', 'discovery_url'],
  oauth2: ['authorization_url', 'token_url', 'userinfo_url', 'jwks_uri'],
} as const;

type Type = keyof typeof urlFields;

/** Columns of a new provider. Throws 400 validation_failed. */
export function planProvider(
  body: CustomProviderRequest,
  allowInner: boolean,
): Readonly<Record<string, unknown>> & { readonly identifier: string } {
  const { provider_type: type } = body;
  if (type !== 'oauth2' && type !== 'oidc') throw validationFailed("provider_type must be either 'oauth2' or 'oidc'");
  const identifier = readIdentifier(body.identifier ?? '');
  const required = ['name', 'client_id', 'client_secret'] as const;
  for (const name of required) if ((body[name] ?? '') === '') throw validationFailed(`${name} is required`);
  if (type === 'oidc' && (body.issuer ?? '') === '') throw validationFailed('issuer is required for OIDC providers');
  for (const name of ['authorization_url', 'token_url', 'userinfo_url'] as const) {
    if (type === 'oauth2' && (body[name] ?? '') === '')
      throw validationFailed(`${name} is required for OAuth2 providers`);
  }
  return { provider_type: type, ...planCommon(body, type, allowInner), identifier };
}

/** Columns that an update changes; type and identifier stay. Throws 400 validation_failed. */
export function planProviderUpdate(
  body: CustomProviderRequest,
  type: Type,
  allowInner: boolean,
): Readonly<Record<string, unknown>> {
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== '')) as CustomProviderRequest;
  return planCommon(given, type, allowInner);
}

function readIdentifier(given: string): string {
  if (given === '') throw validationFailed('identifier is required');
  const identifier = given.startsWith('custom:') ? given : `custom:${given}`;
  const base = identifier.slice('custom:'.length);
  if (builtIn.has(base.toLowerCase())) {
    throw validationFailed(
      `Cannot use reserved provider name: ${base}. This provider is already built into Supabase Auth.`,
    );
  }
  if (!/^custom:[a-z0-9:-]{0,42}[a-z0-9]$/.test(identifier)) {
    throw validationFailed('identifier must consist of up to 50 small letters, digits, colons and hyphens');
  }
  return identifier;
}

function planCommon(body: CustomProviderRequest, type: Type, allowInner: boolean): Readonly<Record<string, unknown>> {
  if ((body.name ?? '').length > 100) throw validationFailed('name must be 100 characters or less');
  if ((body.client_id ?? '').length > 512) throw validationFailed('client_id must be 512 characters or less');
  const reserved = Object.keys(body.authorization_params ?? {}).find(isReservedParameter);
  if (reserved !== undefined) throw validationFailed(`Cannot override reserved OAuth parameter: ${reserved}`);
  const target = Object.keys(body.attribute_mapping ?? {}).find((name) => protectedFields.has(name));
  if (target !== undefined) throw validationFailed(`Cannot map to protected system field: ${target}`);
  const urls = Object.fromEntries(urlFields[type].map((name) => [name, body[name] === '' ? undefined : body[name]]));
  for (const [name, url] of Object.entries(urls)) {
    const fault = url === undefined ? undefined : judgeUrl(url, 'stranger', allowInner);
    if (fault !== undefined) throw validationFailed(`${name}: ${fault}`);
  }
  const scopes =
    type === 'oidc' && body.scopes?.includes('openid') === false ? ['openid', ...body.scopes] : body.scopes;
  const values = {
    name: body.name,
    client_id: body.client_id,
    client_secret: body.client_secret,
    acceptable_client_ids: body.acceptable_client_ids,
    scopes,
    pkce_enabled: body.pkce_enabled,
    attribute_mapping: body.attribute_mapping,
    authorization_params: body.authorization_params,
    enabled: body.enabled,
    email_optional: body.email_optional,
    skip_nonce_check: type === 'oidc' ? body.skip_nonce_check : undefined,
    ...urls,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
