import type { KnownCredential, RegisteredCredential } from './ceremony.js';

type Json = Readonly<Record<string, unknown>>;

/** A credential as mfa_factors.web_authn_credential holds it: go-webauthn's Credential as JSON, bytes in base64. */
export function encodeCredential(credential: RegisteredCredential): Json {
  return {
    id: base64(credential.id),
    publicKey: base64(credential.publicKey),
    attestationType: credential.attestationType,
    transport: credential.transports,
    flags: {
      userPresent: true,
      userVerified: credential.userVerified,
      backupEligible: credential.backupEligible,
      backupState: credential.backedUp,
    },
    authenticator: {
      AAGUID: Buffer.from(credential.aaguid.replaceAll('-', ''), 'hex').toString('base64'),
      signCount: credential.signCount,
      cloneWarning: false,
      attachment: '',
    },
  };
}

/** undefined where the column holds no credential. */
export function decodeCredential(stored: Json | null): KnownCredential | undefined {
  if (stored === null) return undefined;
  const { id, publicKey, transport, authenticator } = stored;
  if (typeof id !== 'string' || typeof publicKey !== 'string') return undefined;
  const { signCount } = (authenticator ?? {}) as { readonly signCount?: unknown };
  return {
    id: new Uint8Array(Buffer.from(id, 'base64')),
    publicKey: new Uint8Array(Buffer.from(publicKey, 'base64')),
    signCount: typeof signCount === 'number' ? signCount : 0,
    transports: Array.isArray(transport) ? transport.filter((each) => typeof each === 'string') : [],
  };
}

/** The stored credential after its counter moved. */
export function withSignCount(stored: Json, signCount: number): Json {
  const authenticator = (stored.authenticator ?? {}) as Json;
  return { ...stored, authenticator: { ...authenticator, signCount } };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
