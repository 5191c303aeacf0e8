import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { notFound, validationFailed } from '../errors.js';
import type { ClientAddress } from '../http/client-address.js';
import { identityData, type ProviderUser } from '../providers/provider-user.js';
import { findIdentity, insertIdentity, updateIdentity } from '../store/identities.js';
import { findOneTimeTokens } from '../store/one-time-tokens.js';
import { ask, askOne, type Run } from '../store/query.js';
import { findUserById } from '../store/users.js';
import { updateProviders } from '../users/confirm-user.js';
import type { Settled } from './settle-identity.js';
import { confirmEmail, lockUser, removeUnconfirmed } from './user-changes.js';

/** Who was invited by a token that is still there; undefined: nobody. */
export async function findInvited(context: AuthContext, token: string): Promise<string | undefined> {
  const [tokens] = await context.read(findOneTimeTokens(token, ['confirmation_token']));
  return tokens[0]?.user_id;
}

/** An invitation that is accepted by signing in at a provider, in the transaction. Throws ApiError: 404 invite_not_found, 400 validation_failed. */
export async function acceptInvite(
  run: Run,
  context: AuthContext,
  client: ClientAddress,
  token: string,
  { provider, user: person }: { readonly provider: string; readonly user: ProviderUser },
): Promise<Settled> {
  const [invite] = await askOne(run, findOneTimeTokens(token, ['confirmation_token']));
  if (invite === undefined) throw notFound('invite_not_found', 'Invite not found');
  const user = await lockUser(run, invite.user_id);
  const address = user.email?.toLowerCase();
  // The provider must vouch for the address: a name that somebody typed into a profile there is no proof.
  if (!person.emails.some(({ email, verified }) => verified && email.toLowerCase() === address)) {
    throw validationFailed('Invited email does not match emails from external provider');
  }
  const now = context.now();
  const { sub } = person.claims;
  const data = { ...identityData(person), sub };
  const known = await askOne(run, findIdentity(sub, provider));
  if (known !== undefined && known.user_id !== user.id) {
    throw validationFailed('The identity already belongs to another user');
  }
  await ask(
    run,
    known === undefined
      ? insertIdentity({ userId: user.id, provider, data }, now)
      : updateIdentity(known.id, { identity_data: data, last_sign_in_at: now }, now),
    ...recordAudit(context, client, user, 'invite_accepted', { provider }),
  );
  await removeUnconfirmed(run, context, user, { provider, sub, data });
  await ask(run, ...confirmEmail(context, user, data));
  await ask(run, updateProviders(user.id, context.now()));
  const updated = await askOne(run, findUserById(user.id));
  if (updated === undefined) throw new Error('the user is gone');
  return { user: updated, created: false, unconfirmed: false };
}
