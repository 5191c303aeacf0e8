import { randomUUID } from 'node:crypto';
import type { AuthContext } from '../context.js';
import { badRequest, internalError, unprocessable, validationFailed } from '../errors.js';
import { readMetadata } from '../saml/identity-provider.js';
import {
  findSsoDomains,
  findSsoProvider,
  findSsoProviderByEntity,
  insertSsoProvider,
  replaceSsoDomains,
  type SsoProvider,
  updateSsoProvider,
} from '../store/sso-providers.js';
import { fetchMetadata } from './fetch-metadata.js';
import { checkSsoProvider, type SsoProviderRequest } from './sso-provider-request.js';

/** POST /admin/sso/providers. Throws ApiError. */
export async function createSsoProvider(context: AuthContext, body: SsoProviderRequest): Promise<SsoProvider> {
  checkSsoProvider(body, { update: false });
  const metadata = await requestedMetadata(context, body);
  if (metadata === undefined) throw validationFailed('Either metadata_xml or metadata_url must be set');
  const [known] = await context.read(findSsoProviderByEntity(metadata.entityId));
  if (known !== undefined) {
    const message = `SAML Identity Provider with this EntityID (${metadata.entityId}) already exists`;
    throw unprocessable('saml_idp_already_exists', message);
  }
  await checkDomains(context, body.domains ?? [], undefined);
  const id = randomUUID();
  const now = context.now();
  await write(context, () =>
    context.write(
      ...insertSsoProvider(
        id,
        {
          id: randomUUID(),
          entity_id: metadata.entityId,
          metadata_xml: metadata.xml,
          metadata_url: orNull(body.metadata_url),
          attribute_mapping: body.attribute_mapping ?? {},
          name_id_format: orNull(body.name_id_format),
        },
        { resource_id: orNull(body.resource_id), ...(body.disabled === undefined ? {} : { disabled: body.disabled }) },
        now,
      ),
      ...replaceSsoDomains(id, body.domains ?? [], now),
    ),
  );
  return await reload(context, id);
}

/** PUT /admin/sso/providers/:id: what is missing stays. Throws ApiError. */
export async function changeSsoProvider(
  context: AuthContext,
  provider: SsoProvider,
  body: SsoProviderRequest,
): Promise<SsoProvider> {
  checkSsoProvider(body, { update: true });
  const metadata = await requestedMetadata(context, body);
  if (metadata !== undefined && metadata.entityId !== provider.saml.entity_id) {
    const expected = `expected '${provider.saml.entity_id}' but got '${metadata.entityId}'`;
    const message = `SAML Metadata can be updated only if the EntityID matches for the provider; ${expected}`;
    throw badRequest('saml_entity_id_mismatch', message);
  }
  await checkDomains(context, body.domains ?? [], provider.id);
  const now = context.now();
  const saml = {
    metadata_xml: metadata?.xml,
    metadata_url: body.metadata_url === undefined || body.metadata_url === '' ? undefined : body.metadata_url,
    attribute_mapping: body.attribute_mapping,
    name_id_format: body.name_id_format === undefined ? undefined : orNull(body.name_id_format),
  };
  const values = {
    resource_id: body.resource_id === undefined ? undefined : orNull(body.resource_id),
    disabled: body.disabled,
  };
  await write(context, () =>
    context.write(
      ...updateSsoProvider(provider.id, saml, values, now),
      ...(body.domains === undefined ? [] : replaceSsoDomains(provider.id, body.domains, now)),
    ),
  );
  return await reload(context, provider.id);
}

const orNull = (value: string | undefined) => (value === undefined || value === '' ? null : value);

async function reload(context: AuthContext, id: string): Promise<SsoProvider> {
  const [provider] = await context.read(findSsoProvider(id));
  if (provider === undefined) throw internalError('the SSO provider is gone');
  return provider;
}

/** Two requests may want the same domain, entity or name at once. */
async function write(context: AuthContext, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== '23505') throw error;
    context.log.info({ err: error }, 'an SSO provider conflicts with another');
    throw unprocessable('conflict', 'Updating SSO provider failed, likely due to a conflict. Try again?');
  }
}

async function checkDomains(context: AuthContext, domains: readonly string[], own: string | undefined): Promise<void> {
  const [known] = await context.read(findSsoDomains(domains));
  const taken = known.find(({ providerId }) => providerId !== own);
  if (taken === undefined) return;
  const message = `SSO Domain '${taken.domain}' is already assigned to an SSO identity provider (${taken.providerId})`;
  throw badRequest('sso_domain_already_exists', message);
}

async function requestedMetadata(
  context: AuthContext,
  { metadata_xml: xml = '', metadata_url: url = '' }: SsoProviderRequest,
): Promise<{ readonly entityId: string; readonly xml: string } | undefined> {
  if (xml === '' && url === '') return undefined;
  const text = xml === '' ? await fetchMetadata(context, url) : xml;
  const verdict = readMetadata(text);
  if (!verdict.valid) throw validationFailed(verdict.fault);
  return { entityId: verdict.entityId, xml: text };
}
