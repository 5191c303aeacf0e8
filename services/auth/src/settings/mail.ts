import { z } from 'zod';

export const mailKinds = [
  'confirmation',
  'recovery',
  'invite',
  'magicLink',
  'emailChange',
  'reauthentication',
] as const;

/** Mails that tell of something done to an account, without a code. */
export const noticeKinds = [
  'passwordChanged',
  'emailChanged',
  'phoneChanged',
  'identityLinked',
  'identityUnlinked',
  'factorEnrolled',
  'factorUnenrolled',
] as const;

export type NoticeKind = (typeof noticeKinds)[number];

export type MailKind = (typeof mailKinds)[number];

const template = z.strictObject({
  /** Text with `{{ .Token }}` and the like. */
  subject: z.string().optional(),
  /** HTML with `{{ .ConfirmationURL }}` and the like. */
  content: z.string().optional(),
});

/** Mail by SMTP; without a server it goes to the inbox in memory, where `inbox` allows that, and else nowhere. */
export const mailSettings = z
  .strictObject({
    smtp: z
      .strictObject({
        host: z.string(),
        port: z.number().int().positive().default(587),
        user: z.string().optional(),
        password: z.string().optional(),
        /** TLS from the start (port 465). Otherwise STARTTLS where the server offers it. */
        tls: z.boolean().default(false),
      })
      .optional(),
    from: z.string().default('admin@email.com'),
    senderName: z.string().optional(),
    /**
     * Keeps mails in memory and shows them as Mailpit does, below /inbox, to anybody who asks: who reads them can sign in as anybody. Default: where
     * there is no SMTP server. Set it to false in production.
     */
    inbox: z.boolean().optional(),
    /** Where links in mails lead, below externalUrl. */
    linkPath: z.string().default('/verify'),
    templates: z.partialRecord(z.enum([...mailKinds, ...noticeKinds]), template).default({}),
    /** Which are sent (GoTrue's MAILER_NOTIFICATIONS_…); none unless said. */
    notifications: z.partialRecord(z.enum(noticeKinds), z.boolean()).default({}),
    timeoutSeconds: z.number().positive().default(10),
  })
  .prefault({})
  .transform((mail) => ({ ...mail, inbox: mail.inbox ?? mail.smtp === undefined }));
