import { randomUUID } from 'node:crypto';
import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { tooManyRequests, unprocessable, validationFailed } from '../errors.js';
import type { Caller } from '../http/authenticate.js';
import type { ClientAddress } from '../http/client-address.js';
import { insertChallenge, type NewChallenge, touchFactorChallenged } from '../store/mfa-challenges.js';
import { type Factor, findFactorsOfUser } from '../store/mfa-factors.js';
import { newOtp } from '../tokens/hash-token.js';
import { beginAuthentication, beginRegistration } from '../webauthn/ceremony.js';
import { decodeCredential } from '../webauthn/stored-credential.js';
import { isUsableFactor, verifyDisabled } from './factor-methods.js';

/** The address of a client that is not known; the column takes no NULL. */
const unknownAddress = '::';

export function challengeAddress({ ip }: ClientAddress): string {
  return ip === '' ? unknownAddress : ip;
}

/** POST /factors/:id/challenge: a question that a factor answers. Sends the code of a phone factor. Throws ApiError. */
export async function challengeFactor(
  context: AuthContext,
  caller: Caller,
  client: ClientAddress,
  factor: Factor,
  channel: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { factor_type: type } = factor;
  if (!isUsableFactor(type)) throw validationFailed('factor_type needs to be totp, phone, or webauthn');
  const disabled = verifyDisabled(type, context.settings.mfa);
  if (disabled !== undefined) throw unprocessable(disabled.code, disabled.message);
  const now = context.now();
  const expiresAt = new Date(now.getTime() + context.settings.mfa.challengeExpirySeconds * 1000);
  const id = randomUUID();
  const extra =
    type === 'phone'
      ? { otpCode: await sendCode(context, caller, factor, channel, now) }
      : type === 'webauthn'
        ? await ceremony(context, caller, factor, expiresAt)
        : {};
  await storeChallenge(context, caller, client, factor, { id, ...extra });
  return {
    id,
    type,
    expires_at: Math.floor(expiresAt.getTime() / 1000),
    ...('webauthn' in extra ? { webauthn: extra.webauthn } : {}),
  };
}

async function storeChallenge(
  context: AuthContext,
  { user }: Caller,
  client: ClientAddress,
  factor: Factor,
  { id, otpCode, session }: Pick<NewChallenge, 'id' | 'otpCode' | 'session'>,
): Promise<void> {
  const now = context.now();
  await context.write(
    insertChallenge(
      {
        id,
        factorId: factor.id,
        ip: challengeAddress(client),
        ...(otpCode === undefined ? {} : { otpCode }),
        ...(session === undefined ? {} : { session }),
      },
      now,
    ),
    touchFactorChallenged(factor.id, now),
    ...recordAudit(context, client, user, 'challenge_created', { factor_id: factor.id, factor_status: factor.status }),
  );
}

async function sendCode(
  context: AuthContext,
  { user }: Caller,
  factor: Factor,
  channel: string,
  now: Date,
): Promise<string> {
  const { phone: settings } = context.settings.mfa;
  if (channel !== '' && channel !== 'sms' && channel !== 'whatsapp') {
    throw validationFailed("Invalid channel, supported values are 'sms' or 'whatsapp'");
  }
  if (factor.last_challenged_at !== null) {
    const wait = Date.parse(factor.last_challenged_at) + settings.maxFrequencySeconds * 1000 - now.getTime();
    if (wait > 0) {
      const seconds = Math.ceil(wait / 1000);
      const message = `For security purposes, you can only request this after ${seconds} seconds.`;
      throw tooManyRequests('over_sms_send_rate_limit', message, seconds);
    }
  }
  const otp = newOtp(settings.otpLength);
  await context.sms.send({
    phone: factor.phone ?? '',
    channel: channel === 'whatsapp' ? 'whatsapp' : 'sms',
    text: settings.template.replaceAll(/\{\{\s*\.Code\s*\}\}/g, otp),
    otp,
    user,
  });
  return otp;
}

/** An unproved factor registers its credential, a proved one shows that it still has it. */
async function ceremony(context: AuthContext, { user }: Caller, factor: Factor, expiresAt: Date) {
  const [factors] = await context.read(findFactorsOfUser(user.id));
  const known = factors
    .filter(({ factor_type: type, status }) => type === 'webauthn' && status === 'verified')
    .map(({ web_authn_credential: stored }) => decodeCredential(stored))
    .filter((credential) => credential !== undefined);
  if (factor.status === 'unverified') {
    const name = user.email ?? user.phone ?? user.id;
    const { options, session } = await beginRegistration(context.settings.passkeys, {
      userId: user.id,
      userName: name,
      displayName: name,
      exclude: known,
      discoverable: false,
      expiresAt,
    });
    return { session, webauthn: { type: 'create', credential_options: { publicKey: options } } };
  }
  const { options, session } = await beginAuthentication(context.settings.passkeys, known, user.id, expiresAt);
  return { session, webauthn: { type: 'request', credential_options: { publicKey: options } } };
}
