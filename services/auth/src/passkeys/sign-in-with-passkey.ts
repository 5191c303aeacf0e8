import { randomUUID } from 'node:crypto';
import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { badRequest, forbidden } from '../errors.js';
import type { ClientAddress } from '../http/client-address.js';
import { startSession } from '../sessions/start-session.js';
import { type TokenResponse, tokenResponse } from '../sessions/token-response.js';
import { ask } from '../store/query.js';
import { type FullUser, findUserById } from '../store/users.js';
import { insertCeremony } from '../store/webauthn-challenges.js';
import { findPasskeyByCredential, type PasskeyRow, touchPasskey } from '../store/webauthn-credentials.js';
import { isBanned } from '../users/render-user.js';
import { beginAuthentication, finishAuthentication, namedCredential } from '../webauthn/ceremony.js';
import { type PasskeyAnswer, proveOrRefuse, takeCeremony } from './register-passkey.js';

/** POST /passkeys/authentication/options: for anybody. */
export async function passkeySignInOptions(context: AuthContext): Promise<Readonly<Record<string, unknown>>> {
  const { passkeys: settings } = context.settings;
  const now = context.now();
  const expiresAt = new Date(now.getTime() + settings.challengeExpirySeconds * 1000);
  const { options, session } = await beginAuthentication(settings, [], undefined, expiresAt);
  const id = randomUUID();
  await context.write(...insertCeremony({ id, userId: undefined, type: 'authentication', session, expiresAt }, now));
  return { challenge_id: id, options, expires_at: Math.floor(expiresAt.getTime() / 1000) };
}

/** POST /passkeys/authentication/verify: a new session at aal1. Throws ApiError. */
export async function signInWithPasskey(
  context: AuthContext,
  client: ClientAddress,
  answer: PasskeyAnswer,
): Promise<TokenResponse> {
  const session = await takeCeremony(context, answer, 'authentication', undefined);
  const { passkey, user } = await findOwner(context, answer.credential);
  const proof = await proveOrRefuse(context, () =>
    finishAuthentication(context.settings.passkeys, session, answer.credential, {
      id: passkey.credential_id,
      publicKey: passkey.public_key,
      signCount: passkey.sign_count,
      transports: passkey.transports,
    }),
  );
  requireUsable(context, user);
  const started = await context.transaction(async (run) => {
    await ask(
      run,
      touchPasskey(passkey.id, proof.signCount, proof.backedUp, context.now()),
      ...recordAudit(context, client, user, 'login', { passkey_id: passkey.id }),
    );
    return await startSession(run, context, { user, method: 'passkey', client });
  });
  return await tokenResponse(context, started, 'passkey');
}

/** One answer for all: whether a credential is known says nothing to whoever cannot prove it. */
const refused = () => badRequest('webauthn_verification_failed', 'Credential verification failed');

async function findOwner(
  context: AuthContext,
  credential: unknown,
): Promise<{ readonly passkey: PasskeyRow; readonly user: FullUser }> {
  const named = namedCredential(credential);
  if (named === undefined) throw badRequest('webauthn_verification_failed', 'Invalid credential response');
  const [passkey] = await context.write(findPasskeyByCredential(named.id));
  // The handle says for whom the authenticator made the credential; without one it is no passkey.
  if (passkey === undefined || named.handle !== passkey.user_id) throw refused();
  const [user] = await context.read(findUserById(passkey.user_id));
  if (user === undefined) throw refused();
  return { passkey, user };
}

function requireUsable(context: AuthContext, user: FullUser): void {
  if (user.email !== null && user.email !== '' && user.email_confirmed_at === null) {
    throw forbidden('email_not_confirmed', 'Email not confirmed');
  }
  if (user.phone !== null && user.phone !== '' && user.phone_confirmed_at === null) {
    throw forbidden('phone_not_confirmed', 'Phone not confirmed');
  }
  if (isBanned(user, context.now())) throw forbidden('user_banned', 'User is banned');
}
