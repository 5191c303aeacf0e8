import { anyType, type MediaType, parseMediaType } from './media-type.js';

/** More than any client sends; the rest is not read. */
const mostTypes = 64;

/**
 * The types of an Accept header, what the client likes best first: by quality, then the more specific (more parameters, fewer stars), then as written
 * (RFC 9110, 12.5.1). Without a header anything is welcome.
 */
export function parseAccept(header: string | undefined): readonly MediaType[] {
  if (header === undefined) return [{ kind: 'plain', name: anyType }];
  return header
    .split(',', mostTypes)
    .map(readRange)
    .sort((left, right) => right.quality - left.quality || right.specificity - left.specificity)
    .map(({ text }) => parseMediaType(text));
}

function readRange(range: string): {
  readonly text: string;
  readonly quality: number;
  readonly specificity: number;
} {
  const parts = range.split(';').map((part) => part.trim());
  const at = parts.findIndex((part) => /^q\s*=/i.test(part));
  const text = (at === -1 ? parts : parts.slice(0, at)).join(';');
  const quality = at === -1 ? 1 : Number(parts[at]?.replace(/^q\s*=\s*/i, ''));
  return {
    text,
    quality: Number.isNaN(quality) ? 1 : quality,
    specificity: text.split(';').length - text.split('*').length,
  };
}
