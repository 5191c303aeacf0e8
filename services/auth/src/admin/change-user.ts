import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { unprocessable } from '../errors.js';
import type { ClientAddress } from '../http/client-address.js';
import { reload } from '../sign-up/sign-up.js';
import { insertIdentity } from '../store/identities.js';
import { ask, askOne, type Query, type Run } from '../store/query.js';
import { type FullUser, findUserByPhone, findUserWithEmail, mergeMetadata, updateUser } from '../store/users.js';
import { confirmEmail, confirmPhone, replacePassword } from '../users/confirm-user.js';
import { createUser } from '../users/create-user.js';
import { setIdentity } from '../verify/confirm-change.js';
import type { readAdminUser } from './user-body.js';

export type AdminUser = ReturnType<typeof readAdminUser>;

/** 422 email_exists, phone_exists. */
export async function requireFreeContacts(
  run: Run,
  context: AuthContext,
  body: AdminUser,
  except?: FullUser,
): Promise<void> {
  const audience = body.aud || (except?.aud ?? context.settings.jwt.audience);
  if (body.email !== '' && body.email !== except?.email) {
    const other = await askOne(run, findUserWithEmail(body.email, audience, except?.id));
    if (other !== undefined) {
      throw unprocessable('email_exists', 'A user with this email address has already been registered');
    }
  }
  if (body.phone !== '' && body.phone !== except?.phone) {
    const other = await askOne(run, findUserByPhone(body.phone, audience));
    if (other !== undefined) throw unprocessable('phone_exists', 'Phone number already registered by another user');
  }
}

export async function createByAdmin(
  run: Run,
  context: AuthContext,
  client: ClientAddress,
  body: AdminUser,
  passwordHash: string,
): Promise<FullUser> {
  const now = context.now();
  const providers = [...(body.email === '' ? [] : ['email']), ...(body.phone === '' ? [] : ['phone'])];
  const made = await createUser(run, context, {
    ...(body.id === '' ? {} : { id: body.id.toLowerCase() }),
    email: body.email,
    phone: body.phone,
    passwordHash,
    provider: providers[0] ?? '',
    audience: body.aud === '' ? undefined : body.aud,
    role: body.role === '' ? undefined : body.role.trim(),
    userMetadata: body.user_metadata,
    appMetadata: { ...mergeMetadata({ providers }, body.app_metadata ?? {}) },
    columns: body.bannedUntil === undefined ? {} : { banned_until: body.bannedUntil },
  });
  const identity = (provider: string, data: Readonly<Record<string, unknown>>) =>
    insertIdentity(
      { userId: made.id, provider, data: { sub: made.id, email_verified: false, phone_verified: false, ...data } },
      now,
    );
  const traits = { user_id: made.id, user_email: made.email, user_phone: made.phone };
  await ask(
    run,
    ...(body.email === '' ? [] : [identity('email', { email: body.email })]),
    ...(body.phone === '' ? [] : [identity('phone', { phone: body.phone })]),
    ...recordAudit(context, client, 'service_role', 'user_signedup', traits),
    ...(body.email_confirm ? confirmEmail(context, made) : []),
    ...(body.phone_confirm ? confirmPhone(context, made) : []),
  );
  return await reload(run, made.id);
}

export async function changeByAdmin(
  run: Run,
  context: AuthContext,
  client: ClientAddress,
  {
    user,
    body,
    passwordHash,
  }: { readonly user: FullUser; readonly body: AdminUser; readonly passwordHash: string | null | undefined },
): Promise<FullUser> {
  const now = context.now();
  const permanent =
    user.is_anonymous && ((body.email !== '' && body.email_confirm) || (body.phone !== '' && body.phone_confirm));
  const confirmed = body.email_confirm ? { email_verified: true } : {};
  const values = {
    ...(body.role === '' ? {} : { role: body.role.trim() }),
    ...(body.email === '' ? {} : { email: body.email }),
    ...(body.phone === '' ? {} : { phone: body.phone }),
    ...(permanent ? { is_anonymous: false } : {}),
    ...(body.bannedUntil === undefined ? {} : { banned_until: body.bannedUntil }),
    ...(body.app_metadata === undefined
      ? {}
      : { raw_app_meta_data: mergeMetadata(user.raw_app_meta_data, body.app_metadata) }),
    raw_user_meta_data: mergeMetadata({ ...user.raw_user_meta_data, ...confirmed }, body.user_metadata ?? {}),
  };
  const identities: readonly Query<number>[] = [
    ...(body.email === ''
      ? []
      : [setIdentity(user, 'email', { email: body.email, email_verified: body.email_confirm }, now)]),
    ...(body.phone === ''
      ? []
      : [setIdentity(user, 'phone', { phone: body.phone, phone_verified: body.phone_confirm }, now)]),
  ];
  const traits = { user_id: user.id, user_email: user.email, user_phone: user.phone };
  await ask(
    run,
    ...(body.email_confirm ? confirmEmail(context, user) : []),
    ...(body.phone_confirm ? confirmPhone(context, user) : []),
    ...(passwordHash === undefined ? [] : replacePassword(user.id, passwordHash, undefined, now)),
    ...identities,
    updateUser(user.id, values, now),
    ...recordAudit(context, client, 'service_role', 'user_modified', traits),
  );
  return await reload(run, user.id);
}
