import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { badRequest, notFound, unprocessable } from '../errors.js';
import type { Settled } from '../external/settle-identity.js';
import { confirmEmail, lockUser } from '../external/user-changes.js';
import type { ClientAddress } from '../http/client-address.js';
import { identityData, type ProviderUser } from '../providers/provider-user.js';
import { findIdentity, insertIdentity } from '../store/identities.js';
import { ask, askOne, type Run } from '../store/query.js';
import { findUserByEmail, findUserById, updateUser } from '../store/users.js';
import { updateProviders } from '../users/confirm-user.js';

/** 404 manual_linking_disabled where users may not link identities themselves. */
export function requireManualLinking({ settings }: AuthContext): void {
  if (!settings.identities.manualLinking) throw notFound('manual_linking_disabled', 'Manual linking is disabled');
}

/**
 * Gives a user, in the transaction, one more way to sign in. A user without an address takes the provider's. Throws ApiError: 422
 * identity_already_exists, 400 email_exists.
 */
export async function linkIdentity(
  run: Run,
  context: AuthContext,
  client: ClientAddress,
  userId: string,
  { provider, user: person }: { readonly provider: string; readonly user: ProviderUser },
): Promise<Settled> {
  const now = context.now();
  const { sub } = person.claims;
  const user = await lockUser(run, userId);
  const known = await askOne(run, findIdentity(sub, provider));
  if (known !== undefined) {
    const whose = known.user_id === user.id ? '' : ' to another user';
    throw unprocessable('identity_already_exists', `Identity is already linked${whose}`);
  }
  const data = { ...identityData(person), sub };
  await ask(
    run,
    insertIdentity({ userId: user.id, provider, data }, now),
    ...recordAudit(context, client, user, 'identity_linked', { provider, provider_id: sub }),
  );
  const unconfirmed = user.email === null || user.email === '' ? await takeEmail(run, context, user.id, person) : false;
  await ask(run, updateProviders(user.id, context.now()));
  const updated = await askOne(run, findUserById(user.id));
  if (updated === undefined) throw new Error('the user is gone');
  return { user: updated, created: false, unconfirmed };
}

/** Whether the address that the user now has must be confirmed first. */
async function takeEmail(run: Run, context: AuthContext, userId: string, person: ProviderUser): Promise<boolean> {
  const chosen = person.emails.find(({ primary }) => primary) ?? person.emails.at(-1);
  if (chosen === undefined) return false;
  const email = chosen.email.toLowerCase();
  const taken = await askOne(run, findUserByEmail(email, context.settings.jwt.audience));
  if (taken !== undefined) {
    throw badRequest('email_exists', 'A user with this email address has already been registered');
  }
  await ask(run, updateUser(userId, { email }, context.now()));
  if (!chosen.verified && !context.settings.email.autoconfirm) return true;
  const user = await lockUser(run, userId);
  await ask(run, ...confirmEmail(context, user), updateUser(userId, { is_anonymous: false }, context.now()));
  return false;
}
