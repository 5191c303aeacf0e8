/** Characters; metadata with a few certificates has some ten thousand. */
const largestMetadata = 512 * 1024;

export type MetadataVerdict =
  | { readonly valid: true; readonly entityId: string }
  | { readonly valid: false; readonly fault: string };

/** What of an identity provider's metadata (SAML 2.0 Metadata, 2.3.2) is needed to keep it: whose it is, and that there is one role. */
export function judgeSamlMetadata(xml: string): MetadataVerdict {
  if (xml.length > largestMetadata) return { valid: false, fault: 'SAML Metadata XML is larger than 512 KiB' };
  const tags = startTags(xml);
  if (tags === undefined) return { valid: false, fault: 'SAML Metadata is not well-formed XML' };
  const entities = tags.filter(({ name }) => name === 'EntityDescriptor');
  const entityId = entities[0]?.attributes.get('entityID') ?? '';
  if (entities.length > 1) return { valid: false, fault: 'SAML Metadata contains multiple EntityDescriptors' };
  if (entityId === '') return { valid: false, fault: 'SAML Metadata does not contain an EntityID' };
  const roles = tags.filter(({ name }) => name === 'IDPSSODescriptor').length;
  if (roles < 1) return { valid: false, fault: 'SAML Metadata does not contain any IDPSSODescriptor' };
  if (roles > 1) return { valid: false, fault: 'SAML Metadata contains multiple IDPSSODescriptors' };
  return { valid: true, entityId };
}

interface StartTag {
  /** Without prefix. */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

const opening = /^<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*\/?>/;
const closing = /^<\/[A-Za-z_][\w.:-]*\s*>/;

/** All start tags in order; undefined where the text is no XML, or has a DOCTYPE, which may define entities without end. */
function startTags(xml: string): readonly StartTag[] | undefined {
  const tags: StartTag[] = [];
  let at = xml.indexOf('<');
  while (at >= 0) {
    const end = skipSpecial(xml, at);
    if (end === undefined) return undefined;
    if (end === at) {
      // Tags are short; a bounded slice keeps the expression from running over the whole text.
      const text = xml.slice(at, at + 16_384);
      const tag = opening.exec(text);
      const length = tag?.[0].length ?? closing.exec(text)?.[0].length;
      if (length === undefined) return undefined;
      if (tag !== null) tags.push({ name: tag[2] ?? '', attributes: readAttributes(tag[3] ?? '') });
      at = xml.indexOf('<', at + length);
    } else {
      at = xml.indexOf('<', end);
    }
  }
  return tags;
}

/** Where a comment, a CDATA section or an instruction ends; the same place where none is, undefined where it is not allowed or has no end. */
function skipSpecial(xml: string, at: number): number | undefined {
  const kinds = [
    ['<!--', '-->'],
    ['<![CDATA[', ']]>'],
    ['<?', '?>'],
  ] as const;
  for (const [start, stop] of kinds) {
    if (!xml.startsWith(start, at)) continue;
    const end = xml.indexOf(stop, at + start.length);
    return end < 0 ? undefined : end + stop.length;
  }
  return xml.startsWith('<!', at) ? undefined : at;
}

function readAttributes(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = '', double, single] of text.matchAll(/([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
    attributes.set(name, decodeEntities(double ?? single ?? ''));
  }
  return attributes;
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function decodeEntities(text: string): string {
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (whole, name: string) => entities[name] ?? whole);
}
