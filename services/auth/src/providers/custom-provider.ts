import { fetchJson } from '../outbound/outbound-fetch.js';
import type { CustomProvider } from '../store/custom-providers.js';
import type { ProviderDefinition } from './builtin-providers.js';
import { isReservedParameter } from './external-provider.js';
import { ask } from './oauth2-provider.js';
import { genericUser } from './profiles/id-token.js';
import { recordOf } from './provider-user.js';

/** How a provider of auth.custom_oauth_providers is spoken to; undefined where its row lacks an endpoint. */
export function defineCustomProvider(row: CustomProvider): ProviderDefinition | undefined {
  const common = {
    name: row.identifier,
    clientId: row.client_id,
    clientSecret: row.client_secret,
    scopes: row.scopes,
    parameters: authorizationParameters(row.authorization_params),
    pkce: row.pkce_enabled,
    emailOptional: row.email_optional,
  };
  const mapClaims = (claims: Readonly<Record<string, unknown>>) => mapAttributes(claims, row.attribute_mapping);
  if (row.provider_type === 'oidc') {
    if (row.issuer === null) return undefined;
    const discovery = row.discovery_url === null || row.discovery_url === '' ? {} : { discoveryUrl: row.discovery_url };
    return {
      kind: 'oidc',
      definition: { ...common, ...discovery, issuer: row.issuer, nonce: !row.skip_nonce_check, mapClaims },
    };
  }
  const { authorization_url: authorizationUrl, token_url: tokenUrl, userinfo_url: userinfoUrl } = row;
  if (authorizationUrl === null || tokenUrl === null || userinfoUrl === null) return undefined;
  return {
    kind: 'oauth2',
    definition: {
      ...common,
      authorizationUrl,
      tokenUrl,
      profile: async (token, fetch, signal) =>
        genericUser(mapClaims(recordOf(await fetchJson(fetch, ...ask(userinfoUrl, token, signal))))),
    },
  };
}

function authorizationParameters(given: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(given)
      .filter(([name]) => !isReservedParameter(name))
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

/** A text names the claim that is taken; anything else is the value itself. `sub` cannot be a value: everybody would be the same person. */
export function mapAttributes(
  claims: Readonly<Record<string, unknown>>,
  mapping: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const mapped: Record<string, unknown> = { ...claims };
  for (const [target, source] of Object.entries(mapping)) {
    if (typeof source === 'string') {
      if (Object.hasOwn(claims, source)) mapped[target] = claims[source];
    } else if (target !== 'sub') {
      mapped[target] = source;
    }
  }
  return mapped;
}
