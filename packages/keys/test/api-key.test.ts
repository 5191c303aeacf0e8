import { describe, expect, it } from 'vitest';
import { generateApiKey, isApiKey } from '../src/api-key.js';
import { classifyApiKey, generateKeyMaterial, rotateKey, signApiToken } from '../src/index.js';

const now = new Date('2026-01-02T03:04:05Z');
const material = generateKeyMaterial(now);
const publishable = material.publishable.current.value;
const secret = material.secret.current.value;

describe('opaque keys', () => {
  it.each(['publishable', 'secret'] as const)('%s: prefix, 22 random characters, checksum', (kind) => {
    const keys = Array.from({ length: 200 }, () => generateApiKey(kind));
    expect(new Set(keys).size).toBe(200);
    for (const key of keys) {
      expect(key).toMatch(new RegExp(`^sb_${kind}_[A-Za-z0-9_-]{22}_[A-Za-z0-9_-]{8}$`));
      expect(isApiKey(kind, key)).toBe(true);
      expect(isApiKey(kind === 'secret' ? 'publishable' : 'secret', key)).toBe(false);
    }
  });

  it("has the checksum of Supabase's own: the first 8 characters of SHA-256 in base64url", () => {
    // printf %s 'supabase-self-hosted|sb_secret_AAAAAAAAAAAAAAAAAAAAAA' | openssl dgst -sha256 -binary | basenc --base64url | cut -c-8
    expect(isApiKey('secret', 'sb_secret_AAAAAAAAAAAAAAAAAAAAAA_7cwZOLm2')).toBe(true);
  });

  it('shows each character that was mistyped, left out or added', () => {
    for (let at = 0; at < secret.length; at++) {
      const other = secret[at] === 'x' ? 'y' : 'x';
      expect(isApiKey('secret', secret.slice(0, at) + other + secret.slice(at + 1))).toBe(false);
      expect(isApiKey('secret', secret.slice(0, at) + secret.slice(at + 1))).toBe(false);
      expect(isApiKey('secret', `${secret.slice(0, at)}x${secret.slice(at)}`)).toBe(false);
    }
    for (const text of ['', 'sb_secret_', `${secret}\n`, ` ${secret}`]) expect(isApiKey('secret', text)).toBe(false);
  });
});

describe('classifyApiKey', () => {
  it("knows the cluster's own keys, and what may be a token", async () => {
    expect(classifyApiKey(publishable, material, now)).toBe('publishable');
    expect(classifyApiKey(secret, material, now)).toBe('secret');
    expect(classifyApiKey(await signApiToken('anon', material), material, now)).toBe('jwt');
  });

  it.each(['', 'a.b', 'a..b', 'a.b.c.d', 'a b.c.d', `${'a'.repeat(8192)}.b.c`])('%s is unknown', (text) => {
    expect(classifyApiKey(text, material, now)).toBe('unknown');
  });

  it("does not take another cluster's keys, or parts of its own", () => {
    for (const kind of ['publishable', 'secret'] as const) {
      expect(classifyApiKey(generateApiKey(kind), material, now)).toBe('unknown');
      expect(classifyApiKey(material[kind].current.value.slice(0, -1), material, now)).toBe('unknown');
      expect(classifyApiKey(`${material[kind].current.value} `, material, now)).toBe('unknown');
    }
  });

  it('takes a retired key until its grace ends', () => {
    const rotated = rotateKey(material, 'secret', { now, graceMilliseconds: 1000 });
    expect(classifyApiKey(rotated.secret.current.value, rotated, now)).toBe('secret');
    expect(classifyApiKey(secret, rotated, new Date(now.getTime() + 999))).toBe('secret');
    expect(classifyApiKey(secret, rotated, new Date(now.getTime() + 1000))).toBe('unknown');
    expect(classifyApiKey(publishable, rotated, now)).toBe('publishable');
  });
});
