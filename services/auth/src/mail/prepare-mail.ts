import type { AuthContext } from '../context.js';
import type { MailKind } from '../settings/mail.js';
import { type OneTimeTokenType, putOneTimeToken } from '../store/one-time-tokens.js';
import type { Query } from '../store/query.js';
import { type FullUser, updateUser } from '../store/users.js';
import { hashToken, newOtp } from '../tokens/hash-token.js';
import { pkcePrefix } from '../tokens/pkce.js';
import { checkFrequency } from '../tokens/sending-frequency.js';
import type { AuthMail } from './mailer.js';

export interface MailOptions {
  readonly user: FullUser;
  readonly redirectTo: string;
  /** The link gives a code, since the sign-in was begun with a challenge. */
  readonly pkce?: boolean;
}

/** What to write in the transaction, and what to send once it is committed. */
export interface PreparedMail {
  readonly queries: readonly Query<unknown>[];
  readonly mails: readonly AuthMail[];
}

type SimpleKind = Exclude<MailKind, 'emailChange'>;

/** Where the code's hash and the time of sending are kept, and the link's type. */
const places: Readonly<
  Record<SimpleKind, { readonly column: 'confirmation' | 'recovery' | 'reauthentication'; readonly linkType: string }>
> = {
  confirmation: { column: 'confirmation', linkType: 'signup' },
  invite: { column: 'confirmation', linkType: 'invite' },
  recovery: { column: 'recovery', linkType: 'recovery' },
  magicLink: { column: 'recovery', linkType: 'magiclink' },
  reauthentication: { column: 'reauthentication', linkType: 'reauthentication' },
};

/** A mail with a code and a link. 429 over_email_send_rate_limit where one was sent just now. The hash is written where GoTrue looks for it. */
export function prepareMail(
  context: AuthContext,
  kind: SimpleKind,
  { user, redirectTo, pkce = false }: MailOptions,
): PreparedMail {
  const now = context.now();
  const { column, linkType } = places[kind];
  if (kind !== 'invite')
    checkFrequency(user[`${column}_sent_at`], context.settings.email.maxFrequencySeconds, now, 'email');
  const to = user.email ?? '';
  const { otp, hash } = newCode(context, to, pkce);
  const type: OneTimeTokenType = `${column}_token`;
  const invited = kind === 'invite' ? { invited_at: now } : {};
  const queries = [
    updateUser(user.id, { [type]: hash, [`${column}_sent_at`]: now, ...invited }, now),
    putOneTimeToken({ userId: user.id, type, hash, relatesTo: to }, now),
  ];
  const sent = { ...user, [`${column}_sent_at`]: now.toISOString() };
  return { queries, mails: skipTests(context, [{ kind, user: sent, to, otp, tokenHash: hash, linkType, redirectTo }]) };
}

/** Mails for a change of address: to the new one, and to the old one as well where both must agree. */
export function prepareEmailChange(
  context: AuthContext,
  newEmail: string,
  { user, redirectTo, pkce = false }: MailOptions,
): PreparedMail {
  const now = context.now();
  const { maxFrequencySeconds, doubleConfirmChanges } = context.settings.email;
  checkFrequency(user.email_change_sent_at, maxFrequencySeconds, now, 'email');
  const current = user.email ?? '';
  const both = doubleConfirmChanges && current !== '';
  const forNew = newCode(context, newEmail, pkce);
  const forCurrent = newCode(context, current, pkce);
  const changing: FullUser = { ...user, email_change: newEmail, email_change_sent_at: now.toISOString() };
  const queries = [
    updateUser(
      user.id,
      {
        email_change: newEmail,
        email_change_token_new: forNew.hash,
        email_change_token_current: both ? forCurrent.hash : '',
        email_change_sent_at: now,
        email_change_confirm_status: 0,
      },
      now,
    ),
    putOneTimeToken({ userId: user.id, type: 'email_change_token_new', hash: forNew.hash, relatesTo: newEmail }, now),
    ...(both
      ? [
          putOneTimeToken(
            { userId: user.id, type: 'email_change_token_current', hash: forCurrent.hash, relatesTo: current },
            now,
          ),
        ]
      : []),
  ];
  const base = { kind: 'emailChange', user: changing, linkType: 'email_change', redirectTo } as const;
  const toNew: AuthMail = { ...base, to: newEmail, otp: forNew.otp, tokenHash: forNew.hash };
  const toCurrent: AuthMail = { ...base, to: current, otp: forCurrent.otp, tokenHash: forCurrent.hash };
  if (!both) return { queries, mails: skipTests(context, [toNew]) };
  // A hook gets both codes at once. Its names are crossed, as GoTrue's are: token goes with token_hash_new.
  const byHook = context.hooks.target('sendEmail') !== undefined;
  const whole: AuthMail = { ...toNew, otp: forCurrent.otp, otpNew: forNew.otp, tokenHashNew: forCurrent.hash };
  return { queries, mails: byHook ? [whole] : skipTests(context, [toCurrent, toNew]) };
}

function newCode(context: AuthContext, to: string, pkce: boolean) {
  const { testOtps, otpLength } = context.settings.email;
  const otp = testOtps[to] ?? newOtp(otpLength);
  return { otp, hash: `${pkce ? pkcePrefix : ''}${hashToken(to, otp)}` };
}

function skipTests(context: AuthContext, mails: readonly AuthMail[]): readonly AuthMail[] {
  return mails.filter(({ to }) => !Object.hasOwn(context.settings.email.testOtps, to));
}

export async function sendMails(context: AuthContext, mails: readonly AuthMail[]): Promise<void> {
  for (const mail of mails) await context.mailer.send(mail);
}
