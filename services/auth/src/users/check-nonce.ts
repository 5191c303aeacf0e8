import type { AuthContext } from '../context.js';
import { badRequest, unprocessable } from '../errors.js';
import { deleteOneTimeTokens, findOneTimeTokens } from '../store/one-time-tokens.js';
import { ask, askOne, type Run } from '../store/query.js';
import { type FullUser, updateUser } from '../store/users.js';
import { hashToken } from '../tokens/hash-token.js';
import { isExpired } from '../tokens/sending-frequency.js';

/** Uses the code of /reauthenticate up. 422 reauthentication_not_valid, 400 reauthentication_needed without one. */
export async function useNonce(run: Run, context: AuthContext, user: FullUser, nonce: string): Promise<void> {
  if (nonce === '') throw badRequest('reauthentication_needed', 'Password update requires reauthentication');
  const contact = user.email ?? user.phone ?? '';
  const { otpExpirySeconds } = context.settings[(user.email ?? '') === '' ? 'phone' : 'email'];
  const tokens = await askOne(run, findOneTimeTokens(hashToken(contact, nonce), ['reauthentication_token']));
  const found = contact !== '' && tokens.some((token) => token.user_id === user.id);
  if (!found || isExpired(user.reauthentication_sent_at, otpExpirySeconds, context.now())) {
    throw unprocessable('reauthentication_not_valid', 'Nonce has expired or is invalid');
  }
  await ask(
    run,
    updateUser(user.id, { reauthentication_token: '' }, context.now()),
    deleteOneTimeTokens(user.id, ['reauthentication_token']),
  );
}
