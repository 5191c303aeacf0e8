import { createHmac, createPublicKey } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { generateKeyMaterial, publicJwks, signApiToken, verifyToken } from '../src/index.js';

const now = new Date('2026-01-02T03:04:05Z');
const seconds = now.getTime() / 1000;
const material = generateKeyMaterial(now);
const secret = material['jwt-secret'].current;
const signing = material.signing.current;
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest('base64url');

const byHs256 = async (claims: JWTPayload, header: object = {}) =>
  await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(Buffer.from(secret.value));
const byEs256 = async (claims: JWTPayload, kid = signing.id) =>
  await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign({ ...signing.value, alg: 'ES256' });
const faultOf = async (token: string, at = now) => {
  const verdict = await verifyToken(token, material, at);
  return verdict.valid ? 'valid' : verdict.fault;
};

/** A token of ours with another header, `sign` makes its third part. */
const forge = (header: object, sign: (text: string) => string) => {
  const text = `${encode(header)}.${encode({ role: 'service_role', exp: seconds + 3600 })}`;
  return `${text}.${sign(text)}`;
};

describe('what is accepted', () => {
  it('a token by either key, with its claims and the key that signed it', async () => {
    const claims = { sub: 'a', role: 'authenticated', exp: seconds + 60 };
    expect(await verifyToken(await byHs256(claims), material, now)).toEqual({
      valid: true,
      claims,
      algorithm: 'HS256',
      keyId: secret.id,
    });
    expect(await verifyToken(await byEs256(claims), material, now)).toEqual({
      valid: true,
      claims,
      algorithm: 'ES256',
      keyId: signing.id,
    });
  });

  it('HS256 with any kid, and claims without times: PostgREST takes them as well', async () => {
    expect(await faultOf(await byHs256({ role: 'anon' }, { kid: 'whatever' }))).toBe('valid');
  });
});

describe('times, with 30 s of leeway', () => {
  it.each([
    [{ exp: seconds - 29 }, 'valid'],
    [{ exp: seconds - 30 }, 'expired'],
    [{ nbf: seconds + 30 }, 'valid'],
    [{ nbf: seconds + 31 }, 'not-yet-valid'],
    [{ iat: seconds + 30 }, 'valid'],
    [{ iat: seconds + 31 }, 'not-yet-valid'],
    [{ exp: 'tomorrow' }, 'malformed'],
    [{ nbf: {} }, 'malformed'],
    [{ iat: null }, 'malformed'],
  ])('%j: %s', async (claims, expected) => {
    expect(await faultOf(await byHs256(claims as JWTPayload))).toBe(expected);
    expect(await faultOf(await byEs256(claims as JWTPayload))).toBe(expected);
  });
});

