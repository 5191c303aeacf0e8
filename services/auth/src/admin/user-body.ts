import { z } from 'zod';
import type { AuthContext } from '../context.js';
import { validationFailed } from '../errors.js';
import { optionalBoolean, optionalObject, optionalString } from '../http/parse-body.js';
import { isKnownHash } from '../passwords/hash-password.js';
import { validateEmail, validatePhone } from '../users/validate-contact.js';
import { readBanDuration } from './ban-duration.js';

export const adminUserSchema = z.object({
  id: optionalString,
  aud: optionalString,
  role: optionalString,
  email: optionalString,
  phone: optionalString,
  password: z
    .string()
    .nullish()
    .transform((value) => value ?? undefined),
  password_hash: optionalString,
  email_confirm: optionalBoolean,
  phone_confirm: optionalBoolean,
  user_metadata: optionalObject,
  app_metadata: optionalObject,
  ban_duration: optionalString,
});

export type AdminUserBody = z.output<typeof adminUserSchema>;

/** With checked contacts, and the end of the ban: undefined where it stays, null where it ends. */
export function readAdminUser(context: AuthContext, body: AdminUserBody) {
  const ban = body.ban_duration === '' ? undefined : readBanDuration(body.ban_duration);
  if (body.password_hash !== '' && !isKnownHash(body.password_hash)) {
    throw validationFailed('The password hash is of no known kind: bcrypt or Firebase scrypt is expected');
  }
  return {
    ...body,
    email: body.email === '' ? '' : validateEmail(body.email),
    phone: body.phone === '' ? '' : validatePhone(body.phone),
    bannedUntil: ban === undefined ? undefined : ban === 0 ? null : new Date(context.now().getTime() + ban),
  };
}
