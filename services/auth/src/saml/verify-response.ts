import { SignedXml } from 'xml-crypto';
import { attribute, children, is, parseXml } from './xml.js';

export interface VerifiedResponse {
  /** Of the whole answer, only where that was signed itself. */
  readonly response: { readonly element: Element; readonly signed: boolean };
  /** Read from the very bytes that the signature covers. */
  readonly assertion: Element;
}

export type ResponseVerdict =
  | ({ readonly valid: true } & VerifiedResponse)
  | { readonly valid: false; readonly fault: string };

/** SHA-1 is not among them, nor is anything keyed by a secret (XML Encryption and Signature, RFC 9231). */
const algorithms = {
  signatures: [
    'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
    'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1',
  ],
  hashes: ['http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2001/04/xmlenc#sha512'],
  /** SAML 2.0 Core, 5.4.4: no others. */
  transforms: ['http://www.w3.org/2001/10/xml-exc-c14n#', 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'],
};

/**
 * Which assertion of a response an identity provider signed. What is not below a signature by one of its keys is thrown away, and what is gets parsed
 * anew from the canonical bytes: an element that was moved, wrapped or copied is not seen at all. `certificates` are PEM, from the metadata; keys that the
 * message brings along count for nothing.
 */
export function verifyResponse(xml: string, certificates: readonly string[]): ResponseVerdict {
  const fault = (what: string): ResponseVerdict => ({ valid: false, fault: what });
  const root = parseXml(xml);
  if (root === undefined) return fault('the response is not well-formed XML');
  if (!is(root, 'protocol', 'Response')) return fault('the message is not a Response');
  if (children(root, 'assertion', 'EncryptedAssertion').length > 0)
    return fault('encrypted assertions are not supported');
  const [assertion, ...others] = Array.from(root.getElementsByTagNameNS('*', 'Assertion'));
  if (assertion === undefined || others.length > 0) return fault('the response does not contain exactly one assertion');
  if (assertion.parentNode !== root || !is(assertion, 'assertion', 'Assertion')) {
    return fault('the assertion is not where it belongs');
  }
  const ids = Array.from(root.getElementsByTagName('*')).map((element) => attribute(element, 'ID'));
  const known = [attribute(root, 'ID'), ...ids].filter((id) => id !== '');
  if (new Set(known).size !== known.length) return fault('two elements have the same ID');

  const signedResponse = verifyElement(xml, root, certificates);
  const signedAssertion = verifyElement(xml, assertion, certificates);
  if (signedResponse === 'bad' || signedAssertion === 'bad') return fault('a signature does not hold');
  if (signedResponse !== undefined) {
    const [inner] = children(signedResponse, 'assertion', 'Assertion');
    if (inner === undefined) return fault('the assertion is not signed');
    return { valid: true, response: { element: signedResponse, signed: true }, assertion: inner };
  }
  if (signedAssertion === undefined) return fault('neither the response nor the assertion is signed');
  return { valid: true, response: { element: root, signed: false }, assertion: signedAssertion };
}

/** The element as it was signed; undefined where it carries no signature. */
function verifyElement(xml: string, element: Element, certificates: readonly string[]): Element | undefined | 'bad' {
  const [signature, ...others] = children(element, 'signature', 'Signature');
  if (signature === undefined) return undefined;
  if (others.length > 0 || attribute(element, 'ID') === '') return 'bad';
  for (const certificate of certificates) {
    const signed = checkSignature(xml, signature, certificate, `#${attribute(element, 'ID')}`);
    const made = signed === undefined ? undefined : parseXml(signed);
    if (made === undefined) continue;
    const same = made.localName === element.localName && made.namespaceURI === element.namespaceURI;
    if (same && attribute(made, 'ID') === attribute(element, 'ID')) return made;
  }
  return 'bad';
}

/** The canonical bytes that were signed, where this one signature is by this key and over what `uri` names, and over nothing else. */
function checkSignature(xml: string, signature: Element, certificate: string, uri: string): string | undefined {
  const verifier = new SignedXml({ publicCert: certificate, getCertFromKeyInfo: () => null });
  verifier.idAttributes = ['ID'];
  verifier.SignatureAlgorithms = only(verifier.SignatureAlgorithms, algorithms.signatures);
  verifier.HashAlgorithms = only(verifier.HashAlgorithms, algorithms.hashes);
  verifier.CanonicalizationAlgorithms = only(verifier.CanonicalizationAlgorithms, algorithms.transforms);
  try {
    verifier.loadSignature(signature);
    if (!verifier.checkSignature(xml)) return undefined;
    const [reference, ...others] = verifier.getReferences();
    const [signed] = verifier.getSignedReferences();
    return reference?.uri === uri && others.length === 0 ? signed : undefined;
  } catch {
    return undefined;
  }
}

function only<T>(all: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}
