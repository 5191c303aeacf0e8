import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import type { AuthSettings } from '../settings/schema.js';

/** Who the relying party is, for browsers. */
export type RelyingParty = Pick<AuthSettings['passkeys'], 'rpId' | 'rpName' | 'origins' | 'challengeExpirySeconds'>;

export interface KnownCredential {
  readonly id: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly signCount: number;
  readonly transports: readonly string[];
}

export interface RegisteredCredential extends KnownCredential {
  /** UUID. */
  readonly aaguid: string;
  readonly attestationType: string;
  readonly userVerified: boolean;
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
}

/** What go-webauthn keeps of a ceremony under way (SessionData), so that either service can finish what the other began. */
export interface CeremonySession extends Readonly<Record<string, unknown>> {
  /** base64url. */
  readonly challenge: string;
  readonly rpId: string;
  /** base64 of the user's handle. */
  readonly user_id: string | null;
  readonly expires: string;
  readonly userVerification: string;
}

/** COSE: ES256, EdDSA, RS256, the likeliest first. */
const algorithms = [-7, -8, -257];

/** The user's handle is its id, as text: a passkey alone says whose it is. */
export function userHandle(userId: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(userId));
}

export interface NewRegistration {
  readonly userId: string;
  readonly userName: string;
  readonly displayName: string;
  readonly exclude: readonly { readonly id: Uint8Array; readonly transports: readonly string[] }[];
  /** Passkeys must be found without a name; second factors need not. */
  readonly discoverable: boolean;
  readonly expiresAt: Date;
}

/** What `navigator.credentials.create` is given (WebAuthn, 5.4). */
export async function beginRegistration(
  party: RelyingParty,
  registration: NewRegistration,
): Promise<{ readonly options: PublicKeyCredentialCreationOptionsJSON; readonly session: CeremonySession }> {
  const options = await generateRegistrationOptions({
    rpName: party.rpName,
    rpID: party.rpId,
    userName: registration.userName,
    userDisplayName: registration.displayName,
    userID: userHandle(registration.userId),
    timeout: party.challengeExpirySeconds * 1000,
    attestationType: 'none',
    supportedAlgorithmIDs: algorithms,
    excludeCredentials: registration.exclude.map(({ id, transports }) => ({
      id: Buffer.from(id).toString('base64url'),
      ...(transports.length === 0 ? {} : { transports: [...transports] }),
    })),
    authenticatorSelection: {
      residentKey: registration.discoverable ? 'required' : 'preferred',
      userVerification: 'preferred',
    },
  });
  return { options, session: sessionOf(party, options.challenge, registration.userId, registration.expiresAt) };
}

/** What `navigator.credentials.get` is given (WebAuthn, 5.5). No credentials: whatever passkey the person has. */
export async function beginAuthentication(
  party: RelyingParty,
  credentials: readonly { readonly id: Uint8Array; readonly transports: readonly string[] }[],
  userId: string | undefined,
  expiresAt: Date,
): Promise<{ readonly options: PublicKeyCredentialRequestOptionsJSON; readonly session: CeremonySession }> {
  const options = await generateAuthenticationOptions({
    rpID: party.rpId,
    timeout: party.challengeExpirySeconds * 1000,
    userVerification: 'preferred',
    allowCredentials: credentials.map(({ id, transports }) => ({
      id: Buffer.from(id).toString('base64url'),
      ...(transports.length === 0 ? {} : { transports: [...transports] }),
    })),
  });
  const allowed = credentials.map(({ id }) => Buffer.from(id).toString('base64'));
  const session = sessionOf(party, options.challenge, userId, expiresAt);
  return { options, session: allowed.length === 0 ? session : { ...session, allowed_credentials: allowed } };
}

function sessionOf(
  party: RelyingParty,
  challenge: string,
  userId: string | undefined,
  expiresAt: Date,
): CeremonySession {
  return {
    challenge,
    rpId: party.rpId,
    user_id: userId === undefined ? null : Buffer.from(userId).toString('base64'),
    expires: expiresAt.toISOString(),
    userVerification: 'preferred',
  };
}

/** A ceremony that did not prove what it should; the message is for the log. */
export class CeremonyError extends Error {
  constructor(cause: unknown) {
    super('the authenticator did not prove its credential', { cause });
    this.name = 'CeremonyError';
  }
}

/** Checks challenge, origin, relying party, flags and attestation (WebAuthn, 7.1). Rejects with CeremonyError. */
export async function finishRegistration(
  party: RelyingParty,
  session: Readonly<Record<string, unknown>>,
  response: unknown,
): Promise<RegisteredCredential> {
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: response as RegistrationResponseJSON,
      expectedChallenge: String(session.challenge),
      expectedOrigin: [...party.origins],
      expectedRPID: party.rpId,
      requireUserVerification: false,
      supportedAlgorithmIDs: algorithms,
    });
    if (!verified || registrationInfo === undefined) throw new Error('the attestation does not hold');
    const { credential } = registrationInfo;
    return {
      id: new Uint8Array(Buffer.from(credential.id, 'base64url')),
      publicKey: credential.publicKey,
      signCount: credential.counter,
      transports: credential.transports ?? [],
      aaguid: registrationInfo.aaguid,
      attestationType: registrationInfo.fmt,
      userVerified: registrationInfo.userVerified,
      backupEligible: registrationInfo.credentialDeviceType === 'multiDevice',
      backedUp: registrationInfo.credentialBackedUp,
    };
  } catch (error) {
    throw new CeremonyError(error);
  }
}

/** Checks challenge, origin, relying party, flags, counter and signature (WebAuthn, 7.2). Rejects with CeremonyError. */
export async function finishAuthentication(
  party: RelyingParty,
  session: Readonly<Record<string, unknown>>,
  response: unknown,
  credential: KnownCredential,
): Promise<{ readonly signCount: number; readonly backedUp: boolean; readonly userVerified: boolean }> {
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: response as AuthenticationResponseJSON,
      expectedChallenge: String(session.challenge),
      expectedOrigin: [...party.origins],
      expectedRPID: party.rpId,
      requireUserVerification: false,
      credential: {
        id: Buffer.from(credential.id).toString('base64url'),
        publicKey: new Uint8Array(credential.publicKey),
        counter: credential.signCount,
        transports: [...credential.transports],
      },
    });
    if (!verified) throw new Error('the signature does not hold');
    const { newCounter, credentialBackedUp, userVerified } = authenticationInfo;
    return { signCount: newCounter, backedUp: credentialBackedUp, userVerified };
  } catch (error) {
    throw new CeremonyError(error);
  }
}

/** The credential and the user's handle that an answer names; undefined where it is no such answer. Proves nothing yet. */
export function namedCredential(
  response: unknown,
): { readonly id: Uint8Array; readonly handle: string | undefined } | undefined {
  const { id, response: inner } = (response ?? {}) as { readonly id?: unknown; readonly response?: unknown };
  if (typeof id !== 'string' || !/^[\w-]{1,1400}={0,2}$/.test(id)) return undefined;
  const { userHandle: handle } = (inner ?? {}) as { readonly userHandle?: unknown };
  return {
    id: new Uint8Array(Buffer.from(id, 'base64url')),
    handle: typeof handle === 'string' && handle !== '' ? Buffer.from(handle, 'base64url').toString() : undefined,
  };
}
