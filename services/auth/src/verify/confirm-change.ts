import type { AuthContext } from '../context.js';
import { unprocessable } from '../errors.js';
import { insertIdentity, mergeIdentityData } from '../store/identities.js';
import { deleteAllOneTimeTokens } from '../store/one-time-tokens.js';
import { ask, askOne, type Query, type Run } from '../store/query.js';
import { type FullUser, findUserByPhone, findUserWithEmail, mergeMetadata, updateUser } from '../store/users.js';

/** The new address is the user's from now on. 422 email_exists where somebody else took it meanwhile. */
export async function confirmEmailChange(run: Run, context: AuthContext, user: FullUser, email: string): Promise<void> {
  const taken = await askOne(run, findUserWithEmail(email, user.aud, user.id));
  if (taken !== undefined) {
    throw unprocessable('email_exists', 'A user with this email address has already been registered');
  }
  const now = context.now();
  const confirmed =
    user.email_confirmed_at === null
      ? {
          confirmation_token: '',
          email_confirmed_at: now,
          raw_user_meta_data: mergeMetadata(user.raw_user_meta_data, { email_verified: true }),
        }
      : {};
  const values = {
    email,
    email_change: '',
    email_change_token_current: '',
    email_change_token_new: '',
    email_change_confirm_status: 0,
    is_anonymous: false,
    ...confirmed,
  };
  const identity = setIdentity(user, 'email', { email, email_verified: true }, now);
  await ask(run, identity, updateUser(user.id, values, now), deleteAllOneTimeTokens(user.id));
}

/** The same of a number. 422 phone_exists. */
export async function confirmPhoneChange(run: Run, context: AuthContext, user: FullUser, phone: string): Promise<void> {
  const taken = await askOne(run, findUserByPhone(phone, user.aud));
  if (taken !== undefined && taken.id !== user.id) {
    throw unprocessable('phone_exists', 'A user with this phone number has already been registered');
  }
  const now = context.now();
  const values = { phone, phone_change: '', phone_change_token: '', phone_confirmed_at: now, is_anonymous: false };
  const identity = setIdentity(user, 'phone', { phone, phone_verified: true }, now);
  await ask(run, identity, updateUser(user.id, values, now), deleteAllOneTimeTokens(user.id));
}

/** Changes the user's identity of this kind, or makes it. */
export function setIdentity(
  user: FullUser,
  provider: 'email' | 'phone',
  data: Readonly<Record<string, unknown>>,
  now: Date,
): Query<number> {
  if (user.identities.some((identity) => identity.provider === provider)) {
    return mergeIdentityData(user.id, provider, data, now);
  }
  const whole = { sub: user.id, email_verified: false, phone_verified: false, ...data };
  return insertIdentity({ userId: user.id, provider, data: whole }, now);
}
