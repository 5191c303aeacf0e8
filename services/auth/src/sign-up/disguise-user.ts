import { randomUUID } from 'node:crypto';
import type { FullUser } from '../store/users.js';
import type { SignUp } from './sign-up.js';

/** A user that looks newly made: who signs up with a known address must not learn that it is known. */
export function disguiseUser(
  input: Pick<SignUp, 'provider' | 'contact' | 'data'>,
  audience: string,
  now: Date,
): FullUser {
  const time = now.toISOString();
  return {
    id: randomUUID(),
    aud: audience,
    role: '',
    email: input.provider === 'email' ? input.contact : null,
    encrypted_password: null,
    email_confirmed_at: null,
    invited_at: null,
    confirmation_sent_at: time,
    recovery_sent_at: null,
    email_change: '',
    email_change_sent_at: null,
    email_change_confirm_status: 0,
    last_sign_in_at: null,
    raw_app_meta_data: { provider: input.provider, providers: [input.provider] },
    raw_user_meta_data: input.data,
    created_at: time,
    updated_at: time,
    phone: input.provider === 'phone' ? input.contact : null,
    phone_confirmed_at: null,
    phone_change: '',
    phone_change_sent_at: null,
    confirmed_at: null,
    banned_until: null,
    reauthentication_sent_at: null,
    is_sso_user: false,
    deleted_at: null,
    is_anonymous: false,
    identities: [],
    factors: [],
  };
}
