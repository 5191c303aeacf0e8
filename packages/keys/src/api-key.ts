import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { acceptedKeys, type KeyMaterial } from './key-material.js';
import { longestToken, tokenPattern } from './verify-token.js';

/** `publishable` stands for the role anon, `secret` for service_role. */
export type ApiKeyKind = 'publishable' | 'secret';

const prefixes: Readonly<Record<ApiKeyKind, string>> = { publishable: 'sb_publishable_', secret: 'sb_secret_' };

/** The checksum covers a project's ref; this is the one of self-hosted projects (supabase/supabase, docker/utils/add-new-auth-keys.sh). */
const projectRef = 'supabase-self-hosted';

/** A new opaque key in Supabase's form: prefix, 22 random characters (132 bits), `_`, 8 characters of checksum. Not pure. */
export function generateApiKey(kind: ApiKeyKind): string {
  const body = prefixes[kind] + randomBytes(18).toString('base64url').slice(0, 22);
  return `${body}_${checksum(body)}`;
}

/** True when the text has the form of such a key and its checksum fits: it was not mistyped or cut off. Says nothing about whose it is. */
export function isApiKey(kind: ApiKeyKind, text: string): boolean {
  const body = text.slice(0, prefixes[kind].length + 22);
  return body.startsWith(prefixes[kind]) && /^[\w-]+$/.test(body) && text === `${body}_${checksum(body)}`;
}

/**
 * What a client sent as its API key. `publishable` and `secret` are keys of this cluster that are accepted now; `jwt` only has the form of
 * a token, which verifyToken must judge. Takes as long for a wrong key as for a right one.
 */
export function classifyApiKey(text: string, material: KeyMaterial, now: Date): ApiKeyKind | 'jwt' | 'unknown' {
  if (text.length > longestToken) return 'unknown';
  const given = digest(text);
  let found: ApiKeyKind | undefined;
  for (const kind of ['publishable', 'secret'] as const) {
    for (const { value } of acceptedKeys(material[kind], now)) {
      if (timingSafeEqual(given, digest(value))) found = kind;
    }
  }
  return found ?? (tokenPattern.test(text) ? 'jwt' : 'unknown');
}

function checksum(body: string): string {
  return digest(`${projectRef}|${body}`).toString('base64url').slice(0, 8);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
