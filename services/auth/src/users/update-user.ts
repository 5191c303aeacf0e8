import type { FastifyRequest } from 'fastify';
import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { badRequest, unauthorized, unprocessable } from '../errors.js';
import type { Caller } from '../http/authenticate.js';
import { clientAddress } from '../http/client-address.js';
import { type PreparedMail, prepareEmailChange } from '../mail/prepare-mail.js';
import { hashPassword, verifyPassword } from '../passwords/hash-password.js';
import { resolveRedirect } from '../redirects/resolve-redirect.js';
import { reload } from '../sign-up/sign-up.js';
import { type PreparedSms, prepareSms } from '../sms/prepare-sms.js';
import { ask, askOne, type Run } from '../store/query.js';
import { type FullUser, findUserByPhone, findUserWithEmail, mergeMetadata, updateUser } from '../store/users.js';
import { beginFlow } from '../tokens/begin-flow.js';
import type { Challenge } from '../tokens/pkce.js';
import { confirmEmailChange, confirmPhoneChange } from '../verify/confirm-change.js';
import { useNonce } from './check-nonce.js';
import { replacePassword, updateProviders } from './confirm-user.js';
import type { Channel } from './validate-contact.js';

export interface UserChanges {
  /** '' where it stays as it is. */
  readonly email: string;
  readonly phone: string;
  /** Undefined: it stays. */
  readonly password: string | undefined;
  readonly currentPassword: string;
  readonly nonce: string;
  readonly data: Readonly<Record<string, unknown>> | undefined;
  readonly channel: Channel;
  readonly challenge: Challenge | undefined;
}

export interface UpdatedUser {
  readonly user: FullUser;
  readonly mail: PreparedMail | undefined;
  readonly sms: PreparedSms | undefined;
}

const day = 24 * 3600 * 1000;

/** 401 insufficient_aal, 422 user_sso_managed, validation_failed: what this user may not change, or not in this session. */
export function judgeChanges({ user, session }: Caller, changes: UserChanges): void {
  const password = changes.password !== undefined && changes.password !== '';
  const email = changes.email !== '' && changes.email !== (user.email ?? '');
  const phone = changes.phone !== '' && changes.phone !== (user.phone ?? '');
  const verified = user.factors.some(({ status }) => status === 'verified');
  if (verified && session?.aal !== 'aal2' && (password || email || phone)) {
    throw unauthorized('insufficient_aal', 'AAL2 session is required to update email or password when MFA is enabled.');
  }
  if (user.is_anonymous && password && changes.email === '' && changes.phone === '') {
    throw unprocessable(
      'validation_failed',
      'Updating password of an anonymous user without an email or phone is not allowed',
    );
  }
  if (user.is_sso_user && (password || email || phone || changes.nonce !== '')) {
    throw unprocessable('user_sso_managed', 'Updating email, phone, password of a SSO account only possible via SSO');
  }
}

/** The new password's hash; undefined where it stays. 422 same_password, 400 current_password_required and _invalid. */
export async function checkNewPassword(context: AuthContext, user: FullUser, changes: UserChanges) {
  const { password, currentPassword } = changes;
  if (password === undefined || password === '') return undefined;
  const has = (user.encrypted_password ?? '') !== '';
  if (context.settings.password.requireCurrentPassword && has) {
    if (currentPassword === '') {
      throw badRequest('current_password_required', 'Current password required when setting new password.');
    }
    if (!(await verifyPassword(currentPassword, user.encrypted_password))) {
      throw badRequest('current_password_invalid', 'Current password required when setting new password.');
    }
  }
  if (has && (await verifyPassword(password, user.encrypted_password))) {
    throw unprocessable('same_password', 'New password should be different from the old password.');
  }
  return await hashPassword(password, context.settings.password.bcryptCost);
}

/** Everything in one transaction. What has to be sent is sent by the caller, after it. */
export async function applyChanges(
  run: Run,
  context: AuthContext,
  request: FastifyRequest,
  {
    caller,
    changes,
    passwordHash,
  }: { readonly caller: Caller; readonly changes: UserChanges; readonly passwordHash: string | undefined },
): Promise<UpdatedUser> {
  const { settings } = context;
  const now = context.now();
  const client = clientAddress(request);
  const { session } = caller;
  let user = caller.user;
  await requireFree(run, user, changes);
  if (changes.password !== undefined) {
    const recent =
      session?.created_at !== undefined &&
      session.created_at !== null &&
      now.getTime() <= Date.parse(session.created_at) + day;
    if (settings.password.requireReauthentication && !recent) await useNonce(run, context, user, changes.nonce);
    await ask(
      run,
      ...replacePassword(user.id, passwordHash ?? null, session?.id, now),
      ...recordAudit(context, client, user, 'user_updated_password'),
    );
    user = await reload(run, user.id);
  }
  if (changes.data !== undefined) {
    await askOne(
      run,
      updateUser(user.id, { raw_user_meta_data: mergeMetadata(user.raw_user_meta_data, changes.data) }, now),
    );
    user = await reload(run, user.id);
  }
  const mail = await changeEmail(run, context, request, user, changes);
  if (changes.email !== '') user = await reload(run, user.id);
  const sms = await changePhone(run, context, user, changes);
  await ask(run, ...recordAudit(context, client, user, 'user_modified'));
  return { user: await reload(run, user.id), mail, sms };
}

async function requireFree(run: Run, user: FullUser, { email, phone }: UserChanges): Promise<void> {
  if (email !== '' && email !== user.email) {
    const other = await askOne(run, findUserWithEmail(email, user.aud, user.id));
    if (other !== undefined) {
      throw unprocessable('email_exists', 'A user with this email address has already been registered');
    }
  }
  if (phone !== '' && phone !== user.phone) {
    const other = await askOne(run, findUserByPhone(phone, user.aud));
    if (other !== undefined) {
      throw unprocessable('phone_exists', 'A user with this phone number has already been registered');
    }
  }
}

async function changeEmail(
  run: Run,
  context: AuthContext,
  request: FastifyRequest,
  user: FullUser,
  { email, challenge }: UserChanges,
): Promise<PreparedMail | undefined> {
  if (email === '' || email === user.email) return undefined;
  const { settings } = context;
  if (user.is_anonymous && settings.email.autoconfirm) {
    // Like a sign-up. Others always have to show that the address is theirs.
    await confirmEmailChange(run, context, user, email);
    await askOne(run, updateProviders(user.id, context.now()));
    return undefined;
  }
  const redirectTo = resolveRedirect(request, settings);
  const mail = prepareEmailChange(context, email, { user, redirectTo, pkce: challenge !== undefined });
  const flow = { userId: user.id, provider: 'email_change', authenticationMethod: 'email_change' };
  const flows = challenge === undefined ? [] : [beginFlow(challenge, flow, context.now())];
  await ask(run, ...flows, ...mail.queries);
  return mail;
}

async function changePhone(
  run: Run,
  context: AuthContext,
  user: FullUser,
  { phone, channel }: UserChanges,
): Promise<PreparedSms | undefined> {
  if (phone === '' || phone === user.phone) return undefined;
  if (context.settings.phone.autoconfirm) {
    await confirmPhoneChange(run, context, user, phone);
    await askOne(run, updateProviders(user.id, context.now()));
    return undefined;
  }
  const sms = prepareSms(context, 'phone_change', { user, phone, channel });
  await ask(run, ...sms.queries);
  return sms;
}
