import type { MailKind, NoticeKind } from '../settings/mail.js';
import type { FullUser } from '../store/users.js';

/** What a notice tells, each where it bears on it. */
export interface NoticeDetails {
  readonly oldEmail?: string;
  readonly oldPhone?: string;
  readonly provider?: string;
  readonly factorType?: string;
}

export interface AuthMail {
  readonly kind: MailKind | NoticeKind;
  readonly user: FullUser;
  /** Whom it goes to; differs from the user's address where that changes. */
  readonly to: string;
  /** The code to type. */
  readonly otp: string;
  /** What the link carries, `pkce_` included; '' without a link. */
  readonly tokenHash: string;
  /** `type` of the link: signup, recovery, invite, magiclink, email_change. */
  readonly linkType: string;
  readonly redirectTo: string;
  /** Of a change: the second code, for the new address (hook send_email sends both at once). */
  readonly otpNew?: string;
  readonly tokenHashNew?: string;
  readonly details?: NoticeDetails;
}

export interface SentMail {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly html: string;
  readonly createdAt: string;
}

export interface Mailer extends AsyncDisposable {
  /** By the hook, SMTP or the inbox. 429 over_email_send_rate_limit, 400 email_address_not_authorized, 500 where it cannot be sent. */
  send(mail: AuthMail): Promise<void>;
  /** What was kept in memory, newest first. */
  readonly inbox: Inbox;
}

export interface Inbox {
  list(): readonly SentMail[];
  find(id: string): SentMail | undefined;
  /** All of them. */
  clear(): void;
}
