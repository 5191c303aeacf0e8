import {
  acceptedKeys,
  type EcSigningJwk,
  type Key,
  type KeyMaterial,
  type RsaSigningJwk,
  type SigningJwk,
} from './key-material.js';

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
}

export interface RsaJwk {
  readonly kty: 'RSA';
  readonly kid: string;
  readonly use: 'sig';
  readonly key_ops: string[];
  readonly alg: 'RS256';
  readonly ext: true;
  readonly n: string;
  readonly e: string;
}

export type PublicJwk = EcJwk | RsaJwk;

/** With its private half. */
export type SignerJwk = (EcJwk & EcSigningJwk) | (RsaJwk & RsaSigningJwk);

export interface OctJwk {
  readonly kty: 'oct';
  readonly k: string;
  readonly alg: 'HS256';
}

export interface Jwks<Jwk> {
  readonly keys: readonly Jwk[];
}

/** What `/.well-known/jwks.json` shows to anybody: no secret in it, so tokens by HS256 cannot be checked with it. */
export function publicJwks(material: KeyMaterial, now: Date): Jwks<PublicJwk> {
  return { keys: acceptedKeys(material.signing, now).map(publicJwk) };
}

/** What services verify with (JWT_JWKS): the JWT secrets are in it, so it is as secret as they are. */
export function verificationJwks(material: KeyMaterial, now: Date): Jwks<PublicJwk | OctJwk> {
  return { keys: [...publicJwks(material, now).keys, ...acceptedKeys(material['jwt-secret'], now).map(octJwk)] };
}

/**
 * What Auth signs with (JWT_KEYS, an array). Auth wants exactly one key that may sign, and knows keys by kid, which a JWT secret has not:
 * only the one in use is there.
 */
export function signingJwks(material: KeyMaterial, now: Date): readonly (PublicJwk | SignerJwk | OctJwk)[] {
  const [, ...retired] = publicJwks(material, now).keys;
  const { current } = material.signing;
  return [signerJwk(current), ...retired, octJwk(material['jwt-secret'].current)];
}

export function publicJwk({ id, value }: Key<SigningJwk>): PublicJwk {
  const common = { kid: id, use: 'sig' as const, key_ops: ['verify'], ext: true as const };
  if (value.kty === 'RSA') return { kty: value.kty, ...common, alg: 'RS256', n: value.n, e: value.e };
  const { kty, crv, x, y } = value;
  return { kty, ...common, alg: 'ES256', crv, x, y };
}

function signerJwk(key: Key<SigningJwk>): SignerJwk {
  return { ...publicJwk(key), ...key.value, key_ops: ['sign', 'verify'] } as SignerJwk;
}

function octJwk({ value }: Key<string>): OctJwk {
  return { kty: 'oct', k: Buffer.from(value).toString('base64url'), alg: 'HS256' };
}
