import { z } from 'zod';
import { type ApiKeyKind, isApiKey } from './api-key.js';
import { keysDamaged } from './errors.js';
import type { KeyMaterial } from './key-material.js';

const time = z.iso.datetime();
/** 32 bytes. */
const coordinate = z.string().regex(/^[\w-]{43}$/);
/** Base64url of up to 512 bytes: 2048 to 4096 bits, and what belongs to them. */
const modulus = z.string().regex(/^[\w-]{342,683}$/);
const part = z.string().regex(/^[\w-]{4,683}$/);
const apiKey = (kind: ApiKeyKind) => z.string().refine((text) => isApiKey(kind, text), 'its checksum does not fit');

function ring<Value extends z.ZodType>(value: Value) {
  const key = z.strictObject({ id: z.string().min(1), createdAt: time, value });
  return z.strictObject({ current: key, previous: z.array(key.extend({ expiresAt: time })) });
}

const schema = z.strictObject({
  version: z.literal(1),
  'jwt-secret': ring(z.string().min(32)),
  signing: ring(
    z.discriminatedUnion('kty', [
      z.strictObject({
        kty: z.literal('EC'),
        crv: z.literal('P-256'),
        x: coordinate,
        y: coordinate,
        d: coordinate,
      }),
      z.strictObject({
        kty: z.literal('RSA'),
        n: modulus,
        e: part,
        d: modulus,
        p: part,
        q: part,
        dp: part,
        dq: part,
        qi: part,
      }),
    ]),
  ),
  publishable: ring(apiKey('publishable')),
  secret: ring(apiKey('secret')),
});

/** Reads keys.json; `path` is for the error HF_KEYS_DAMAGED, which never shows what is in the file. */
export function parseKeyMaterial(text: string, path: string): KeyMaterial {
  const result = schema.safeParse(parseJson(text, path));
  if (result.success) return result.data;
  const reasons = result.error.issues.map((issue) => `${issue.path.join('.') || 'the whole'}: ${issue.message}`);
  throw keysDamaged(path, reasons.join('; '));
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Its message quotes the text.
    throw keysDamaged(path, 'it is not JSON');
  }
}

/** The text of keys.json. */
export function renderKeyMaterial(material: KeyMaterial): string {
  return `${JSON.stringify(material, null, 2)}\n`;
}
