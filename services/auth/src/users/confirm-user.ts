import type { AuthContext } from '../context.js';
import { deleteAllOneTimeTokens } from '../store/one-time-tokens.js';
import type { Query } from '../store/query.js';
import { type FullUser, mergeMetadata, updateUser } from '../store/users.js';

/** The address is the user's: whatever was sent to it is used up. */
export function confirmEmail(context: AuthContext, user: FullUser): readonly Query<number>[] {
  const now = context.now();
  const metadata = mergeMetadata(user.raw_user_meta_data, { email_verified: true });
  return [
    updateUser(user.id, { confirmation_token: '', email_confirmed_at: now, raw_user_meta_data: metadata }, now),
    deleteAllOneTimeTokens(user.id),
  ];
}

export function confirmPhone(context: AuthContext, user: FullUser): readonly Query<number>[] {
  const now = context.now();
  return [
    updateUser(user.id, { confirmation_token: '', phone_confirmed_at: now }, now),
    deleteAllOneTimeTokens(user.id),
  ];
}

/** Sets `provider` and `providers` of app_metadata to what the user's identities are. */
export function updateProviders(userId: string, now: Date): Query<number> {
  const sql = `UPDATE auth.users u SET updated_at = $2, raw_app_meta_data = coalesce(u.raw_app_meta_data, '{}') || i.found
    FROM (
      SELECT jsonb_build_object('providers', coalesce(jsonb_agg(provider ORDER BY first), '[]'))
        || coalesce(jsonb_build_object('provider', (array_agg(provider ORDER BY first))[1]), '{}') AS found
      FROM (SELECT provider, min(created_at) AS first FROM auth.identities WHERE user_id = $1 GROUP BY provider) AS each
      HAVING count(*) > 0
    ) AS i WHERE u.id = $1`;
  return { statement: { text: sql, values: [userId, now.toISOString()] }, read: ({ count }) => count };
}

/** A new password: what was sent before is void, and other sessions end (all of them where none is named). */
export function replacePassword(
  userId: string,
  passwordHash: string | null,
  keptSessionId: string | undefined,
  now: Date,
): readonly Query<number>[] {
  return [
    updateUser(
      userId,
      {
        encrypted_password: passwordHash,
        confirmation_token: '',
        confirmation_sent_at: null,
        recovery_token: '',
        recovery_sent_at: null,
        email_change_token_current: '',
        email_change_token_new: '',
        email_change_sent_at: null,
        phone_change_token: '',
        phone_change_sent_at: null,
        reauthentication_token: '',
        reauthentication_sent_at: null,
      },
      now,
    ),
    deleteAllOneTimeTokens(userId),
    {
      statement: {
        text: 'DELETE FROM auth.sessions WHERE user_id = $1 AND ($2::uuid IS NULL OR id <> $2::uuid)',
        values: [userId, keptSessionId ?? null],
      },
      read: ({ count }) => count,
    },
  ];
}
