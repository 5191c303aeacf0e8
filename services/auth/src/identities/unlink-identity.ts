import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { unprocessable } from '../errors.js';
import { lockUser } from '../external/user-changes.js';
import type { ClientAddress } from '../http/client-address.js';
import { notify } from '../mail/notify.js';
import { deleteIdentity } from '../store/identities.js';
import { ask, askOne, type Run } from '../store/query.js';
import { type FullUser, findUserByEmail, type IdentityView, updateUser } from '../store/users.js';
import { updateProviders } from '../users/confirm-user.js';

/** The address that a user has after an identity went: the present one where another identity has it too, else one that is verified. */
export function emailAfterUnlinking(
  current: string | null,
  remaining: readonly IdentityView[],
  autoconfirm: boolean,
): string | null {
  const emails = remaining.map(({ email, identity_data: data }) => ({
    email: email === null || email === '' ? null : email.toLowerCase(),
    verified: autoconfirm || data.email_verified === true,
  }));
  if (current !== null && emails.some(({ email }) => email === current.toLowerCase())) return current;
  return emails.find(({ email, verified }) => email !== null && verified)?.email ?? null;
}

/**
 * DELETE /user/identities/:id, in one transaction. Throws ApiError: 422 single_identity_not_deletable, identity_not_found,
 * email_conflict_identity_not_deletable.
 */
export async function unlinkIdentity(
  context: AuthContext,
  userId: string,
  client: ClientAddress,
  identityId: string,
): Promise<void> {
  const { user, provider } = await context.transaction(async (run) => {
    const user = await lockUser(run, userId);
    if (user.identities.length <= 1) {
      const message = 'User must have at least 1 identity after unlinking';
      throw unprocessable('single_identity_not_deletable', message);
    }
    const identity = user.identities.find(({ id }) => id === identityId.toLowerCase());
    if (identity === undefined) throw unprocessable('identity_not_found', "Identity doesn't exist");
    await ask(
      run,
      deleteIdentity(identity.id),
      ...recordAudit(context, client, user, 'identity_unlinked', {
        identity_id: identity.id,
        provider: identity.provider,
        provider_id: identity.provider_id,
      }),
    );
    if (identity.provider === 'phone') {
      await ask(run, updateUser(user.id, { phone: null, phone_confirmed_at: null }, context.now()));
    } else {
      await moveEmail(run, context, user, identity.id);
    }
    await ask(run, updateProviders(user.id, context.now()));
    return { user, provider: identity.provider };
  });
  await notify(context, 'identityUnlinked', user, { provider });
}

async function moveEmail(run: Run, context: AuthContext, user: FullUser, gone: string): Promise<void> {
  const remaining = user.identities.filter(({ id }) => id !== gone);
  const email = emailAfterUnlinking(user.email, remaining, context.settings.email.autoconfirm);
  if (email === user.email) return;
  if (email !== null) {
    const taken = await askOne(run, findUserByEmail(email, context.settings.jwt.audience));
    if (taken !== undefined && taken.id !== user.id) {
      throw unprocessable('email_conflict_identity_not_deletable', 'Unable to unlink identity due to email conflict');
    }
  }
  const confirmed = email === null ? { email_confirmed_at: null } : {};
  await ask(run, updateUser(user.id, { email, ...confirmed }, context.now()));
}