describe('what is refused', () => {
  it('tokens without a signature', async () => {
    for (const alg of ['none', 'None', 'NONE']) {
      expect(await faultOf(forge({ alg }, () => ''))).toBe('malformed');
      expect(await faultOf(forge({ alg }, (text) => hmac(secret.value, text)))).toBe('algorithm');
    }
  });

  it('algorithms that no key is for, whatever they are signed with', async () => {
    for (const alg of ['HS384', 'HS512', 'PS256', 'ES384', 'EdDSA', 'hs256', '', undefined, 5, ['HS256']])
      expect(await faultOf(forge({ alg }, (text) => hmac(secret.value, text)))).toBe('algorithm');
    expect(await faultOf(forge({ alg: 'RS256' }, (text) => hmac(secret.value, text)))).toBe('unknown-key');
  });

  it('HS256 "signed" with the public key in any of its spellings', async () => {
    const [jwk] = publicJwks(material, now).keys;
    if (jwk?.kty !== 'EC') throw new Error('no public key');
    const { kty, crv, x, y } = jwk;
    const key = createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' });
    const spellings = [
      key.export({ type: 'spki', format: 'pem' }),
      key.export({ type: 'spki', format: 'pem' }).toString().trim(),
      key.export({ type: 'spki', format: 'der' }),
      JSON.stringify(jwk),
      JSON.stringify({ kty, crv, x, y }),
      JSON.stringify(publicJwks(material, now)),
      x,
      y,
      Buffer.from(x, 'base64url'),
      Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]),
      signing.id,
      '',
    ];
    for (const spelling of spellings) {
      for (const header of [{ alg: 'HS256' }, { alg: 'HS256', kid: signing.id }, { alg: 'HS256', jwk }])
        expect(await faultOf(forge(header, (text) => hmac(spelling, text)))).toBe('signature');
    }
  });

  it('ES256 with a key of its own in the header, or none of ours', async () => {
    const other = generateKeyMaterial(now);
    const [jwk] = publicJwks(other, now).keys;
    const sign = async (header: object) =>
      await new SignJWT({ role: 'service_role' })
        .setProtectedHeader({ alg: 'ES256', ...header })
        .sign({ ...other.signing.current.value, alg: 'ES256' });
    expect(await faultOf(await sign({ kid: signing.id }))).toBe('signature');
    expect(await faultOf(await sign({ kid: signing.id, jwk }))).toBe('signature');
    expect(await faultOf(await sign({ jwk, kid: other.signing.current.id }))).toBe('unknown-key');
    expect(await faultOf(await sign({}))).toBe('unknown-key');
    expect(await faultOf(await byEs256({}, secret.id))).toBe('unknown-key');
    const zero = Buffer.alloc(64).toString('base64url');
    expect(await faultOf(forge({ alg: 'ES256', kid: signing.id }, () => zero))).toBe('signature');
  });

  it('HS256 by another secret', async () => {
    expect(await faultOf(await signApiToken('anon', generateKeyMaterial(now)))).toBe('signature');
  });

  it('extensions that it does not know', async () => {
    const header = { alg: 'HS256', crit: ['exp'], exp: 1 };
    expect(await faultOf(forge(header, (text) => hmac(secret.value, text)))).toBe('malformed');
  });

  it.each([
    '',
    '.',
    '..',
    'a.b.c',
    'sb_secret_x',
    `${encode([])}.${encode({})}.AAAA`,
    `${encode(null)}.${encode({})}.AAAA`,
    `${encode('HS256')}.${encode({})}.AAAA`,
  ])('%j', async (text) => expect(await faultOf(text)).toBe('malformed'));

  it('claims that are no object, though signed', async () => {
    for (const payload of ['[]', 'null', '"x"', '5', '{', '']) {
      const text = `${encode({ alg: 'HS256' })}.${Buffer.from(payload).toString('base64url')}`;
      expect(await faultOf(`${text}.${hmac(secret.value, text)}`)).toBe('malformed');
    }
  });

  it('what is longer than 8 KiB, before looking into it', async () => {
    const fits = await byHs256({ text: 'x'.repeat(6000) });
    expect(fits.length).toBeLessThanOrEqual(8192);
    expect(await faultOf(fits)).toBe('valid');
    expect(await faultOf(await byHs256({ text: 'x'.repeat(6200) }))).toBe('malformed');
    expect(await faultOf('x'.repeat(50_000_000))).toBe('malformed');
  });
});

describe.each(['HS256', 'ES256'] as const)('%s: one changed', (algorithm) => {
  let token: string;
  let parts: readonly Buffer[];
  beforeAll(async () => {
    token = await signApiToken('anon', material, { algorithm });
    parts = token.split('.').map((part) => Buffer.from(part, 'base64url'));
  });
  const join = (changed: readonly Buffer[]) => changed.map((part) => part.toString('base64url')).join('.');

  it('bit of the signature', async () => {
    const length = parts[2]?.length ?? 0;
    expect(length).toBe(algorithm === 'HS256' ? 32 : 64);
    for (let at = 0; at < length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = parts.map((part) => Buffer.from(part));
        changed[2]?.writeUInt8((changed[2].readUInt8(at) ^ (1 << bit)) & 255, at);
        expect(await faultOf(join(changed))).toBe('signature');
      }
    }
  });

  it('byte of the claims', async () => {
    for (let at = 0; at < (parts[1]?.length ?? 0); at++) {
      const changed = parts.map((part) => Buffer.from(part));
      changed[1]?.writeUInt8(changed[1].readUInt8(at) ^ 1, at);
      expect(await faultOf(join(changed))).toBe('signature');
    }
  });

  it('character anywhere, also one that decodes to the same bytes', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = token.at(-1) ?? '';
    for (const character of `${alphabet}=+/. \n`) {
      if (character !== last) expect(await faultOf(token.slice(0, -1) + character)).not.toBe('valid');
      expect(await faultOf(token + character)).not.toBe('valid');
    }
    for (let at = 0; at < token.length; at++) {
      expect(await faultOf(token.slice(0, at) + token.slice(at + 1))).not.toBe('valid');
    }
  });
});
