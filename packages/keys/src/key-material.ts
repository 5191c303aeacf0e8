/** What can be rotated; also the names in keys.json. */
export const keyKinds = ['jwt-secret', 'signing', 'publishable', 'secret'] as const;

export type KeyKind = (typeof keyKinds)[number];

export interface Key<Value> {
  /** Of a signing key also the `kid` of its tokens. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly value: Value;
}

export interface RetiredKey<Value> extends Key<Value> {
  /** From this moment on it is not accepted any more. */
  readonly expiresAt: string;
}

/** One key in use, and those that it replaced and that are still accepted for a while, newest first. */
export interface KeyRing<Value> {
  readonly current: Key<Value>;
  readonly previous: readonly RetiredKey<Value>[];
}

/** What a signing key may be for; one key serves one algorithm. */
export const signingAlgorithms = ['ES256', 'RS256'] as const;

export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** A private key on P-256 (RFC 7518, 6.2). */
export interface EcSigningJwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
  readonly d: string;
}

/** A private RSA key of two primes (RFC 7518, 6.3). */
export interface RsaSigningJwk {
  readonly kty: 'RSA';
  readonly n: string;
  readonly e: string;
  readonly d: string;
  readonly p: string;
  readonly q: string;
  readonly dp: string;
  readonly dq: string;
  readonly qi: string;
}

export type SigningJwk = EcSigningJwk | RsaSigningJwk;

export function algorithmOf({ kty }: Pick<SigningJwk, 'kty'>): SigningAlgorithm {
  return kty === 'RSA' ? 'RS256' : 'ES256';
}

/** All keys of a cluster's API. Secret as a whole: never log it, never put it in argv. */
export interface KeyMaterial {
  readonly version: 1;
  /** HS256; its bytes are the text's. */
  readonly 'jwt-secret': KeyRing<string>;
  /** ES256, or RS256 for those who cannot check that. */
  readonly signing: KeyRing<SigningJwk>;
  /** `sb_publishable_…`, for browsers. */
  readonly publishable: KeyRing<string>;
  /** `sb_secret_…`, for servers. */
  readonly secret: KeyRing<string>;
}

/** The key in use first, then the retired ones that are still accepted. */
export function acceptedKeys<Value>(ring: KeyRing<Value>, now: Date): readonly Key<Value>[] {
  return [ring.current, ...ring.previous.filter(({ expiresAt }) => Date.parse(expiresAt) > now.getTime())];
}
