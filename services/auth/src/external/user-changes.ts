import type { AuthContext } from '../context.js';
import { deleteAllOneTimeTokens } from '../store/one-time-tokens.js';
import { ask, askOne, command, type Query, type Run } from '../store/query.js';
import { deleteSessionsOfUser } from '../store/sessions.js';
import { type FullUser, findUserById, mergeMetadata, updateUser } from '../store/users.js';

/** The user, locked until the transaction ends. Throws where it is gone. */
export async function lockUser(run: Run, id: string): Promise<FullUser> {
  const user = await askOne(run, findUserById(id, { forUpdate: true }));
  if (user === undefined) throw new Error('the user is gone');
  return user;
}

/** The address counts as the user's from now on. */
export function confirmEmail(
  context: AuthContext,
  user: FullUser,
  metadata: Readonly<Record<string, unknown>> = user.raw_user_meta_data,
): readonly Query<number>[] {
  const now = context.now();
  const values = {
    email_confirmed_at: now,
    confirmation_token: '',
    raw_user_meta_data: mergeMetadata(metadata, { email_verified: true }),
  };
  return [updateUser(user.id, values, now), deleteAllOneTimeTokens(user.id)];
}

/**
 * Takes away what somebody may have prepared who registered another's address before its owner came: the password, the other ways to sign in, the
 * metadata and any session.
 */
export async function removeUnconfirmed(
  run: Run,
  context: AuthContext,
  user: FullUser,
  keep: { readonly provider: string; readonly sub: string; readonly data: Readonly<Record<string, unknown>> },
): Promise<void> {
  const others = `DELETE FROM auth.identities WHERE user_id = $1 AND NOT (provider = $2 AND provider_id = $3)`;
  await ask(
    run,
    command(others, [user.id, keep.provider, keep.sub]),
    deleteSessionsOfUser(user.id),
    updateUser(user.id, { encrypted_password: null, raw_user_meta_data: keep.data }, context.now()),
  );
}
