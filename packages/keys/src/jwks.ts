import { acceptedKeys, type Key, type KeyMaterial, type SigningJwk } from './key-material.js';

/** As Supabase's scripts for self-hosting write them (docker/utils/add-new-auth-keys.sh). */
export interface EcJwk {
  readonly kty: 'EC';
  readonly kid: string;
  readonly use: 'sig';
  readonly key_ops: string[];
  readonly alg: 'ES256';
  readonly ext: true;
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
  readonly d?: string;
}

export interface OctJwk {
  readonly kty: 'oct';
  readonly k: string;
  readonly alg: 'HS256';
}

export interface Jwks<Jwk> {
  readonly keys: readonly Jwk[];
}

/** What `/.well-known/jwks.json` shows to anybody: no secret in it, so tokens by HS256 cannot be checked with it. */
export function publicJwks(material: KeyMaterial, now: Date): Jwks<EcJwk> {
  return { keys: acceptedKeys(material.signing, now).map(publicJwk) };
}

/** What services verify with (JWT_JWKS): the JWT secrets are in it, so it is as secret as they are. */
export function verificationJwks(material: KeyMaterial, now: Date): Jwks<EcJwk | OctJwk> {
  return { keys: [...publicJwks(material, now).keys, ...acceptedKeys(material['jwt-secret'], now).map(octJwk)] };
}

/**
 * What Auth signs with (JWT_KEYS, an array). Auth wants exactly one key that may sign, and knows keys by kid, which a JWT secret has not:
 * only the one in use is there.
 */
export function signingJwks(material: KeyMaterial, now: Date): readonly (EcJwk | OctJwk)[] {
  const [, ...retired] = publicJwks(material, now).keys;
  const { current } = material.signing;
  const signer: EcJwk = { ...publicJwk(current), key_ops: ['sign', 'verify'], d: current.value.d };
  return [signer, ...retired, octJwk(material['jwt-secret'].current)];
}

export function publicJwk({ id, value: { kty, crv, x, y } }: Key<SigningJwk>): EcJwk {
  return { kty, kid: id, use: 'sig', key_ops: ['verify'], alg: 'ES256', ext: true, crv, x, y };
}

function octJwk({ value }: Key<string>): OctJwk {
  return { kty: 'oct', k: Buffer.from(value).toString('base64url'), alg: 'HS256' };
}
