import type { AuthContext } from '../context.js';
import { internalError } from '../errors.js';
import { fetchMetadata } from '../sso/fetch-metadata.js';
import { type SsoProvider, updateSsoProvider } from '../store/sso-providers.js';
import { type IdentityProvider, readMetadata } from './identity-provider.js';

/** How long metadata from a URL are used before they are fetched again. Milliseconds; GoTrue's day. */
const freshness = 24 * 3600 * 1000;

/** A provider's metadata, fetched anew where they came from a URL and are old: providers change their keys. Throws ApiError. */
export async function currentMetadata(context: AuthContext, provider: SsoProvider): Promise<IdentityProvider> {
  const stored = readMetadata(provider.saml.metadata_xml);
  const now = context.now().getTime();
  const isOver = ({ validUntil }: IdentityProvider) => validUntil !== undefined && validUntil.getTime() < now;
  const old = !(now - Date.parse(provider.updated_at ?? '') < freshness) || (stored.valid && isOver(stored));
  const fresh = provider.saml.metadata_url !== null && old ? await refresh(context, provider) : undefined;
  const current = fresh ?? (stored.valid ? stored : undefined);
  if (current === undefined) throw internalError(`The SAML metadata of ${provider.saml.entity_id} cannot be read`);
  // The keys may be ones that the provider has withdrawn.
  if (isOver(current)) throw internalError(`The SAML metadata of ${current.entityId} are no longer valid`);
  return current;
}

async function refresh(context: AuthContext, provider: SsoProvider): Promise<IdentityProvider | undefined> {
  try {
    const xml = await fetchMetadata(context, provider.saml.metadata_url ?? '');
    const read = readMetadata(xml);
    if (!read.valid) throw new Error(read.fault);
    if (read.entityId !== provider.saml.entity_id) throw new Error(`they are of ${read.entityId}`);
    await context.write(...updateSsoProvider(provider.id, { metadata_xml: xml }, {}, context.now()));
    return read;
  } catch (error) {
    context.log.warn({ err: error }, `the SAML metadata of ${provider.saml.entity_id} cannot be fetched again`);
    return undefined;
  }
}
