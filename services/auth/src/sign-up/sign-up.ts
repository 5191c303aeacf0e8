import type { FastifyRequest } from 'fastify';
import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { type ClientAddress, clientAddress } from '../http/client-address.js';
import { prepareMail, sendMails } from '../mail/prepare-mail.js';
import { hashPassword } from '../passwords/hash-password.js';
import { resolveRedirect } from '../redirects/resolve-redirect.js';
import { type StartedSession, startSession } from '../sessions/start-session.js';
import { prepareSms, sendPrepared } from '../sms/prepare-sms.js';
import { insertIdentity } from '../store/identities.js';
import { ask, askOne, type Query, type Run } from '../store/query.js';
import { type FullUser, findUserById, findUserByPhone, findUserWithEmail, updateUser } from '../store/users.js';
import { beginFlow } from '../tokens/begin-flow.js';
import type { Challenge } from '../tokens/pkce.js';
import { confirmEmail, confirmPhone } from '../users/confirm-user.js';
import { createUser, type NewUser } from '../users/create-user.js';
import { afterUserCreated, beforeUserCreated } from '../users/user-hooks.js';
import type { Channel } from '../users/validate-contact.js';

export interface SignUp {
  readonly provider: 'email' | 'phone';
  /** Of the kind that the provider says, checked. */
  readonly contact: string;
  readonly password: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly channel: Channel;
  readonly challenge: Challenge | undefined;
}

export type SignUpOutcome =
  /** Somebody has this address already, and has confirmed it. */
  | { readonly kind: 'repeated'; readonly user: FullUser }
  /** A code is on its way. */
  | { readonly kind: 'unconfirmed'; readonly user: FullUser }
  | { readonly kind: 'signed-in'; readonly started: StartedSession };

/** Signs a new user up, or sends an unconfirmed one its code again. Sends what must be sent. */
export async function signUp(context: AuthContext, request: FastifyRequest, input: SignUp): Promise<SignUpOutcome> {
  const audience = context.settings.jwt.audience;
  const find = () =>
    input.provider === 'email' ? findUserWithEmail(input.contact, audience) : findUserByPhone(input.contact, audience);
  const [known] = await context.read(find());
  const candidate = known === undefined ? await newUser(context, input) : undefined;
  if (candidate !== undefined) await beforeUserCreated(context, request, candidate);
  const { outcome, created, send } = await inTransaction(context, async (run) => {
    const existing = await askOne(run, find());
    if (existing === undefined && candidate === undefined) throw new Error('the user was deleted meanwhile');
    const client = clientAddress(request);
    if (existing !== undefined && isConfirmedBy(existing, input)) {
      await ask(run, ...recordAudit(context, client, existing, 'user_repeated_signup', { provider: input.provider }));
      return { outcome: { kind: 'repeated', user: existing } as const, created: undefined, send: nothing };
    }
    const user = existing ?? (await createUser(run, context, candidate as NewUser));
    if (existing !== undefined) await addIdentity(run, context, existing, input);
    const finished = await finish(run, context, request, { user, client, input });
    return { ...finished, created: existing === undefined ? user : undefined };
  });
  await send();
  if (created !== undefined) await afterUserCreated(context, request, created);
  return outcome;
}

const nothing = async () => {};

/** Two at once with the same address: the second one finds the first one's user when it tries again. */
async function inTransaction<T>(context: AuthContext, work: (run: Run) => Promise<T>): Promise<T> {
  try {
    return await context.transaction(work);
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== '23505') throw error;
    return await context.transaction(work);
  }
}

function isConfirmedBy(user: FullUser, { provider }: SignUp): boolean {
  return (provider === 'email' ? user.email_confirmed_at : user.phone_confirmed_at) !== null;
}

async function newUser(context: AuthContext, input: SignUp): Promise<NewUser & { readonly id: string }> {
  const id = crypto.randomUUID();
  const identity = identityData(id, input);
  return {
    id,
    ...(input.provider === 'email' ? { email: input.contact } : { phone: input.contact }),
    passwordHash: await hashPassword(input.password, context.settings.password.bcryptCost),
    provider: input.provider,
    // GoTrue makes the metadata of an unconfirmed user what its identity says.
    userMetadata: identity,
    identity: { provider: input.provider, data: identity },
  };
}

/** What is said of the identity wins over what the client says. */
function identityData(id: string, { provider, contact, data }: SignUp) {
  const own = provider === 'email' ? { email: contact } : {};
  return { ...data, sub: id, ...own, email_verified: false, phone_verified: false };
}

/** An unconfirmed user of another provider may be somebody else: only what signs up now is kept. */
async function addIdentity(run: Run, context: AuthContext, user: FullUser, input: SignUp): Promise<void> {
  if (user.identities.some(({ provider, provider_id: id }) => provider === input.provider && id === user.id)) return;
  const now = context.now();
  const data = identityData(user.id, input);
  const others: Query<number> = {
    statement: { text: 'DELETE FROM auth.identities WHERE user_id = $1', values: [user.id] },
    read: ({ count }) => count,
  };
  const providers = { ...user.raw_app_meta_data, provider: input.provider, providers: [input.provider] };
  await ask(
    run,
    others,
    insertIdentity({ userId: user.id, provider: input.provider, data }, now),
    updateUser(user.id, { raw_user_meta_data: data, raw_app_meta_data: providers }, now),
  );
}

interface Finishing {
  readonly user: FullUser;
  readonly client: ClientAddress;
  readonly input: SignUp;
}

async function finish(run: Run, context: AuthContext, request: FastifyRequest, { user, client, input }: Finishing) {
  const { provider, channel, challenge } = input;
  const { settings } = context;
  const traits = { provider, ...(provider === 'phone' ? { channel } : {}) };
  if (provider === 'email' ? settings.email.autoconfirm : settings.phone.autoconfirm) {
    const confirm = provider === 'email' ? confirmEmail(context, user) : confirmPhone(context, user);
    await ask(
      run,
      ...recordAudit(context, client, user, 'user_signedup', traits),
      ...confirm,
      ...recordAudit(context, client, user, 'login', { provider }),
    );
    const confirmed = await reload(run, user.id);
    const started = await startSession(run, context, { user: confirmed, method: 'password', client });
    return { outcome: { kind: 'signed-in', started } as const, send: nothing };
  }
  const audit = recordAudit(context, client, user, 'user_confirmation_requested', { provider });
  if (provider === 'phone') {
    const prepared = prepareSms(context, 'confirmation', { user, phone: input.contact, channel });
    await ask(run, ...audit, ...prepared.queries);
    const send = async () => void (await sendPrepared(context, prepared));
    return { outcome: { kind: 'unconfirmed', user: await reload(run, user.id) } as const, send };
  }
  const redirectTo = resolveRedirect(request, settings);
  const { queries, mails } = prepareMail(context, 'confirmation', { user, redirectTo, pkce: challenge !== undefined });
  const flow = { userId: user.id, provider: 'email', authenticationMethod: 'email/signup' };
  const flows = challenge === undefined ? [] : [beginFlow(challenge, flow, context.now())];
  await ask(run, ...audit, ...flows, ...queries);
  const send = async () => await sendMails(context, mails);
  return { outcome: { kind: 'unconfirmed', user: await reload(run, user.id) } as const, send };
}

/** The user as it is now, triggers of the database included. */
export async function reload(run: Run, id: string): Promise<FullUser> {
  const user = await askOne(run, findUserById(id));
  if (user === undefined) throw new Error('the user is gone');
  return user;
}
