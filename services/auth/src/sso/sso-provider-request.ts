import { z } from 'zod';
import { validationFailed } from '../errors.js';

const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);

export const ssoProviderBody = z.object({
  type: optional(z.string()),
  resource_id: optional(z.string()),
  disabled: optional(z.boolean()),
  metadata_url: optional(z.string()),
  metadata_xml: optional(z.string()),
  domains: optional(z.array(z.string())),
  attribute_mapping: optional(z.record(z.string(), z.unknown())),
  name_id_format: optional(z.string()),
});

export type SsoProviderRequest = z.output<typeof ssoProviderBody>;

/** SAML 2.0 Core, 8.3. */
const nameIdFormats = [
  'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
  'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
  'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
];

/** Throws 400 validation_failed where the request does not fit together. */
export function checkSsoProvider(body: SsoProviderRequest, options: { readonly update: boolean }): void {
  const [url, xml] = [body.metadata_url ?? '', body.metadata_xml ?? ''];
  if (!options.update && body.type !== 'saml') throw validationFailed("Only 'saml' supported for SSO provider type");
  if (url !== '' && xml !== '') throw validationFailed('Only one of metadata_xml or metadata_url needs to be set');
  if (!options.update && url === '' && xml === '') {
    throw validationFailed('Either metadata_xml or metadata_url must be set');
  }
  if (url !== '' && !URL.canParse(url)) throw validationFailed('metadata_url is not a valid URL');
  if (url !== '' && new URL(url).protocol !== 'https:') throw validationFailed('metadata_url is not a HTTPS URL');
  const format = body.name_id_format ?? '';
  if (format !== '' && !nameIdFormats.includes(format)) {
    throw validationFailed(`name_id_format must be unspecified or one of ${nameIdFormats.join(', ')}`);
  }
  for (const domain of body.domains ?? []) {
    if (!/^[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?$/i.test(domain)) {
      throw validationFailed(`SSO Domain '${domain.slice(0, 100)}' is not a domain`);
    }
  }
}
