import { SignJWT } from 'jose';
import { algorithmOf, type KeyMaterial, type SigningAlgorithm } from './key-material.js';

/** The two API keys that are tokens. */
export type ApiRole = 'anon' | 'service_role';

export type TokenAlgorithm = 'HS256' | SigningAlgorithm;

/** 10 years of 365 days, as the Supabase CLI gives them. */
export const defaultLifetimeSeconds = 10 * 365 * 24 * 3600;

export interface ApiTokenOptions {
  /** Default HS256; each other one is by the signing key, which knows its own. */
  readonly algorithm?: TokenAlgorithm;
  /** Default: when the key that signs was made, so that the claims, and with HS256 the whole token, are the same each time. */
  readonly issuedAt?: Date;
  /** Default 10 years. */
  readonly lifetimeSeconds?: number;
}

/** The anon or service_role key: a token with the claims that Supabase's scripts for self-hosting give it (docker/utils/generate-keys.sh). */
export async function signApiToken(
  role: ApiRole,
  material: KeyMaterial,
  options: ApiTokenOptions = {},
): Promise<string> {
  const { algorithm: alg = 'HS256', lifetimeSeconds = defaultLifetimeSeconds } = options;
  const secret = material['jwt-secret'].current;
  const signing = material.signing.current;
  const key = alg === 'HS256' ? secret : signing;
  const iat = Math.floor((options.issuedAt?.getTime() ?? Date.parse(key.createdAt)) / 1000);
  const token = new SignJWT({ role, iss: 'supabase', iat, exp: iat + lifetimeSeconds });
  if (alg === 'HS256') return await token.setProtectedHeader({ alg, typ: 'JWT' }).sign(Buffer.from(secret.value));
  const own = algorithmOf(signing.value);
  return await token.setProtectedHeader({ alg: own, typ: 'JWT', kid: signing.id }).sign({ ...signing.value, alg: own });
}
