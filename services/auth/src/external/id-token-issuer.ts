import { decodeJwt } from 'jose';
import type { AuthContext } from '../context.js';
import { type ApiError, badRequest, validationFailed } from '../errors.js';
import type { OutboundFetch } from '../outbound/outbound-fetch.js';
import { appleIssuer, defineProvider, facebookIssuer, googleIssuer } from '../providers/builtin-providers.js';
import { providerTools } from '../providers/resolve-provider.js';
import { findCustomProvider } from '../store/custom-providers.js';

export interface IdTokenRequest {
  readonly idToken: string;
  /** '' for none; so are the others. */
  readonly accessToken: string;
  readonly nonce: string;
  readonly provider: string;
  readonly clientId: string;
  readonly issuer: string;
}

/** By whose word, and for whom, an id token must have been made. */
export interface TrustedIssuer {
  /** As in identities.provider. */
  readonly provider: string;
  readonly issuer: string;
  readonly discoveryUrl?: string;
  readonly audiences: readonly string[];
  readonly skipNonceCheck: boolean;
  readonly emailOptional: boolean;
  readonly fetch: OutboundFetch;
}

const appleIssuers = [appleIssuer, 'https://account.apple.com'];
const azureIssuers = ['https://login.microsoftonline.com/', 'https://sts.windows.net/'];

/** The provider whose issuer that is, where the request names none. */
function providerOfIssuer(context: AuthContext, issuer: string): string {
  if (appleIssuers.includes(issuer)) return 'apple';
  if (issuer === googleIssuer) return 'google';
  if (issuer === facebookIssuer) return 'facebook';
  if (azureIssuers.some((prefix) => issuer.startsWith(prefix))) return 'azure';
  const known = Object.entries(context.settings.providers).find(([, { url }]) => url !== undefined && url === issuer);
  return known?.[0] ?? '';
}

/** Whom a request wants to be believed. Rejects with ApiError: 400 validation_failed, provider_disabled. */
export async function trustedIssuer(context: AuthContext, request: IdTokenRequest): Promise<TrustedIssuer> {
  const name = request.provider !== '' ? request.provider.toLowerCase() : providerOfIssuer(context, request.issuer);
  if (name.startsWith('custom:')) return await customIssuer(context, name);
  const settings = Object.hasOwn(context.settings.providers, name) ? context.settings.providers[name] : undefined;
  if (settings === undefined) return allowedIssuer(context, request);
  const issuer = issuerOf(name, settings.url, request);
  if (!settings.enabled) throw badRequest('provider_disabled', `Provider (issuer "${issuer}") is not enabled`);
  const bundle = name === 'apple' ? context.settings.idTokens.iosBundleId : undefined;
  return {
    provider: name,
    issuer,
    audiences: [...settings.clientIds, ...(bundle === undefined ? [] : [bundle])],
    // Facebook's tokens of Limited Login hold the nonce as it was given.
    skipNonceCheck: settings.skipNonceCheck || name === 'facebook',
    emailOptional: settings.emailOptional,
    fetch: providerTools(context).trusted,
  };
}

/** Apple has two issuers and Azure one a tenant: there the token says which, within bounds. */
function issuerOf(name: string, url: string | undefined, request: IdTokenRequest): string {
  if (name === 'apple' && url === undefined) {
    const detected = detectIssuer(request, 'Apple');
    if (!appleIssuers.includes(detected)) throw foreign('an Apple');
    return detected;
  }
  if (name === 'azure' && (url === undefined || url.startsWith('https://login.microsoftonline.com/'))) {
    const detected = detectIssuer(request, 'Azure');
    if (!azureIssuers.some((prefix) => detected.startsWith(prefix))) throw foreign('an Azure');
    const [, tenant] = /^https:\/\/login\.microsoftonline\.com\/([0-9a-f-]{36})\/?$/i.exec(url ?? '') ?? [];
    if (tenant !== undefined && !detected.includes(`/${tenant.toLowerCase()}/`)) throw foreign("this tenant's");
    return detected;
  }
  if (name === 'facebook') return url ?? facebookIssuer;
  const definition = defineProvider(name, {
    enabled: true,
    clientIds: [],
    secret: '',
    skipNonceCheck: false,
    emailOptional: false,
    ...(url === undefined ? {} : { url }),
  });
  if (definition?.kind !== 'oidc') throw validationFailed(`Custom OIDC provider "${name}" not allowed`);
  return definition.definition.issuer;
}

const foreign = (whose: string): ApiError =>
  validationFailed(`Detected ID token issuer is not ${whose} ID token issuer`);

/** Believed only to choose among issuers; the signature is checked later. */
function detectIssuer({ idToken, issuer: given }: IdTokenRequest, name: string): string {
  let issuer: string | undefined;
  try {
    issuer = decodeJwt(idToken).iss;
  } catch {
    issuer = undefined;
  }
  if (issuer === undefined) throw validationFailed(`Unable to detect issuer in ID token for ${name} provider`);
  if (given !== '' && given !== issuer) throw validationFailed('Provided issuer does not match ID token issuer');
  return issuer;
}

async function customIssuer(context: AuthContext, name: string): Promise<TrustedIssuer> {
  if (!context.settings.customProviders.enabled) throw validationFailed('Custom OAuth providers are disabled');
  const [row] = await context.read(findCustomProvider(name));
  if (row === undefined) throw validationFailed(`Custom provider "${name}" not found`);
  if (!row.enabled) throw badRequest('provider_disabled', `Custom provider "${name}" is disabled`);
  if (row.provider_type !== 'oidc') throw validationFailed(`Provider "${name}" is not an OIDC provider`);
  if (row.issuer === null) throw validationFailed(`OIDC provider "${name}" missing issuer`);
  return {
    provider: name,
    issuer: row.issuer,
    ...(row.discovery_url === null || row.discovery_url === '' ? {} : { discoveryUrl: row.discovery_url }),
    audiences: [row.client_id, ...row.acceptable_client_ids],
    skipNonceCheck: row.skip_nonce_check,
    emailOptional: row.email_optional,
    fetch: providerTools(context).untrusted,
  };
}

/** An issuer that the operator allows whatever the audience; the caller says which that is. */
function allowedIssuer(context: AuthContext, { provider, issuer, clientId }: IdTokenRequest): TrustedIssuer {
  if (issuer === '' || !context.settings.idTokens.allowedIssuers.includes(issuer)) {
    throw validationFailed(`Custom OIDC provider "${provider}" not allowed`);
  }
  return {
    provider: issuer,
    issuer,
    audiences: [clientId],
    skipNonceCheck: false,
    emailOptional: false,
    fetch: providerTools(context).trusted,
  };
}
