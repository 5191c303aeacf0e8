import { createHmac } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { generateKeyMaterial, signApiToken, verifyToken } from '../src/index.js';

const now = new Date('2026-01-02T03:04:05.678Z');
const material = generateKeyMaterial(now);
const iat = Math.floor(now.getTime() / 1000);

describe('signApiToken', () => {
  it.each(['anon', 'service_role'] as const)('%s: the claims of the official scripts, by HS256', async (role) => {
    const token = await signApiToken(role, material);
    const [header = '', payload = '', signature] = token.split('.');
    expect(Buffer.from(header, 'base64url').toString()).toBe('{"alg":"HS256","typ":"JWT"}');
    expect(Buffer.from(payload, 'base64url').toString()).toBe(
      `{"role":"${role}","iss":"supabase","iat":${iat},"exp":${iat + 315_360_000}}`,
    );
    const expected = createHmac('sha256', material['jwt-secret'].current.value).update(`${header}.${payload}`);
    expect(signature).toBe(expected.digest('base64url'));
  });

  it('is the same each time by HS256, and has the same claims each time by ES256', async () => {
    expect(await signApiToken('anon', material)).toBe(await signApiToken('anon', material));
    const [one, two] = [
      await signApiToken('anon', material, { algorithm: 'ES256' }),
      await signApiToken('anon', material, { algorithm: 'ES256' }),
    ];
    expect(decodeProtectedHeader(one)).toEqual({ alg: 'ES256', typ: 'JWT', kid: material.signing.current.id });
    expect(decodeJwt(one)).toEqual(decodeJwt(two));
  });

  it.each(['HS256', 'ES256'] as const)('%s: expires when asked to, and is accepted until then', async (algorithm) => {
    const issuedAt = new Date('2027-01-01T00:00:00Z');
    const token = await signApiToken('anon', material, { algorithm, issuedAt, lifetimeSeconds: 60 });
    const at = (seconds: number) => new Date(issuedAt.getTime() + seconds * 1000);
    expect(decodeJwt(token)).toMatchObject({ iat: 1_798_761_600, exp: 1_798_761_660 });
    // 30 s of leeway.
    expect(await verifyToken(token, material, at(89))).toMatchObject({ valid: true, algorithm });
    expect(await verifyToken(token, material, at(90))).toEqual({ valid: false, fault: 'expired' });
  });
});
