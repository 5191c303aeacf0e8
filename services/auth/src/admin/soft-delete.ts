import { createHash } from 'node:crypto';
import { deleteAllOneTimeTokens } from '../store/one-time-tokens.js';
import type { Query } from '../store/query.js';
import { deleteSessionsOfUser } from '../store/sessions.js';
import { type FullUser, updateUser } from '../store/users.js';

/** What says who the user was becomes a hash that only the same values give again (supabase/auth, internal/models/user.go). */
function obscure(id: string, value: string): string {
  return createHash('sha256')
    .update(id + value)
    .digest('base64url');
}

/** The row stays, for those that refer to it; nothing personal does. */
export function softDelete(user: FullUser, now: Date): readonly Query<number>[] {
  const values = {
    email: obscure(user.id, user.email ?? ''),
    phone: obscure(user.id, user.phone ?? '').slice(0, 15),
    email_change: obscure(user.id, user.email_change),
    phone_change: obscure(user.id, user.phone_change).slice(0, 15),
    encrypted_password: null,
    confirmation_token: '',
    recovery_token: '',
    email_change_token_current: '',
    email_change_token_new: '',
    phone_change_token: '',
    raw_user_meta_data: {},
    raw_app_meta_data: {},
    deleted_at: now,
  };
  const identities = user.identities.map(
    ({ id, provider, provider_id: providerId }): Query<number> => ({
      statement: {
        text: "UPDATE auth.identities SET identity_data = '{}', provider_id = $2, updated_at = $3 WHERE id = $1",
        values: [id, obscure(user.id, `${provider}:${providerId}`), now.toISOString()],
      },
      read: ({ count }) => count,
    }),
  );
  const factors: Query<number> = {
    statement: { text: 'DELETE FROM auth.mfa_factors WHERE user_id = $1', values: [user.id] },
    read: ({ count }) => count,
  };
  return [
    updateUser(user.id, values, now),
    ...identities,
    factors,
    deleteAllOneTimeTokens(user.id),
    deleteSessionsOfUser(user.id),
  ];
}
