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

/** A private key on P-256 (RFC 7518, 6.2). */
export interface SigningJwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
  readonly d: string;
}

/** All keys of a cluster's API. Secret as a whole: never log it, never put it in argv. */
export interface KeyMaterial {
  readonly version: 1;
  /** HS256; its bytes are the text's. */
  readonly 'jwt-secret': KeyRing<string>;
  /** ES256. */
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
