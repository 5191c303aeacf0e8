import { createLocalJWKSet, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  generateKeyMaterial,
  type KeyMaterial,
  parseKeyMaterial,
  publicJwks,
  renderKeyMaterial,
  rotateKey,
  signApiToken,
  signingJwks,
  verificationJwks,
  verifyToken,
} from '../src/index.js';

const now = new Date('2026-01-02T03:04:05Z');
const elliptic = generateKeyMaterial(now);
const rotation = { now, graceMilliseconds: 1000 };
const material = rotateKey(elliptic, 'signing', { ...rotation, signingAlgorithm: 'RS256' });
const secrets = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const;

const sign = async (by: KeyMaterial) => await signApiToken('anon', by, { algorithm: 'ES256', issuedAt: now });

describe('a signing key may be RSA', () => {
  it('its tokens hold, beside those of the elliptic key before', async () => {
    const token = await sign(material);
    expect(await verifyToken(token, material, now)).toMatchObject({ valid: true, algorithm: 'RS256' });
    expect(await verifyToken(await sign(elliptic), material, now)).toMatchObject({ valid: true, algorithm: 'ES256' });
    expect(await verifyToken(token, elliptic, now)).toEqual({ valid: false, fault: 'unknown-key' });
    const set = createLocalJWKSet({ keys: [...publicJwks(material, now).keys] });
    expect((await jwtVerify(token, set, { currentDate: now })).protectedHeader.alg).toBe('RS256');
  });

  it('a token cannot choose the algorithm of its key, nor take the public half for a secret', async () => {
    const [, claims, signature] = (await sign(material)).split('.');
    const kid = material.signing.current.id;
    for (const alg of ['ES256', 'HS256', 'PS256', 'none']) {
      const header = Buffer.from(JSON.stringify({ alg, kid, typ: 'JWT' })).toString('base64url');
      expect(await verifyToken(`${header}.${claims}.${signature}`, material, now), alg).toMatchObject({ valid: false });
    }
  });

  it('the next one is RSA too, unless said otherwise', () => {
    const kinds = (keys: KeyMaterial) => keys.signing.current.value.kty;
    expect(kinds(rotateKey(material, 'signing', rotation))).toBe('RSA');
    expect(kinds(rotateKey(material, 'signing', { ...rotation, signingAlgorithm: 'ES256' }))).toBe('EC');
  });

  it('its private half is in the file and where Auth signs, and in no public document', () => {
    expect(parseKeyMaterial(renderKeyMaterial(material), 'keys.json')).toEqual(material);
    const { value } = material.signing.current;
    if (value.kty !== 'RSA') throw new Error('not RSA');
    for (const name of secrets) {
      expect(JSON.stringify(signingJwks(material, now))).toContain(value[name]);
      for (const shown of [publicJwks(material, now), verificationJwks(material, now)]) {
        expect(JSON.stringify(shown)).not.toContain(value[name]);
        expect(shown.keys.every((key) => !(name in key))).toBe(true);
      }
    }
  });

  it('a short modulus is damage', () => {
    const { value } = material.signing.current;
    const n = value.kty === 'RSA' ? value.n : '';
    const text = renderKeyMaterial(material).replace(n, n.slice(0, 171));
    expect(() => parseKeyMaterial(text, 'keys.json')).toThrow(/signing\.current\.value\.n/);
  });
});
