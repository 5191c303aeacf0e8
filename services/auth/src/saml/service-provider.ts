// @peculiar/x509 fails where it is not loaded before.
import 'reflect-metadata';
import { createPrivateKey, createPublicKey, randomBytes, sign, webcrypto } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { X509CertificateGenerator } from '@peculiar/x509';
import type { AuthSettings } from '../settings/schema.js';
import { escapeXml, namespaces } from './xml.js';

/** What identity providers know us by: as in GoTrue the entity id is the URL of the metadata. */
export function serviceUrls({ externalUrl }: Pick<AuthSettings, 'externalUrl'>) {
  const base = externalUrl.replace(/\/+$/, '');
  return { entityId: `${base}/sso/saml/metadata`, acsUrl: `${base}/sso/saml/acs` };
}

const postBinding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST';
const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const nameIdFormats = [
  persistent,
  'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
  'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
];

export interface SignInRequest {
  readonly id: string;
  /** Where the browser goes. */
  readonly url: string;
}

/** A request for somebody's sign-in (SAML 2.0 Core, 3.4.1) as a redirect (Bindings, 3.4.4), signed where we have a key. */
export function signInRequest(
  settings: AuthSettings,
  to: { readonly signInUrl: string; readonly nameIdFormat: string | null; readonly relayState: string },
  now: Date,
): SignInRequest {
  const { entityId, acsUrl } = serviceUrls(settings);
  const id = `id-${randomBytes(20).toString('hex')}`;
  const xml = `<samlp:AuthnRequest xmlns:samlp="${namespaces.protocol}" xmlns:saml="${namespaces.assertion}" ID="${id}" Version="2.0" \
IssueInstant="${now.toISOString()}" Destination="${escapeXml(to.signInUrl)}" AssertionConsumerServiceURL="${escapeXml(acsUrl)}" \
ProtocolBinding="${postBinding}"><saml:Issuer>${escapeXml(entityId)}</saml:Issuer>\
<samlp:NameIDPolicy Format="${escapeXml(to.nameIdFormat ?? persistent)}" AllowCreate="true"/></samlp:AuthnRequest>`;
  const request = deflateRawSync(Buffer.from(xml)).toString('base64');
  const unsigned = `SAMLRequest=${encodeURIComponent(request)}&RelayState=${encodeURIComponent(to.relayState)}`;
  const { privateKey } = settings.saml;
  const query = privateKey === undefined ? unsigned : signQuery(unsigned, privateKey);
  return { id, url: `${to.signInUrl}${to.signInUrl.includes('?') ? '&' : '?'}${query}` };
}

function signQuery(unsigned: string, privateKey: string): string {
  const query = `${unsigned}&SigAlg=${encodeURIComponent('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256')}`;
  const signature = sign('sha256', Buffer.from(query), privateKey).toString('base64');
  return `${query}&Signature=${encodeURIComponent(signature)}`;
}

/** Our own metadata (SAML 2.0 Metadata, 2.4.4). `validUntil` only where somebody keeps them as a file. */
export async function serviceMetadata(settings: AuthSettings, validUntil: Date | undefined): Promise<string> {
  const { entityId, acsUrl } = serviceUrls(settings);
  const { privateKey } = settings.saml;
  const certificate = privateKey === undefined ? undefined : await selfSigned(privateKey);
  const key =
    certificate === undefined
      ? ''
      : `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="${namespaces.signature}"><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`;
  const formats = nameIdFormats.map((format) => `<md:NameIDFormat>${format}</md:NameIDFormat>`).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="${namespaces.metadata}" entityID="${escapeXml(entityId)}"${validUntil === undefined ? '' : ` validUntil="${validUntil.toISOString()}"`}>\
<md:SPSSODescriptor AuthnRequestsSigned="${certificate !== undefined}" WantAssertionsSigned="true" protocolSupportEnumeration="${namespaces.protocol}">\
${key}${formats}<md:AssertionConsumerService Binding="${postBinding}" Location="${escapeXml(acsUrl)}" index="1" isDefault="true"/>\
</md:SPSSODescriptor></md:EntityDescriptor>
`;
}

/** Base64 of DER. Nothing in it depends on when it is made, so every process with the same key says the same. */
async function selfSigned(privateKey: string): Promise<string> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const key = createPrivateKey(privateKey);
  const { subtle } = webcrypto;
  const [secret, open] = await Promise.all([
    subtle.importKey('pkcs8', key.export({ format: 'der', type: 'pkcs8' }), algorithm, false, ['sign']),
    subtle.importKey('spki', createPublicKey(key).export({ format: 'der', type: 'spki' }), algorithm, true, ['verify']),
  ]);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: 'CN=Auth',
      notBefore: new Date('2020-01-01T00:00:00Z'),
      notAfter: new Date('2220-01-01T00:00:00Z'),
      signingAlgorithm: algorithm,
      keys: { privateKey: secret, publicKey: open },
    },
    webcrypto as unknown as Crypto,
  );
  return Buffer.from(certificate.rawData).toString('base64');
}
