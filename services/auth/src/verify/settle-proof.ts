import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import type { ClientAddress } from '../http/client-address.js';
import { reload } from '../sign-up/sign-up.js';
import { mergeIdentityData } from '../store/identities.js';
import { deleteOneTimeTokens } from '../store/one-time-tokens.js';
import { ask, type Query, type Run } from '../store/query.js';
import { type FullUser, updateUser } from '../store/users.js';
import { confirmEmail, confirmPhone, updateProviders } from '../users/confirm-user.js';
import { confirmEmailChange, confirmPhoneChange } from './confirm-change.js';
import type { Proved } from './find-verified.js';

/** What the other address' owner is told to do next. */
export const halfConfirmed = 'Confirmation link accepted. Please proceed to confirm link sent to the other email';

/** Does what was proved: the user as it is then; undefined where the other address must agree as well. */
export async function settleProof(
  run: Run,
  context: AuthContext,
  client: ClientAddress,
  proved: Proved,
): Promise<FullUser | undefined> {
  const { user } = proved;
  const now = context.now();
  const audit = (action: Parameters<typeof recordAudit>[3]) => recordAudit(context, client, user, action);
  switch (proved.type) {
    case 'signup':
    case 'invite':
      await ask(run, ...audit('user_signedup'), ...confirmEmail(context, user), ...verifyIdentities(user, now));
      break;
    case 'recovery':
    case 'magiclink': {
      const confirm = user.email_confirmed_at === null ? confirmEmail(context, user) : [];
      await ask(
        run,
        updateUser(user.id, { recovery_token: '' }, now),
        deleteOneTimeTokens(user.id, ['recovery_token']),
        ...audit(confirm.length > 0 ? 'user_signedup' : 'login'),
        ...confirm,
      );
      break;
    }
    case 'email_change':
      if (mustAgreeTwice(context, user)) {
        await ask(run, ...acceptHalf(user, proved, now));
        return undefined;
      }
      await ask(run, ...audit('user_modified'));
      await confirmEmailChange(run, context, user, user.email_change);
      break;
    case 'sms': {
      const permanent = user.is_anonymous ? [updateUser(user.id, { is_anonymous: false }, now)] : [];
      await ask(run, ...audit('user_signedup'), ...confirmPhone(context, user), ...permanent);
      break;
    }
    case 'phone_change':
      await ask(run, ...audit('user_modified'));
      await confirmPhoneChange(run, context, user, user.phone_change);
      break;
  }
  await ask(run, updateProviders(user.id, now));
  return await reload(run, user.id);
}

function mustAgreeTwice({ settings }: AuthContext, user: FullUser): boolean {
  const { autoconfirm, doubleConfirmChanges } = settings.email;
  return !autoconfirm && doubleConfirmChanges && user.email_change_confirm_status === 0 && (user.email ?? '') !== '';
}

function acceptHalf(user: FullUser, { tokenType }: Proved, now: Date): readonly Query<number>[] {
  const type = tokenType === 'email_change_token_current' ? tokenType : 'email_change_token_new';
  return [
    updateUser(user.id, { email_change_confirm_status: 1, [type]: '' }, now),
    deleteOneTimeTokens(user.id, [type]),
  ];
}

function verifyIdentities(user: FullUser, now: Date): readonly Query<number>[] {
  return user.identities
    .filter(({ email }) => email !== null && email !== '' && email === user.email)
    .map(({ provider }) => mergeIdentityData(user.id, provider, { email_verified: true }, now));
}
