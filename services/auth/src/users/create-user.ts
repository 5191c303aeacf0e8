import { randomUUID } from 'node:crypto';
import type { AuthContext } from '../context.js';
import { insertIdentity, type NewIdentity } from '../store/identities.js';
import { ask, askOne, type Query, type Run } from '../store/query.js';
import { type FullUser, findUserById, insertUser } from '../store/users.js';

export interface NewUser {
  readonly email?: string | undefined;
  readonly phone?: string | undefined;
  /** bcrypt; null or missing: there is none. */
  readonly passwordHash?: string | null | undefined;
  readonly userMetadata?: Readonly<Record<string, unknown>> | undefined;
  /** Beside `provider` and `providers`. */
  readonly appMetadata?: Readonly<Record<string, unknown>> | undefined;
  /** What the user signs up with: `email`, `phone`, `google`; '' for anonymous users. */
  readonly provider: string;
  readonly audience?: string | undefined;
  readonly role?: string | undefined;
  readonly isAnonymous?: boolean | undefined;
  readonly isSsoUser?: boolean | undefined;
  /** Confirmed from the start. */
  readonly emailConfirmed?: boolean | undefined;
  readonly phoneConfirmed?: boolean | undefined;
  readonly identity?: Omit<NewIdentity, 'userId' | 'data'> & { readonly data: Readonly<Record<string, unknown>> };
  /** Further columns. */
  readonly columns?: Readonly<Record<string, unknown>> | undefined;
  /** Default: a new one. */
  readonly id?: string | undefined;
}

/**
 * Makes a user, with an identity where one is given (`sub` of its data defaults to the user's id), in the transaction. Hooks are the caller's:
 * beforeUserCreated before the transaction, afterUserCreated after it.
 */
export async function createUser(run: Run, context: AuthContext, user: NewUser): Promise<FullUser> {
  const { id, queries } = planUser(context, user);
  await ask(run, ...queries);
  const made = await askOne(run, findUserById(id));
  if (made === undefined) throw new Error('the user that was just made is not there');
  return made;
}

export function planUser(
  context: AuthContext,
  user: NewUser,
): { readonly id: string; readonly queries: readonly Query<unknown>[] } {
  const now = context.now();
  const id = user.id ?? randomUUID();
  const providers = user.provider === '' ? {} : { provider: user.provider, providers: [user.provider] };
  const row = insertUser({
    id,
    aud: user.audience ?? context.settings.jwt.audience,
    role: user.role ?? context.settings.jwt.defaultRole,
    email: user.email === undefined || user.email === '' ? null : user.email.toLowerCase(),
    phone: user.phone === undefined || user.phone === '' ? null : user.phone,
    encrypted_password: user.passwordHash ?? null,
    email_confirmed_at: user.emailConfirmed === true ? now : null,
    phone_confirmed_at: user.phoneConfirmed === true ? now : null,
    raw_app_meta_data: { ...providers, ...user.appMetadata },
    raw_user_meta_data: user.userMetadata ?? {},
    created_at: now,
    updated_at: now,
    is_anonymous: user.isAnonymous ?? false,
    is_sso_user: user.isSsoUser ?? false,
    ...user.columns,
  });
  if (user.identity === undefined) return { id, queries: [row] };
  const { sub, ...rest } = user.identity.data;
  const data = { sub: typeof sub === 'string' && sub !== '' ? sub : id, ...rest };
  return { id, queries: [row, insertIdentity({ userId: id, provider: user.identity.provider, data }, now)] };
}
