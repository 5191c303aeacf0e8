import { createLocalJWKSet, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  generateKeyMaterial,
  publicJwks,
  rotateKey,
  signApiToken,
  signingJwks,
  verificationJwks,
} from '../src/index.js';

const now = new Date('2026-01-02T03:04:05Z');
const first = generateKeyMaterial(now);
const rotation = { now, graceMilliseconds: 1000 };
const material = rotateKey(rotateKey(first, 'signing', rotation), 'jwt-secret', rotation);
const later = new Date(now.getTime() + 1000);

describe('the public document', () => {
  it('has the public halves of what is accepted, newest first, and nothing else', () => {
    const { keys } = publicJwks(material, now);
    expect(keys.map(({ kid }) => kid)).toEqual([material.signing.current.id, first.signing.current.id]);
    for (const key of keys) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'ext', 'key_ops', 'kid', 'kty', 'use', 'x', 'y']);
      expect(key).toMatchObject({ kty: 'EC', alg: 'ES256', use: 'sig', key_ops: ['verify'], crv: 'P-256' });
    }
    expect(publicJwks(material, later).keys.map(({ kid }) => kid)).toEqual([material.signing.current.id]);
  });

  it('holds no secret', () => {
    const text = JSON.stringify(publicJwks(material, now));
    for (const { signing, 'jwt-secret': secret } of [first, material]) {
      expect(text).not.toContain(signing.current.value.d);
      expect(text).not.toContain(Buffer.from(secret.current.value).toString('base64url'));
    }
  });

  it('is what others verify with', async () => {
    const set = createLocalJWKSet({ keys: [...publicJwks(material, now).keys] });
    for (const each of [first, material]) {
      const token = await signApiToken('anon', each, { algorithm: 'ES256' });
      expect((await jwtVerify(token, set, { currentDate: now })).payload).toMatchObject({ role: 'anon' });
    }
    await expect(jwtVerify(await signApiToken('anon', material), set, { currentDate: now })).rejects.toThrow();
  });
});

it('services get the secrets to verify with as well, the one in use first', () => {
  const secrets = verificationJwks(material, now).keys.flatMap((key) => (key.kty === 'oct' ? [key] : []));
  expect(secrets.map(({ k }) => Buffer.from(k, 'base64url').toString())).toEqual([
    material['jwt-secret'].current.value,
    first['jwt-secret'].current.value,
  ]);
  expect(secrets.every((key) => Object.keys(key).sort().join() === 'alg,k,kty')).toBe(true);
  expect(verificationJwks(material, later).keys).toHaveLength(2);
  expect(JSON.stringify(verificationJwks(material, now))).not.toContain('"d"');
});

it('Auth gets exactly one key that may sign, with its private half', () => {
  const signers = signingJwks(material, now).filter((key) => key.kty === 'EC' && key.key_ops.includes('sign'));
  expect(signers).toMatchObject([{ kid: material.signing.current.id, d: material.signing.current.value.d }]);
  // Auth keeps keys by kid: one that came twice would take the other's place.
  const kids = signingJwks(material, now).map((key) => (key.kty === 'EC' ? key.kid : key.alg));
  expect(kids).toEqual([material.signing.current.id, first.signing.current.id, 'HS256']);
  expect(JSON.stringify(signingJwks(material, now))).not.toContain(first.signing.current.value.d);
});
