import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { AuthContext } from '../context.js';
import { clientAddress } from '../http/client-address.js';
import type { FullUser } from '../store/users.js';
import type { NewUser } from './create-user.js';
import { renderUser } from './render-user.js';

function metadata(context: AuthContext, request: FastifyRequest, name: string) {
  return { uuid: randomUUID(), time: context.now().toISOString(), name, ip_address: clientAddress(request).ip };
}

/** Asks the hook whether this user may be; throws with its words where it says no. Outside of transactions. */
export async function beforeUserCreated(context: AuthContext, request: FastifyRequest, user: NewUser): Promise<void> {
  if (context.hooks.target('beforeUserCreated') === undefined) return;
  const now = context.now().toISOString();
  await context.hooks.run('beforeUserCreated', {
    metadata: metadata(context, request, 'before-user-created'),
    user: {
      id: user.id ?? randomUUID(),
      aud: user.audience ?? context.settings.jwt.audience,
      role: '',
      email: user.email ?? '',
      phone: user.phone ?? '',
      app_metadata: user.provider === '' ? {} : { provider: user.provider, providers: [user.provider] },
      user_metadata: user.userMetadata ?? {},
      identities: [],
      created_at: now,
      updated_at: now,
      is_anonymous: user.isAnonymous ?? false,
    },
  });
}

/** Tells the hook; its failure is logged and changes nothing, since the user is there already. */
export async function afterUserCreated(context: AuthContext, request: FastifyRequest, user: FullUser): Promise<void> {
  if (context.hooks.target('afterUserCreated') === undefined) return;
  const input = { metadata: metadata(context, request, 'after-user-created'), user: renderUser(user) };
  await context.hooks.run('afterUserCreated', input).catch((error: unknown) => {
    context.log.warn({ err: error }, 'The hook after-user-created failed');
  });
}
