import { X509Certificate } from 'node:crypto';
import { attribute, children, is, namespaces, parseXml, textIn } from './xml.js';

/** What of an identity provider's metadata is used. */
export interface IdentityProvider {
  readonly entityId: string;
  /** PEM; its signatures are by one of their keys. */
  readonly certificates: readonly string[];
  /** Where requests are sent by a redirect; undefined where it takes none. */
  readonly signInUrl: string | undefined;
  /** When these metadata are no longer to be used. */
  readonly validUntil: Date | undefined;
}

export type MetadataVerdict =
  | ({ readonly valid: true } & IdentityProvider)
  | { readonly valid: false; readonly fault: string };

const redirectBinding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';

/** Reads an identity provider's metadata (SAML 2.0 Metadata, 2.3.2, 2.4.3). Whether a certificate is expired does not matter: the key is what is known. */
export function readMetadata(xml: string): MetadataVerdict {
  const fault = (what: string): MetadataVerdict => ({ valid: false, fault: `SAML Metadata ${what}` });
  const root = parseXml(xml.trim().replace(/^\ufeff/, ''));
  if (root === undefined) return fault('is not well-formed XML of up to 512 KiB without a DOCTYPE');
  const entity = is(root, 'metadata', 'EntityDescriptor') ? root : undefined;
  const all = Array.from(root.getElementsByTagNameNS(namespaces.metadata, 'EntityDescriptor'));
  const [descriptor, ...others] = entity === undefined ? all : [entity, ...all];
  if (others.length > 0) return fault('contains multiple EntityDescriptors');
  const entityId = attribute(descriptor, 'entityID');
  if (descriptor === undefined || entityId === '') return fault('does not contain an EntityID');
  const [role, ...more] = children(descriptor, 'metadata', 'IDPSSODescriptor');
  if (role === undefined) return fault('does not contain any IDPSSODescriptor');
  if (more.length > 0) return fault('contains multiple IDPSSODescriptors');
  const certificates = readCertificates(role);
  if (certificates === undefined) return fault('contains a certificate that cannot be read');
  return {
    valid: true,
    entityId,
    certificates,
    signInUrl: children(role, 'metadata', 'SingleSignOnService')
      .filter((service) => attribute(service, 'Binding') === redirectBinding)
      .map((service) => attribute(service, 'Location'))
      .find((url) => /^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')),
    validUntil: readTime(attribute(descriptor, 'validUntil')),
  };
}

function readTime(text: string): Date | undefined {
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time);
}

/** Keys that are for encryption alone sign nothing. */
function readCertificates(role: Element): readonly string[] | undefined {
  const texts = children(role, 'metadata', 'KeyDescriptor')
    .filter((key) => attribute(key, 'use') !== 'encryption')
    .flatMap((key) => Array.from(key.getElementsByTagNameNS(namespaces.signature, 'X509Certificate')))
    .map((element) => textIn(element).replaceAll(/\s/g, ''));
  try {
    return texts.map((text) => new X509Certificate(Buffer.from(text, 'base64')).toString());
  } catch {
    return undefined;
  }
}
