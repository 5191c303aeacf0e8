import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { forbidden, internalError, unprocessable } from '../errors.js';
import type { ClientAddress } from '../http/client-address.js';
import { identityData, type ProviderUser } from '../providers/provider-user.js';
import { findIdentity, insertIdentity, updateIdentity } from '../store/identities.js';
import { ask, askOne, type Run } from '../store/query.js';
import { type FullUser, findUserById, mergeMetadata, updateUser } from '../store/users.js';
import { updateProviders } from '../users/confirm-user.js';
import { createUser } from '../users/create-user.js';
import { isBanned } from '../users/render-user.js';
import { judgeLinking, type LinkingDecision, linkingDomain, primaryEmail, verifiedEmails } from './judge-linking.js';
import { linkingEvidence } from './linking-evidence.js';
import { confirmEmail, lockUser, removeUnconfirmed } from './user-changes.js';

export interface ExternalIdentity {
  /** As in identities.provider. */
  readonly provider: string;
  readonly user: ProviderUser;
  /** Whether people without an address may sign in. */
  readonly emailOptional: boolean;
}

export interface Settled {
  readonly user: FullUser;
  readonly created: boolean;
  /** The address must be confirmed before the user may sign in; a mail has to be sent if there is one. */
  readonly unconfirmed: boolean;
}

/** Whether somebody is new here, as far as one can know before the transaction: for the hook that is asked before a user is made. */
export async function isNewcomer(context: AuthContext, { provider, user }: ExternalIdentity): Promise<boolean> {
  const { queries, read } = linkingEvidence(context, provider, user);
  return judgeLinking(provider, user, read(await context.read(...queries))).kind === 'create';
}

/**
 * Finds or makes the user whom a provider names, in the transaction (supabase/auth, createAccountFromExternalIdentity). Throws ApiError: 422
 * signup_disabled, 403 user_banned, 500 where the address belongs to several.
 */
export async function settleIdentity(
  run: Run,
  context: AuthContext,
  client: ClientAddress,
  identity: ExternalIdentity,
): Promise<Settled> {
  const { provider, user: person } = identity;
  const { queries, read } = linkingEvidence(context, provider, person);
  const decision = judgeLinking(provider, person, read(await ask(run, ...queries)));
  const data = { ...identityData(person), sub: person.claims.sub };
  const user = await applyDecision(run, context, client, identity, decision, data);
  if (isBanned(user, context.now())) throw forbidden('user_banned', 'User is banned');
  const created = decision.kind === 'create';
  const needsEmail = provider !== 'web3' && (!identity.emailOptional || primaryEmail(person) !== '');
  if (!needsEmail || user.email_confirmed_at !== null) {
    await ask(run, ...recordAudit(context, client, user, 'login', { provider }));
    return { user: await reload(run, user.id), created, unconfirmed: false };
  }
  const vouched = user.email !== null && verifiedEmails(person).includes(user.email.toLowerCase());
  if (!vouched && !context.settings.email.autoconfirm) {
    const lenient = context.settings.email.allowUnverifiedSignIns;
    return { user: await reload(run, user.id), created, unconfirmed: !lenient };
  }
  if (!created) await removeUnconfirmed(run, context, user, { provider, sub: person.claims.sub, data });
  await ask(run, ...recordAudit(context, client, user, 'user_signedup', { provider }));
  if (user.email !== null) await ask(run, ...confirmEmail(context, user, data));
  if (!created) await ask(run, updateProviders(user.id, context.now()));
  return { user: await reload(run, user.id), created, unconfirmed: false };
}

async function reload(run: Run, id: string): Promise<FullUser> {
  const user = await askOne(run, findUserById(id));
  if (user === undefined) throw new Error('the user is gone');
  return user;
}

async function applyDecision(
  run: Run,
  context: AuthContext,
  client: ClientAddress,
  { provider, user: person }: ExternalIdentity,
  decision: LinkingDecision,
  data: Readonly<Record<string, unknown>> & { readonly sub: string },
): Promise<FullUser> {
  const now = context.now();
  switch (decision.kind) {
    case 'ambiguous':
      throw internalError('Multiple accounts with the same email address in the same linking domain detected: default');
    case 'create':
      if (context.settings.signup.disabled) {
        throw unprocessable('signup_disabled', 'Signups not allowed for this instance');
      }
      return await createUser(run, context, {
        email: decision.email,
        userMetadata: data,
        provider,
        isSsoUser: linkingDomain(provider) !== 'default',
        identity: { provider, data },
      });
    case 'link': {
      const user = await lockUser(run, decision.userId);
      await ask(
        run,
        insertIdentity({ userId: user.id, provider, data }, now),
        updateUser(user.id, { raw_user_meta_data: mergeMetadata(user.raw_user_meta_data, data) }, now),
        ...recordAudit(context, client, user, 'identity_linked', { provider, provider_id: data.sub }),
      );
      await ask(run, updateProviders(user.id, context.now()));
      return user;
    }
    case 'exists': {
      const [user, identity] = [
        await lockUser(run, decision.userId),
        await askOne(run, findIdentity(person.claims.sub, provider)),
      ];
      if (identity === undefined) throw new Error('the identity is gone');
      await ask(
        run,
        updateIdentity(identity.id, { identity_data: data, last_sign_in_at: now }, now),
        updateUser(user.id, { raw_user_meta_data: mergeMetadata(user.raw_user_meta_data, data) }, now),
      );
      await ask(run, updateProviders(user.id, context.now()));
      return user;
    }
  }
}
