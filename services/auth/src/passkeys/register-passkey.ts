import { randomUUID } from 'node:crypto';
import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { badRequest, unprocessable, validationFailed } from '../errors.js';
import type { Caller } from '../http/authenticate.js';
import type { ClientAddress } from '../http/client-address.js';
import { isUuid } from '../http/parse-body.js';
import { ask } from '../store/query.js';
import { findUserById } from '../store/users.js';
import { type CeremonyType, consumeCeremony, insertCeremony } from '../store/webauthn-challenges.js';
import { findPasskeysOfUser, insertPasskey } from '../store/webauthn-credentials.js';
import {
  beginRegistration,
  CeremonyError,
  finishRegistration,
  type RegisteredCredential,
} from '../webauthn/ceremony.js';
import { passkeyName } from './passkeys.js';

const tooMany = () => unprocessable('too_many_passkeys', 'Maximum number of passkeys reached');

/** POST /passkeys/registration/options. Throws ApiError. */
export async function passkeyRegistrationOptions(
  context: AuthContext,
  { user }: Caller,
): Promise<Readonly<Record<string, unknown>>> {
  const { passkeys: settings } = context.settings;
  const [known] = await context.read(findPasskeysOfUser(user.id));
  if (known.length >= settings.maxPerUser) throw tooMany();
  const now = context.now();
  const expiresAt = new Date(now.getTime() + settings.challengeExpirySeconds * 1000);
  const name = user.email ?? user.phone ?? user.id;
  const fullName = user.raw_user_meta_data.name;
  const { options, session } = await beginRegistration(settings, {
    userId: user.id,
    userName: name,
    displayName: typeof fullName === 'string' && fullName !== '' ? fullName : name,
    exclude: known.map(({ credential_id: id, transports }) => ({ id, transports })),
    discoverable: true,
    expiresAt,
  });
  const id = randomUUID();
  await context.write(...insertCeremony({ id, userId: user.id, type: 'registration', session, expiresAt }, now));
  return { challenge_id: id, options, expires_at: Math.floor(expiresAt.getTime() / 1000) };
}

/** POST /passkeys/registration/verify. Throws ApiError. */
export async function registerPasskey(
  context: AuthContext,
  { user }: Caller,
  client: ClientAddress,
  answer: PasskeyAnswer,
): Promise<Readonly<Record<string, unknown>>> {
  const session = await takeCeremony(context, answer, 'registration', user.id);
  const credential = await proveOrRefuse(context, () =>
    finishRegistration(context.settings.passkeys, session, answer.credential),
  );
  const id = randomUUID();
  const now = context.now();
  await store(context, user.id, id, credential, now);
  await context.write(...recordAudit(context, client, user, 'passkey_created', { passkey_id: id }));
  return { id, friendly_name: passkeyName(credential.aaguid), created_at: now.toISOString() };
}

async function store(
  context: AuthContext,
  userId: string,
  id: string,
  credential: RegisteredCredential,
  now: Date,
): Promise<void> {
  try {
    await context.transaction(async (run) => {
      // The user's row is the lock under which passkeys are counted.
      const [, known] = await ask(run, findUserById(userId, { forUpdate: true }), findPasskeysOfUser(userId));
      if (known.length >= context.settings.passkeys.maxPerUser) throw tooMany();
      await ask(
        run,
        insertPasskey(
          {
            id,
            userId,
            credentialId: credential.id,
            publicKey: credential.publicKey,
            attestationType: credential.attestationType,
            aaguid: credential.aaguid,
            signCount: credential.signCount,
            transports: credential.transports,
            backupEligible: credential.backupEligible,
            backedUp: credential.backedUp,
            friendlyName: passkeyName(credential.aaguid),
          },
          now,
        ),
      );
    });
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== '23505') throw error;
    throw unprocessable('webauthn_credential_exists', 'This credential is already registered');
  }
}

export interface PasskeyAnswer {
  readonly challengeId: string;
  readonly credential: unknown;
}

/** The ceremony that an answer is for; it is gone from then on, whatever the answer proves. Throws ApiError. */
export async function takeCeremony(
  context: AuthContext,
  { challengeId, credential }: PasskeyAnswer,
  type: CeremonyType,
  userId: string | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  if (challengeId === '') throw validationFailed('challenge_id is required');
  if (typeof credential !== 'object' || credential === null) throw validationFailed('credential is required');
  if (!isUuid(challengeId)) throw validationFailed('challenge_id must be a valid UUID');
  const [ceremony] = await context.write(consumeCeremony(challengeId, type, userId));
  if (ceremony === undefined) {
    throw badRequest('webauthn_challenge_not_found', 'Challenge not found or already used');
  }
  if (Date.parse(ceremony.expires_at ?? '') < context.now().getTime()) {
    throw badRequest('webauthn_challenge_expired', 'Challenge has expired');
  }
  return ceremony.session_data;
}

/** 400 webauthn_verification_failed where the ceremony proves nothing. */
export async function proveOrRefuse<T>(context: AuthContext, prove: () => Promise<T>): Promise<T> {
  try {
    return await prove();
  } catch (error) {
    if (!(error instanceof CeremonyError)) throw error;
    context.log.info({ err: error.cause }, 'a passkey was not proved');
    throw badRequest('webauthn_verification_failed', 'Credential verification failed');
  }
}
