import type { FactorView, FullUser, IdentityView } from '../store/users.js';

type Json = Readonly<Record<string, unknown>>;

/** A user as clients see it: GoTrue's names and order; what is empty is left out where GoTrue leaves it out. */
export function renderUser(user: FullUser): Json {
  return {
    id: user.id,
    aud: user.aud,
    role: user.role,
    email: user.email ?? '',
    ...present('email_confirmed_at', user.email_confirmed_at),
    ...present('invited_at', user.invited_at),
    phone: user.phone ?? '',
    ...present('phone_confirmed_at', user.phone_confirmed_at),
    ...present('confirmation_sent_at', user.confirmation_sent_at),
    ...present('confirmed_at', user.confirmed_at),
    ...present('recovery_sent_at', user.recovery_sent_at),
    ...present('new_email', user.email_change),
    ...present('email_change_sent_at', user.email_change_sent_at),
    ...present('new_phone', user.phone_change),
    ...present('phone_change_sent_at', user.phone_change_sent_at),
    ...present('reauthentication_sent_at', user.reauthentication_sent_at),
    ...present('last_sign_in_at', user.last_sign_in_at),
    app_metadata: user.raw_app_meta_data,
    user_metadata: user.raw_user_meta_data,
    ...(user.factors.length === 0 ? {} : { factors: user.factors.map(renderFactor) }),
    identities: user.identities.map(renderIdentity),
    created_at: user.created_at,
    updated_at: user.updated_at,
    ...present('banned_until', user.banned_until),
    ...present('deleted_at', user.deleted_at),
    is_anonymous: user.is_anonymous,
  };
}

export function renderIdentity(identity: IdentityView): Json {
  return {
    identity_id: identity.id,
    id: identity.provider_id,
    user_id: identity.user_id,
    identity_data: identity.identity_data,
    provider: identity.provider,
    ...present('last_sign_in_at', identity.last_sign_in_at),
    ...present('created_at', identity.created_at),
    ...present('updated_at', identity.updated_at),
    ...present('email', identity.email),
  };
}

export function renderFactor(factor: FactorView): Json {
  return {
    id: factor.id,
    created_at: factor.created_at,
    updated_at: factor.updated_at,
    status: factor.status,
    ...present('friendly_name', factor.friendly_name),
    factor_type: factor.factor_type,
    ...present('phone', factor.phone),
    ...present('last_challenged_at', factor.last_challenged_at),
  };
}

function present(name: string, value: string | null): Json {
  return value === null || value === '' ? {} : { [name]: value };
}

export function isBanned(user: Pick<FullUser, 'banned_until'>, now: Date): boolean {
  return user.banned_until !== null && Date.parse(user.banned_until) > now.getTime();
}
