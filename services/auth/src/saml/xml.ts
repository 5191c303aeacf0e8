import { DOMParser } from '@xmldom/xmldom';

export const namespaces = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
} as const;

export type Namespace = keyof typeof namespaces;

/** Characters; responses have some ten thousand, and metadata with a few certificates as well. */
const largestDocument = 512 * 1024;

/** Elements within elements; those of SAML are a dozen deep. Canonicalization is recursive. */
const deepest = 100;

/**
 * The root of a document; undefined where it is not well-formed, too large or too deep, or has a document type: that may define entities without
 * end, or files and URLs to read.
 */
export function parseXml(text: string): Element | undefined {
  if (text.length > largestDocument || text.includes('<!DOCTYPE') || depthOf(text) > deepest) return undefined;
  const refuse = (message: unknown): never => {
    throw new Error(String(message));
  };
  try {
    const parser = new DOMParser({ errorHandler: { warning: refuse, error: refuse, fatalError: refuse } });
    const document = parser.parseFromString(text, 'text/xml');
    // Without an element there is no root, whatever the types say.
    const root = document.documentElement as Element | null;
    return document.doctype === null && root !== null ? root : undefined;
  } catch {
    return undefined;
  }
}

/** At least how deep elements lie, by the text alone, so that nothing deep is parsed at all. */
function depthOf(text: string): number {
  let [depth, most] = [0, 0];
  for (const [tag] of text.matchAll(/<[/\w][^<>]*>?/g)) {
    if (tag.startsWith('</')) depth -= 1;
    else if (!tag.endsWith('/>')) depth += 1;
    most = Math.max(most, depth);
  }
  return most;
}

/** Children, not descendants, of this name. */
export function children(parent: Element, namespace: Namespace, name: string): readonly Element[] {
  return Array.from(parent.childNodes).filter(
    (node): node is Element => node.nodeType === 1 && is(node as Element, namespace, name),
  );
}

export function is(element: Element, namespace: Namespace, name: string): boolean {
  return element.localName === name && element.namespaceURI === namespaces[namespace];
}

/** The text within, without comments and surrounding space. */
export function textIn(element: Element | undefined): string {
  return element?.textContent?.trim() ?? '';
}

/** '' where it is missing. */
export function attribute(element: Element | undefined, name: string): string {
  return element?.getAttribute(name) ?? '';
}

/** For text and attributes. */
export function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);
}
