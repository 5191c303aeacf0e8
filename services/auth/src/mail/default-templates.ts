import type { MailKind } from '../settings/mail.js';

const withLink = (title: string, text: string, link: string) =>
  `<h2>${title}</h2>\n\n<p>${text}</p>\n<p><a href="{{ .ConfirmationURL }}">${link}</a></p>\n<p>Or enter the code: {{ .Token }}</p>\n`;

/** What is sent where the settings have no template. */
export const defaultTemplates: Readonly<Record<MailKind, { readonly subject: string; readonly content: string }>> = {
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
};
