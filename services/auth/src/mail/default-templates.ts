import type { MailKind, NoticeKind } from '../settings/mail.js';

const withLink = (title: string, text: string, link: string) =>
  `<h2>${title}</h2>\n\n<p>${text}</p>\n<p><a href="{{ .ConfirmationURL }}">${link}</a></p>\n<p>Or enter the code: {{ .Token }}</p>\n`;

const notice = (title: string, text: string) =>
  `<h2>${title}</h2>\n\n<p>${text}</p>\n<p>If that was not you, contact us at once.</p>\n`;

/** What is sent where the settings have no template. */
export const defaultTemplates: Readonly<
  Record<MailKind | NoticeKind, { readonly subject: string; readonly content: string }>
> = {
  confirmation: {
    subject: 'Confirm Your Email',
    content: withLink('Confirm your address', 'Follow this link to finish signing up:', 'Confirm your email address'),
  },
  recovery: {
    subject: 'Reset Your Password',
    content: withLink('Reset your password', 'Follow this link to choose a new password:', 'Reset password'),
  },
  invite: {
    subject: 'You have been invited',
    content: withLink(
      'You have been invited',
      'You have been invited to create an account on {{ .SiteURL }}. Follow this link to accept:',
      'Accept the invitation',
    ),
  },
  magicLink: {
    subject: 'Your Magic Link',
    content: withLink('Sign in', 'Follow this link to sign in:', 'Sign in'),
  },
  emailChange: {
    subject: 'Confirm Email Change',
    content: withLink(
      'Confirm the change of your address',
      'Follow this link to confirm the change from {{ .Email }} to {{ .NewEmail }}:',
      'Change email address',
    ),
  },
  reauthentication: {
    subject: 'Confirm reauthentication',
    content: '<h2>Confirm that it is you</h2>\n\n<p>Enter the code: {{ .Token }}</p>\n',
  },
  passwordChanged: {
    subject: 'Your password has been changed',
    content: notice('Your password has been changed', 'The password of your account {{ .Email }} has been changed.'),
  },
  emailChanged: {
    subject: 'Your email address has been changed',
    content: notice(
      'Your email address has been changed',
      'The address of your account has been changed from {{ .OldEmail }} to {{ .Email }}.',
    ),
  },
  phoneChanged: {
    subject: 'Your phone number has been changed',
    content: notice(
      'Your phone number has been changed',
      'The number of your account {{ .Email }} has been changed{{ if .OldPhone }} from {{ .OldPhone }}{{ end }} to {{ .Phone }}.',
    ),
  },
  identityLinked: {
    subject: 'A new identity has been linked',
    content: notice(
      'A new identity has been linked',
      'One can sign in to your account {{ .Email }} by {{ .Provider }} now.',
    ),
  },
  identityUnlinked: {
    subject: 'An identity has been unlinked',
    content: notice(
      'An identity has been unlinked',
      'One can no longer sign in to your account {{ .Email }} by {{ .Provider }}.',
    ),
  },
  factorEnrolled: {
    subject: 'A new MFA factor has been enrolled',
    content: notice(
      'A new second factor has been enrolled',
      'A factor ({{ .FactorType }}) has been added to your account {{ .Email }}.',
    ),
  },
  factorUnenrolled: {
    subject: 'An MFA factor has been unenrolled',
    content: notice(
      'A second factor has been unenrolled',
      'A factor ({{ .FactorType }}) has been removed from your account {{ .Email }}.',
    ),
  },
};
