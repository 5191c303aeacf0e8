import type { AuthContext } from '../context.js';
import type { NoticeKind } from '../settings/mail.js';
import type { FullUser } from '../store/users.js';
import type { NoticeDetails } from './mailer.js';

/** `email_action_type` of the hook send_email. */
const actions: Readonly<Record<NoticeKind, string>> = {
  passwordChanged: 'password_changed_notification',
  emailChanged: 'email_changed_notification',
  phoneChanged: 'phone_changed_notification',
  identityLinked: 'identity_linked_notification',
  identityUnlinked: 'identity_unlinked_notification',
  factorEnrolled: 'mfa_factor_enrolled_notification',
  factorUnenrolled: 'mfa_factor_unenrolled_notification',
};

/**
 * Tells a user by mail what was done to the account, where the settings say so and there is an address. It was done, so a mail that cannot be sent
 * is logged and fails nothing.
 */
export async function notify(
  context: AuthContext,
  kind: NoticeKind,
  user: FullUser,
  details: NoticeDetails = {},
): Promise<void> {
  // Whoever took an account over owns the new address: the old one is told.
  const to = details.oldEmail ?? user.email ?? '';
  if (context.settings.mail.notifications[kind] !== true || to === '') return;
  const linkType = actions[kind];
  try {
    await context.mailer.send({ kind, user, to, otp: '', tokenHash: '', linkType, redirectTo: '', details });
  } catch (error) {
    context.log.warn({ err: error }, `the mail ${linkType} was not sent`);
  }
}

/** Tells of another address or number. */
export async function notifyContactChange(context: AuthContext, before: FullUser, after: FullUser): Promise<void> {
  const [oldEmail, oldPhone] = [before.email ?? '', before.phone ?? ''];
  if (oldEmail !== '' && after.email !== before.email) await notify(context, 'emailChanged', after, { oldEmail });
  if ((after.phone ?? '') !== oldPhone) await notify(context, 'phoneChanged', after, { oldPhone });
}
